/** Small kernel objects for tests of entries. Not exported from the package. */

import { EXIT, move } from '../isa/assemble.ts';
import { encodeInsns } from '../isa/opcodes.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { BpfProgram, tryLoadProgram } from '../kernel/objects/program.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { HOST_ORDER } from '../kernel/uapi/attr.ts';
import { BPF_XDP } from '../uapi/attach-types.ts';
import { BPF_MAP_TYPE_ARRAY } from '../uapi/map-types.ts';
import { BPF_PROG_TYPE_XDP } from '../uapi/program-types.ts';

/** An XDP program that returns `verdict`. */
export function tinyProgram(sys: Sys, name: string, verdict = 2): BpfProgram {
  const code = encodeInsns([move(0, verdict), EXIT], HOST_ORDER);
  const spec = { name, type: BPF_PROG_TYPE_XDP, expectedAttachType: BPF_XDP, code, license: 'GPL' };
  const result = tryLoadProgram(sys, spec);
  if (result.kind === 'refused') throw new Error(`the kernel refused a tiny program: errno ${result.errno}`);
  return new BpfProgram(sys, result.fd, name, BPF_PROG_TYPE_XDP);
}

/** An array of two u32. */
export function tinyMap(sys: Sys, name: string): BpfMap {
  return BpfMap.create(sys, { name, type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 });
}
