/** Fields of instructions in the byte order of the file (UNIT.order). The word of 32 bits is read by `getWord`. */

import { byte, setByte } from '../../../image/memory.ts';

/** Source register, or what `BPF_PSEUDO_…` it stands for. */
export function sourceOf(insn: number, order: number): number {
  const registers = byte(insn + 1);
  return order === 0 ? registers >> 4 : registers & 15;
}

export function setSource(insn: number, order: number, source: number): void {
  const registers = byte(insn + 1);
  setByte(insn + 1, order === 0 ? (source << 4) | (registers & 15) : (registers & 0xf0) | source);
}

/** The signed 16 bits of a jump's distance. */
export function distanceOf(insn: number, order: number): number {
  const low = byte(insn + 2);
  const high = byte(insn + 3);
  return ((order === 0 ? (high << 8) | low : (low << 8) | high) << 16) >> 16;
}
