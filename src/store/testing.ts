/** Small kernel objects for tests of entries. Not exported from the package. */

import { encodeInsns } from '../isa/opcodes.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { BpfProgram, tryLoadProgram } from '../kernel/objects/program.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { HOST_ORDER } from '../kernel/uapi/attr.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_PROG_TYPE_XDP, BPF_XDP } from '../object/uapi/uapi.ts';

/** An XDP program that returns `verdict`. */
export function tinyProgram(sys: Sys, name: string, verdict = 2): BpfProgram {
  const code = encodeInsns(
    [
      { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: verdict },
      { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 },
    ],
    HOST_ORDER,
  );
  const spec = { name, type: BPF_PROG_TYPE_XDP, expectedAttachType: BPF_XDP, code, license: 'GPL' };
  const result = tryLoadProgram(sys, spec);
  if (result.kind === 'refused') throw new Error(`the kernel refused a tiny program: errno ${result.errno}`);
  return new BpfProgram(sys, result.fd, name, BPF_PROG_TYPE_XDP);
}

/** An array of two u32. */
export function tinyMap(sys: Sys, name: string): BpfMap {
  return BpfMap.create(sys, { name, type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 });
}
