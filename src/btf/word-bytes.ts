/** Words in host order from and to the bytes of either order. */

import type { ByteOrder } from '../bytes/index.ts';

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Words in host order; `bytes` are a multiple of 4 long and may lie anywhere. */
export function wordsFromBytes(bytes: Uint8Array, order: ByteOrder): Uint32Array {
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  if ((order === 'little') !== HOST_IS_LITTLE) swapWords(words);
  return words;
}

/** Words in host order to bytes in `order`. */
export function wordsToBytes(words: Uint32Array, order: ByteOrder): Uint8Array {
  const copy = words.slice();
  if ((order === 'little') !== HOST_IS_LITTLE) swapWords(copy);
  return new Uint8Array(copy.buffer);
}

function swapWords(words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    words[i] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}
