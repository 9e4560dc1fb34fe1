/**
 * What kernels know of memory: 32-bit words by word index, bytes and halves by byte address.
 *
 * As JavaScript these are functions over views of the image that is bound; in WebAssembly each is one
 * instruction. Access outside of memory throws, as a WebAssembly trap does.
 */

import { outside } from './failures.ts';

let bytes = new Uint8Array(0);
let words = new Int32Array(0);
let enlarge: (bytes: number) => void = () => {};
let unforeseen: () => number = () => 0;

/**
 * Makes `buffer` the memory of all kernels that run as JavaScript. `makeRoom` makes it at least `bytes` long, `random`
 * gives a random word.
 */
export function bindMemory(
  buffer: ArrayBuffer,
  makeRoom: (bytes: number) => void,
  random: () => number,
): void {
  if (bytes.buffer !== buffer) {
    bytes = new Uint8Array(buffer);
    words = new Int32Array(buffer);
  }
  enlarge = makeRoom;
  unforeseen = random;
}

/** The word at a word index. */
export function word(index: number): number {
  return words[index] ?? outside(index);
}

export function setWord(index: number, value: number): void {
  if (index >>> 0 >= words.length) outside(index);
  words[index] = value;
}

/** The byte at a byte address. */
export function byte(address: number): number {
  return bytes[address] ?? outside(address);
}

export function setByte(address: number, value: number): void {
  if (address >>> 0 >= bytes.length) outside(address);
  bytes[address] = value;
}

/** 16 bits at a byte address, unsigned. */
export function half(address: number): number {
  return byte(address) | (byte(address + 1) << 8);
}

export function setHalf(address: number, value: number): void {
  setByte(address, value);
  setByte(address + 1, value >> 8);
}

/** Copies bytes; the ranges may overlap. */
export function copy(to: number, from: number, size: number): void {
  if (size < 0 || to < 0 || from < 0 || to > bytes.length - size || from > bytes.length - size) outside(to);
  bytes.copyWithin(to, from, from + size);
}

/** Sets `size` bytes to one value. */
export function fill(to: number, value: number, size: number): void {
  if (size < 0 || to < 0 || to > bytes.length - size) outside(to);
  bytes.fill(value, to, to + size);
}

/** Makes the memory at least `size` bytes long. The host does it: word indexes and addresses stay valid. */
export function grow(size: number): void {
  enlarge(size);
}

/** Sets the word at a word index to one that no input can foresee. The host draws it. */
export function draw(index: number): void {
  setWord(index, unforeseen());
}
