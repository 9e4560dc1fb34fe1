/** What tests of watched programs share. Not exported from the package. */

import { add, copy, EXIT, insn, load, move } from '../../isa/assemble.ts';
import { BPF_B, BPF_JGT, BPF_JMP, BPF_W, BPF_X, type Insn } from '../../isa/opcodes.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { testObject } from '../../vm/testing.ts';

/** A member whose verdict is a byte of the packet; with tc minus 1, so that -1 is among them. */
export function byteMember(name: string, section: string, offset: number): BpfObject {
  const isXdp = section.startsWith('xdp');
  const [data, dataEnd] = isXdp ? [0, 4] : [76, 80];
  const verdict = isXdp ? [load(BPF_B, 0, 2, offset)] : [load(BPF_B, 0, 2, offset), add(0, -1)];
  const insns: Insn[] = [
    load(BPF_W, 2, 1, data),
    load(BPF_W, 3, 1, dataEnd),
    move(0, 0),
    copy(4, 2),
    add(4, offset + 1),
    insn(BPF_JMP | BPF_JGT | BPF_X, 4, 3, verdict.length),
    ...verdict,
    EXIT,
  ];
  return { ...testObject([{ name: 'prog', insns, section }]), name: `${name}.o` };
}

/** What such a member returns. */
export function byteVerdict(section: string, packet: Uint8Array, offset: number): number {
  const byte = packet[offset] ?? 0;
  return section.startsWith('xdp') ? byte : byte - 1;
}
