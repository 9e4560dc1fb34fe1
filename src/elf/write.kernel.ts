/**
 * The frame of an ELF relocatable file for BPF: where its sections are, and its headers, symbols and relocations.
 *
 * Follows the gABI where libbpf's linker does not: locals are before globals and sh_info says how many they are, so
 * that GNU binutils read the result as well as libelf and LLVM do. File order: contents, relocations, `.symtab`,
 * (`.symtab_shndx`,) one `.strtab` for all names, the section headers.
 */

import { OUTPUT, OUTPUT_SECTION } from '../image/layout.ts';
import { setByte, setWord, word } from '../image/memory.ts';
import { putHalf, putLong, putWord } from '../image/put.kernel.ts';
import { addRows } from '../image/tables.kernel.ts';
import {
  ELFCLASS64,
  ELFDATA2LSB,
  EM_BPF,
  ET_REL,
  EV_CURRENT,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_NOBITS,
} from './constants.ts';
import { EHDR, ELF_MAGIC, SHDR } from './fields.ts';

const MAX_SIZE = 0x7fffffff;

/** A new row of OUTPUT, with the null section. */
export function beginOutput(order: number, flags: number): number {
  const output = addRows(OUTPUT.count, OUTPUT.width, 1);
  setWord(word(OUTPUT.order) + output, order);
  setWord(word(OUTPUT.flags) + output, flags);
  setWord(word(OUTPUT.sections) + output, addRows(OUTPUT_SECTION.count, OUTPUT_SECTION.width, 1));
  setWord(word(OUTPUT.sectionCount) + output, 1);
  return output;
}

/** A new section; no rows of OUTPUT_SECTION of another file may be added before the last one. */
export function addOutputSection(
  output: number,
  name: number,
  type: number,
  flags: number,
  align: number,
  entsize: number,
  size: number,
): number {
  const section = addRows(OUTPUT_SECTION.count, OUTPUT_SECTION.width, 1);
  setWord(word(OUTPUT_SECTION.name) + section, name);
  setWord(word(OUTPUT_SECTION.type) + section, type);
  setWord(word(OUTPUT_SECTION.flags) + section, flags);
  setWord(word(OUTPUT_SECTION.align) + section, align);
  setWord(word(OUTPUT_SECTION.entsize) + section, entsize);
  setWord(word(OUTPUT_SECTION.size) + section, size);
  const count = word(OUTPUT.sectionCount) + output;
  setWord(count, word(count) + 1);
  return section;
}

/**
 * File offsets: multiples of 8, and of the section's own alignment, which libelf requires. Returns the bytes of the
 * file; 0 where they are more than 31 bits can say.
 */
export function placeOutput(output: number): number {
  const first = word(word(OUTPUT.sections) + output);
  const last = first + word(word(OUTPUT.sectionCount) + output);
  let end = EHDR.bytes;
  for (let section = first + 1; section < last; section = section + 1) {
    const offset = alignedTo(end, word(word(OUTPUT_SECTION.align) + section));
    if (offset < 0) return 0;
    setWord(word(OUTPUT_SECTION.offset) + section, offset);
    if (word(word(OUTPUT_SECTION.type) + section) === SHT_NOBITS) continue;
    const size = word(word(OUTPUT_SECTION.size) + section);
    if (size < 0 || offset > MAX_SIZE - size) return 0;
    end = offset + size;
  }
  const headers = alignedTo(end, 8);
  const size = (last - first) << 6;
  if (headers < 0 || headers > MAX_SIZE - size) return 0;
  setWord(word(OUTPUT.headers) + output, headers);
  setWord(word(OUTPUT.size) + output, headers + size);
  return headers + size;
}

/** The offset, or the next multiple of 8 and `align`; -1 where there is none in 31 bits. */
function alignedTo(offset: number, align: number): number {
  const step = align < 8 ? 8 : align;
  const rest = offset % step;
  if (rest === 0) return offset;
  return offset > MAX_SIZE - step ? -1 : offset + step - rest;
}

/** Writes the file header and the section headers; the last section is the string table. */
export function putHeaders(at: number, output: number): number {
  const order = word(word(OUTPUT.order) + output);
  const count = word(word(OUTPUT.sectionCount) + output);
  const headers = word(word(OUTPUT.headers) + output);
  setWord(at >> 2, ELF_MAGIC);
  setByte(at + EHDR.class, ELFCLASS64);
  setByte(at + EHDR.data, order + ELFDATA2LSB);
  setByte(at + EHDR.identVersion, EV_CURRENT);
  putHalf(at + EHDR.type, ET_REL, order);
  putHalf(at + EHDR.machine, EM_BPF, order);
  putWord(at + EHDR.version, EV_CURRENT, order);
  putLong(at + EHDR.shoff, headers, 0, order);
  putWord(at + EHDR.flags, word(word(OUTPUT.flags) + output), order);
  putHalf(at + EHDR.ehsize, EHDR.bytes, order);
  putHalf(at + EHDR.shentsize, SHDR.bytes, order);
  putHalf(at + EHDR.shnum, count < SHN_LORESERVE ? count : 0, order);
  putHalf(at + EHDR.shstrndx, count - 1 < SHN_LORESERVE ? count - 1 : SHN_XINDEX, order);
  const first = word(word(OUTPUT.sections) + output);
  if (count >= SHN_LORESERVE) setWord(word(OUTPUT_SECTION.size) + first, count);
  if (count > SHN_LORESERVE) setWord(word(OUTPUT_SECTION.link) + first, count - 1);
  let to = at + headers;
  for (let section = first; section < first + count; section = section + 1)
    to = putSectionHeader(to, section, order);
  return to;
}

function putSectionHeader(at: number, section: number, order: number): number {
  putWord(at, word(word(OUTPUT_SECTION.name) + section), order);
  putWord(at + 4, word(word(OUTPUT_SECTION.type) + section), order);
  putLong(at + 8, word(word(OUTPUT_SECTION.flags) + section), 0, order);
  putLong(at + 24, word(word(OUTPUT_SECTION.offset) + section), 0, order);
  putLong(at + 32, word(word(OUTPUT_SECTION.size) + section), 0, order);
  putWord(at + 40, word(word(OUTPUT_SECTION.link) + section), order);
  putWord(at + 44, word(word(OUTPUT_SECTION.info) + section), order);
  putLong(at + 48, word(word(OUTPUT_SECTION.align) + section), 0, order);
  const high = word(word(OUTPUT_SECTION.entsizeHigh) + section);
  return putLong(at + 56, word(word(OUTPUT_SECTION.entsize) + section), high, order);
}

/** Writes a symbol at a multiple of 8. `section`: st_shndx. Returns the address after it. */
export function putSymbol(
  at: number,
  name: number,
  info: number,
  visibility: number,
  section: number,
  value: number,
  size: number,
  order: number,
): number {
  putWord(at, name, order);
  setByte(at + 4, info);
  setByte(at + 5, visibility);
  putHalf(at + 6, section, order);
  putLong(at + 8, value, 0, order);
  return putLong(at + 16, size, 0, order);
}

/** Writes a relocation. Returns the address after it. */
export function putElfRelocation(
  at: number,
  offset: number,
  type: number,
  symbol: number,
  order: number,
): number {
  putLong(at, offset, 0, order);
  return putLong(at + 8, type, symbol, order);
}
