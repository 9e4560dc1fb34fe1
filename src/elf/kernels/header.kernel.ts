/**
 * The file header and the section header table of an untrusted file.
 *
 * Accepted is a 64-bit relocatable BPF object. UNIT.headers is the section header table in host order; with
 * extended numbering the number of sections and the section of their names are in section header 0.
 */

import { UNIT } from '../../image/layout.ts';
import { byte, copy, half, setWord, word } from '../../image/memory.ts';
import { swapped } from '../../image/put.kernel.ts';
import { alloc, fault } from '../../image/tables.kernel.ts';
import {
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EM_BPF,
  ET_REL,
  EV_CURRENT,
  MAX_SECTIONS,
  SHN_XINDEX,
  SHT_NULL,
} from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { EHDR, ELF_MAGIC, SHDR } from '../fields.ts';
import { swappedHeader, swappedSections } from './order.kernel.ts';

/** Fills UNIT.order, flags, headers and sectionCount; returns the address of the file header in host order, or 0. */
export function openFile(unit: number): number {
  alignFile(unit);
  const header = headerOf(unit);
  if (header === 0) return fault(ELF_FAULT.notBpf, unit, 0, 0);
  if (checkVersion(unit, header) === 0) return 0;
  if (checkTablePlace(unit, header) === 0) return 0;
  if (openSections(unit, header) === 0) return 0;
  setWord(word(UNIT.flags) + unit, word((header + EHDR.flags) >> 2));
  return header;
}

/** Members of archives are at even offsets; their copies are at multiples of 16. */
function alignFile(unit: number): void {
  const from = word(word(UNIT.at) + unit);
  if ((from & 7) === 0) return;
  const size = word(word(UNIT.size) + unit);
  const at = alloc(size + 1);
  copy(at, from, size);
  setWord(word(UNIT.at) + unit, at);
}

/** The file header, if it is that of a BPF object; else 0. `identify` says of other files what they are. */
function headerOf(unit: number): number {
  const at = word(word(UNIT.at) + unit);
  if (word(word(UNIT.size) + unit) < EHDR.bytes) return 0;
  if (word(at >> 2) !== ELF_MAGIC || byte(at + EHDR.class) !== ELFCLASS64) return 0;
  const data = byte(at + EHDR.data);
  if (data !== ELFDATA2LSB && data !== ELFDATA2MSB) return 0;
  setWord(word(UNIT.order) + unit, data - ELFDATA2LSB);
  const header = data === ELFDATA2LSB ? at : swappedHeader(at);
  return half(header + EHDR.type) === ET_REL && half(header + EHDR.machine) === EM_BPF ? header : 0;
}

function checkVersion(unit: number, header: number): number {
  const first = byte(header + EHDR.identVersion);
  const version = first === EV_CURRENT ? word((header + EHDR.version) >> 2) : first;
  if (version !== EV_CURRENT) return fault(ELF_FAULT.version, unit, version, 0);
  const size = half(header + EHDR.ehsize);
  return size === EHDR.bytes ? 1 : fault(ELF_FAULT.headerSize, unit, size, 0);
}

function checkTablePlace(unit: number, header: number): number {
  const low = word((header + EHDR.shoff) >> 2);
  const high = word((header + EHDR.shoff + 4) >> 2);
  const entry = half(header + EHDR.shentsize);
  if (low === 0 && high === 0) return fault(ELF_FAULT.noTable, unit, 0, 0);
  if (entry !== SHDR.bytes) return fault(ELF_FAULT.tableEntrySize, unit, entry, 0);
  if (high !== 0 || low < 0 || low > word(word(UNIT.size) + unit) - SHDR.bytes) {
    return fault(ELF_FAULT.tableOutside, unit, 0, 0);
  }
  return (low & 7) !== 0 || low < EHDR.bytes ? fault(ELF_FAULT.tablePlace, unit, 0, 0) : 1;
}

function openSections(unit: number, header: number): number {
  const offset = word((header + EHDR.shoff) >> 2);
  const table = word(word(UNIT.at) + unit) + offset;
  const big = word(word(UNIT.order) + unit);
  if (word((table >> 2) + SHDR.type) !== SHT_NULL) return fault(ELF_FAULT.nullSection, unit, 0, 0);
  const count = sectionCount(unit, header, table, word(word(UNIT.size) + unit) - offset);
  if (count === 0) return 0;
  setWord(word(UNIT.sectionCount) + unit, count);
  setWord(word(UNIT.headers) + unit, big === 0 ? table : swappedSections(table, count));
  return 1;
}

/** Number of sections, or 0 after a fault. `room`: bytes from the table to the end of the file. */
function sectionCount(unit: number, header: number, table: number, room: number): number {
  const big = word(word(UNIT.order) + unit);
  const size = (table >> 2) + SHDR.size;
  let count = half(header + EHDR.shnum);
  let high = 0;
  if (count === 0) {
    count = big === 0 ? word(size) : swapped(word(size + 1));
    high = word(big === 0 ? size + 1 : size);
  }
  if (count === 0 && high === 0) return fault(ELF_FAULT.noSections, unit, 0, 0);
  if (high !== 0 || count < 0 || count > room >> 6) return fault(ELF_FAULT.sectionsOutside, unit, 0, 0);
  return count > MAX_SECTIONS ? fault(ELF_FAULT.tooManySections, unit, count, 0) : count;
}

/** Index of the section with the names of sections; not checked. */
export function nameTableIndex(unit: number, header: number): number {
  const index = half(header + EHDR.shstrndx);
  return index === SHN_XINDEX ? word((word(word(UNIT.headers) + unit) >> 2) + SHDR.link) : index;
}
