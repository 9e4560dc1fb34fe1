/**
 * Records of ELF files in host order.
 *
 * Checks read host order only. A little-endian file has it already; of a big-endian one the records are
 * copied first, because the bytes of sections may be shared.
 */

import { copy, half, setHalf, setWord, word } from '../../image/memory.ts';
import { swapped } from '../../image/put.kernel.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { EHDR, REL, SHDR, SYM } from '../fields.ts';

function swapWords(first: number, count: number): number {
  for (let at = first; at < first + count; at = at + 1) setWord(at, swapped(word(at)));
  return count;
}

/** A field of 64 bits: its halves change places too. */
function swapWide(at: number): number {
  const high = swapped(word(at));
  setWord(at, swapped(word(at + 1)));
  setWord(at + 1, high);
  return at;
}

function swapHalf(at: number): number {
  const value = half(at);
  setHalf(at, ((value & 0xff) << 8) | (value >>> 8));
  return at;
}

/** Address of a copy of the file header in host order. */
export function swappedHeader(from: number): number {
  const at = alloc(EHDR.bytes);
  copy(at, from, EHDR.bytes);
  swapHalf(at + EHDR.type);
  swapHalf(at + EHDR.machine);
  swapWords((at + EHDR.version) >> 2, 1);
  for (let field: number = EHDR.entry; field <= EHDR.shoff; field = field + 8) swapWide((at + field) >> 2);
  swapWords((at + EHDR.flags) >> 2, 1);
  for (let field: number = EHDR.ehsize; field < EHDR.bytes; field = field + 2) swapHalf(at + field);
  return at;
}

/** Address of a copy of section headers in host order. */
export function swappedSections(from: number, count: number): number {
  const size = count << 6;
  const at = alloc(size);
  copy(at, from, size);
  for (let header = at >> 2; header < (at + size) >> 2; header = header + SHDR.words) {
    swapWords(header, 2);
    for (let field: number = SHDR.flags; field <= SHDR.size; field = field + 2) swapWide(header + field);
    swapWords(header + SHDR.link, 2);
    swapWide(header + SHDR.align);
    swapWide(header + SHDR.entsize);
  }
  return at;
}

/** Turns the whole symbols of a table, in place. */
export function swapSymbols(at: number, size: number): number {
  const end = (at + size) >> 2;
  for (let symbol = at >> 2; symbol + SYM.words <= end; symbol = symbol + SYM.words) {
    swapWords(symbol, 1);
    swapHalf(((symbol + SYM.info) << 2) + 2);
    swapWide(symbol + SYM.value);
    swapWide(symbol + SYM.size);
  }
  return size;
}

/** Turns the whole relocations of a table, in place. */
export function swapRelocations(at: number, size: number): number {
  const end = (at + size) >> 2;
  for (let record = at >> 2; record + REL.words <= end; record = record + REL.words) {
    swapWide(record);
    swapWide(record + REL.type);
  }
  return size;
}

/** Turns the whole words of a table, in place. */
export function swapTable(at: number, size: number): number {
  return swapWords(at >> 2, size >> 2);
}
