/**
 * Types of a dispatcher: global functions that take `struct xdp_md *`, which the kernel compares with their
 * replacements; its configuration; and the version, as the length of an array that nothing allocates.
 */

import { type Btf, BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import { valueAt } from '../../bytes/index.ts';
import { CONFIG_FIELDS, CONFIG_LAYOUTS, type DispatcherVersion } from './config.ts';

/** Data section of the variable that states the version. */
export const VERSION_SECTION = 'xdp_metadata';
/** That variable: a pointer to an array as long as the version. */
export const VERSION_VARIABLE = 'dispatcher_version';

const XDP_MD_FIELDS = [
  'data',
  'data_end',
  'data_meta',
  'ingress_ifindex',
  'rx_queue_index',
  'egress_ifindex',
] as const;

export interface DispatcherTypes {
  readonly btf: Btf;
  readonly program: BtfId;
  /** In the order of the names. */
  readonly stubs: readonly BtfId[];
  readonly config: BtfId;
  /** 0 where the configuration itself has the version. */
  readonly version: BtfId;
}

/** Types for functions of these names. */
export function dispatcherTypes(
  version: DispatcherVersion,
  stubNames: readonly string[],
  programName: string,
): DispatcherTypes {
  const btf = new BtfBuilder();
  const int = btf.add(INT);
  const unsigned = btf.add({ ...INT, name: 'unsigned int', signed: false });
  const context = btf.add({ kind: 'ptr', type: addContext(btf, unsigned) });
  const params = [{ name: 'ctx', type: context }];
  const prototype = btf.add({ kind: 'func_proto', returns: int, params });
  const functionType = (name: string) => btf.add({ kind: 'func', name, type: prototype, linkage: 'global' });
  const stubs = stubNames.map(functionType);
  const program = functionType(programName);
  const config = addConfig(btf, version, unsigned);
  const versionType = version === 1 ? addVersion(btf, version, int) : 0;
  return { btf: btf.build(), program, stubs, config, version: versionType };
}

function addContext(btf: BtfBuilder, word: BtfId): BtfId {
  const members = XDP_MD_FIELDS.map((name, at) => ({ name, type: word, bitOffset: 32 * at, bitSize: 0 }));
  return btf.add({ kind: 'struct', name: 'xdp_md', size: 4 * members.length, members });
}

/** `static volatile const struct xdp_dispatcher_config conf`, in `.rodata`. */
function addConfig(btf: BtfBuilder, version: DispatcherVersion, word: BtfId): BtfId {
  const byte = btf.add({ ...INT, name: 'unsigned char', size: 1, bits: 8, signed: false });
  const layout = CONFIG_LAYOUTS[version];
  const offsets = new Map<string, number>(Object.entries(layout.offsets));
  const members = Object.entries(CONFIG_FIELDS[version]).map(([name, { size }]) => {
    const bitOffset = 8 * valueAt(offsets, name);
    const type = size === 1 ? byte : btf.add({ kind: 'array', element: word, index: word, length: size / 4 });
    return { name, type, bitOffset, bitSize: 0 };
  });
  const struct = btf.add({ kind: 'struct', name: layout.name, size: layout.size, members });
  const type = btf.add({ kind: 'const', type: btf.add({ kind: 'volatile', type: struct }) });
  const variable = btf.add({ kind: 'var', name: 'conf', type, linkage: 'static' });
  const vars = [{ type: variable, offset: 0, size: layout.size }];
  btf.add({ kind: 'datasec', name: '.rodata', size: layout.size, vars });
  return variable;
}

/** `__uint(dispatcher_version, VERSION) SEC("xdp_metadata")`. */
function addVersion(btf: BtfBuilder, version: number, int: BtfId): BtfId {
  const array = btf.add({ kind: 'array', element: int, index: int, length: version });
  const type = btf.add({ kind: 'ptr', type: array });
  const variable = btf.add({ kind: 'var', name: VERSION_VARIABLE, type, linkage: 'global' });
  const vars = [{ type: variable, offset: 0, size: 8 }];
  btf.add({ kind: 'datasec', name: VERSION_SECTION, size: 8, vars });
  return variable;
}
