/** Whether texts of files are ASCII and UTF-8. */

import { byte, setByte, word } from './memory.ts';

/** 1 when no byte of a string table has its highest bit. */
export function isAscii(at: number, size: number): number {
  const end = at + size;
  const lastWord = end & -4;
  let place = at;
  while (place < end && ((place & 3) !== 0 || place >= lastWord)) {
    if (byte(place) >= 0x80) return 0;
    place = place + 1;
  }
  while (place + 16 <= lastWord) {
    const w = place >> 2;
    if (((word(w) | word(w + 1) | word(w + 2) | word(w + 3)) & 0x80808080) !== 0) return 0;
    place = place + 16;
  }
  while (place < end) {
    if (byte(place) >= 0x80) return 0;
    place = place + 1;
  }
  return 1;
}

/** 1 when `size` bytes, which a NUL follows, are UTF-8. */
export function isUtf8(at: number, size: number): number {
  const end = at + size;
  let next = at;
  while (next < end) {
    const length = characterLength(next);
    if (length === 0) return 0;
    next = next + length;
  }
  return 1;
}

/**
 * For each offset of a string table a byte at `marks`: 1 when the string there, up to its NUL, is UTF-8. The
 * table ends with a NUL. From the end to the start: a string is UTF-8 when its first character is and the rest.
 */
export function markUtf8(at: number, size: number, marks: number): number {
  for (let i = size - 1; i >= 0; i = i - 1) {
    const length = characterLength(at + i);
    const fine = length === 0 ? 0 : byte(at + i) === 0 ? 1 : byte(marks + i + length);
    setByte(marks + i, fine);
  }
  return marks;
}

/** Bytes of the character at an address; 0 where there is none. A NUL, which ends every string, never belongs to one. */
function characterLength(at: number): number {
  const first = byte(at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = byte(at + 1);
  if ((second & 0xc0) !== 0x80) return 0;
  if (first < 0xe0) return 2;
  if ((byte(at + 2) & 0xc0) !== 0x80) return 0;
  if (first < 0xf0) {
    // no longer forms, no surrogates
    if (first === 0xe0 && second < 0xa0) return 0;
    return first === 0xed && second > 0x9f ? 0 : 3;
  }
  if ((byte(at + 3) & 0xc0) !== 0x80) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : 4;
}
