/**
 * The header of `.BTF` and `.BTF.ext`, and the words of a section in host order.
 *
 * A section is at an 8-byte aligned address in the image, in the byte order of its unit.
 */

import { getWord } from '../../image/get.kernel.ts';
import { HEADER, UNIT } from '../../image/layout.ts';
import { byte, copy, half, setWord, word } from '../../image/memory.ts';
import { swapped } from '../../image/put.kernel.ts';
import { alloc, fault } from '../../image/tables.kernel.ts';
import { BTF_MAGIC, BTF_VERSION } from '../../uapi/btf.ts';
import { TYPE_FAULT } from '../model/faults.ts';
import { BTF_HEADER_SIZE } from './header.ts';

/** Length of the header; 0 after a fault. The kernel takes 16 MiB; beyond the limit, a file is made to exhaust memory. */
export function readHeader(unit: number, at: number, size: number): number {
  const order = word(word(UNIT.order) + unit);
  if (size > word(HEADER.btfLimit)) return fault(TYPE_FAULT.sectionTooLarge, unit, size, 0);
  if (size < 8) return fault(TYPE_FAULT.headerCut, unit, size, 0);
  const first = half(at);
  const magic = order === 0 ? first : ((first & 0xff) << 8) | (first >>> 8);
  if (magic !== BTF_MAGIC) return fault(TYPE_FAULT.magic, unit, magic, 0);
  if (byte(at + 2) !== BTF_VERSION) return fault(TYPE_FAULT.version, unit, byte(at + 2), 0);
  if (byte(at + 3) !== 0) return fault(TYPE_FAULT.flags, unit, byte(at + 3), 0);
  const length = getWord(at + 4, order);
  if (length < BTF_HEADER_SIZE || length > size) return fault(TYPE_FAULT.headerLength, unit, length, size);
  return length;
}

/** 1 when the header has only zeros from `from` on: what nothing knows must be unused. 0 after a fault. */
export function requireZeros(unit: number, at: number, from: number, length: number): number {
  for (let i = from; i < length; i = i + 1) {
    if (byte(at + i) !== 0) return fault(TYPE_FAULT.unknownField, unit, i, length);
  }
  return 1;
}

/**
 * Address of `size` bytes as aligned words in host order: where they are, or a copy. Sections of a file may
 * overlap, so nothing is changed in place.
 */
export function hostWords(at: number, size: number, order: number): number {
  if (order === 0 && (at & 3) === 0) return at;
  const to = alloc(size + 4);
  copy(to, at, size);
  if (order === 0) return to;
  const end = (to + (size & -4)) >> 2;
  for (let w = to >> 2; w < end; w = w + 1) setWord(w, swapped(word(w)));
  return to;
}
