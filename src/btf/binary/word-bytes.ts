/** Words in host order to the bytes of either order. */

import type { ByteOrder } from '../../bytes/index.ts';
import { noElement } from '../../bytes/index.ts';

/** Whether this machine is little-endian. */
export const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Puts words in host order into `bytes` at `offset`, a multiple of 4, in `order`. */
export function storeWords(words: Uint32Array, bytes: Uint8Array, offset: number, order: ByteOrder): void {
  const target = new Uint32Array(bytes.buffer, bytes.byteOffset + offset, words.length);
  target.set(words);
  if ((order === 'little') !== HOST_IS_LITTLE) swapWords(target);
}

/** Words in host order as bytes in `order`, in the same memory: the words must not be used afterwards. */
export function wordsIntoBytes(words: Uint32Array, order: ByteOrder): Uint8Array {
  if ((order === 'little') !== HOST_IS_LITTLE) swapWords(words);
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function swapWords(words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? noElement(words, i);
    words[i] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}
