/**
 * Types as the kernel accepts them.
 *
 * The kernel refuses what only linkers and loaders use, so libbpf's changes are made here: extern functions
 * become global ones with named parameters, extern variables become allocated ints, functions that are hidden
 * from other objects become static (the verifier then follows calls into them instead of trusting their
 * prototype), and every DATASEC is made again from where variables really are.
 */

import {
  type Btf,
  BtfBuilder,
  type BtfDataSec,
  type BtfFunc,
  type BtfId,
  type BtfType,
  type BtfVar,
  editBtf,
  INT,
} from '../../btf/index.ts';
import { type BpfObject, dataSectionsOf, type ObjectLayout } from '../../object/index.ts';

export interface KernelTypes {
  readonly btf: Btf;
  /** DATASEC of a section by its name. */
  readonly dataSections: ReadonlyMap<string, BtfId>;
}

/** `extra`: DATASECs that the object does not have, such as that of `.kconfig`. */
export function kernelTypes(
  object: BpfObject,
  btf: Btf,
  layout: ObjectLayout,
  extra: readonly BtfDataSec[],
): KernelTypes {
  const builder = new BtfBuilder(btf);
  const edits = functionEdits(object, btf);
  const externs = externVariables(btf);
  const int = externs.length > 0 ? builder.add(INT) : 0;
  const withValues = new Set(extra.flatMap(section => section.vars.map(entry => entry.type)));
  for (const [id, type] of externs) {
    // The declared type of a kernel symbol may have no size (`const void`).
    edits.set(id, { ...type, linkage: 'global', type: withValues.has(id) ? type.type : int });
  }
  const dataSections = new Map<string, BtfId>();
  for (const section of [...dataSectionsOf(object, layout).filter(({ size }) => size > 0), ...extra]) {
    // Kernels before 6.9 refuse `?`, with which libbpf marks what need not be loaded (`?.struct_ops.link`).
    const name = section.name.replaceAll('?', '_');
    dataSections.set(section.name, builder.add({ ...section, name }));
  }
  return { btf: editBtf(builder.build(), edits), dataSections };
}

/** Replacements for FUNC types that are hidden or extern, and for the prototypes of the latter. */
function functionEdits(object: BpfObject, btf: Btf): Map<BtfId, BtfType> {
  const edits = new Map<BtfId, BtfType>();
  for (const symbol of object.symbols) {
    if (symbol.kind === 'function' && symbol.visibility === 'hidden') hide(btf, symbol.btfId, edits);
  }
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind !== 'func' || type.linkage !== 'extern') continue;
    edits.set(id, { ...type, linkage: 'global' });
    nameParameters(btf, type, edits);
  }
  return edits;
}

function hide(btf: Btf, id: BtfId, edits: Map<BtfId, BtfType>): void {
  if (id === 0) return;
  const type = btf.type(id);
  if (type.kind === 'func' && type.linkage === 'global') edits.set(id, { ...type, linkage: 'static' });
}

/** The kernel requires a name for every parameter; the compiler writes none for declarations. */
function nameParameters(btf: Btf, func: BtfFunc, edits: Map<BtfId, BtfType>): void {
  const proto = func.type === 0 ? undefined : btf.type(func.type);
  if (proto?.kind !== 'func_proto' || !proto.params.some(param => param.name === '' && param.type !== 0))
    return;
  const params = proto.params.map(param =>
    param.name === '' && param.type !== 0 ? { ...param, name: 'param' } : param,
  );
  edits.set(func.type, { ...proto, params });
}

/** VAR types with linkage extern, whether or not a symbol uses them. */
function externVariables(btf: Btf): (readonly [BtfId, BtfVar])[] {
  const found: (readonly [BtfId, BtfVar])[] = [];
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'var' && type.linkage === 'extern') found.push([id, type]);
  }
  return found;
}
