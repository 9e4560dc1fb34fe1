/** Numbers in the order of the file: in code, whose words are aligned, and in data, where they may not be. */

import { byte, setByte, setWord, word } from '../../../image/memory.ts';

/** The 32 bits at an aligned address, of a file of the byte order `order` (UNIT.order). */
export function fileWord(address: number, order: number): number {
  const value = word(address >> 2);
  return order === 0 ? value : swapped(value);
}

export function setFileWord(address: number, order: number, value: number): void {
  setWord(address >> 2, order === 0 ? value : swapped(value));
}

function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** The 32 bits at any address. */
export function dataWord(address: number, order: number): number {
  const value =
    byte(address) | (byte(address + 1) << 8) | (byte(address + 2) << 16) | (byte(address + 3) << 24);
  return order === 0 ? value : swapped(value);
}

/** Low and high word of a number of 8 bytes at any address. */
export function looseLow(address: number, order: number): number {
  return dataWord(order === 0 ? address : address + 4, order);
}

export function looseHigh(address: number, order: number): number {
  return dataWord(order === 0 ? address + 4 : address, order);
}

// --- instructions of 8 bytes --------------------------------------------------------------------------------------

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
