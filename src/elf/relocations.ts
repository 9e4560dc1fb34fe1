/** The relocations of an untrusted file, by the section that they change. */

import { type CodeOf, quote, type RootletError } from '../diag/index.ts';
import {
  Elf64Rel,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  R_BPF_64_NODYLD32,
  SHF_EXECINSTR,
  SHT_PROGBITS,
  SHT_REL,
} from './constants.ts';
import { type ElfInput, elfError, sectionError, sectionPlace } from './header.ts';
import { type ElfRelocation, type ElfSection, isPassedOver } from './model.ts';
import { checkEntries } from './symbols.ts';

const REL_SIZE = Elf64Rel.size;
const TWO_32 = 0x100000000;

/** All relocations of kept sections, by the index of the section that they change. */
export function readRelocations(
  input: ElfInput,
  sections: readonly ElfSection[],
  symbolTable: number,
  symbolCount: number,
): Map<number, readonly ElfRelocation[]> {
  const relocations = new Map<number, readonly ElfRelocation[]>();
  for (const section of sections) {
    if (section.type !== SHT_REL) continue;
    if (isPassedOver(input, section)) {
      refuseOldGnu(input, section);
      continue;
    }
    checkEntries(input, section, REL_SIZE);
    const target = targetOf(input, sections, section, symbolTable);
    if (isPassedOver(input, target) || target.name === '.BTF' || target.name === '.BTF.ext') continue;
    if (section.size === 0) continue;
    relocations.set(section.info, readRecords(input, section, target, symbolCount));
  }
  return relocations;
}

/** Types that binutils 2.40 used for data, outside the psABI. */
const OLD_GNU_DATA_32 = 11;
const OLD_GNU_DATA_64 = 12;

/**
 * The assembler of binutils 2.40 put the symbol's value into the relocated bytes, where the psABI has only
 * the addend: an object of it links without complaint and then addresses the wrong things. Its relocations of
 * DWARF give it away, even where the code has none of its private types.
 */
function refuseOldGnu(input: ElfInput, section: ElfSection): void {
  if (section.bytes.length < REL_SIZE) return;
  const { type } = decodeRecord(input.view, section.fileOffset, input.byteOrder === 'little');
  if (type === OLD_GNU_DATA_32 || type === OLD_GNU_DATA_64) throw oldGnu(input, section, 0, type);
}

function oldGnu(input: ElfInput, section: ElfSection, index: number, type: number): RootletError {
  const place = `${sectionPlace(section)}: relocation ${index}`;
  const message = `has type ${type} of binutils 2.40, whose addends count the symbol's value twice`;
  const hint = 'assemble with a newer GNU assembler or compile with clang';
  const offset = section.fileOffset + index * REL_SIZE;
  return elfError(input, 'elf-relocation-gnu', place, message, { offset, hint });
}

function targetOf(
  input: ElfInput,
  sections: readonly ElfSection[],
  section: ElfSection,
  symbolTable: number,
): ElfSection {
  if (section.link !== symbolTable) {
    const other = sections[section.link];
    const named = other === undefined ? 'which does not exist' : quote(other.name);
    const message = `takes its symbols from section ${section.link} (${named}) instead of the symbol table`;
    throw sectionError(input, section, 'elf-section-link', message);
  }
  const target = section.info === 0 ? undefined : sections[section.info];
  if (target === undefined) {
    const message = `relocates section ${section.info}, which does not exist`;
    throw sectionError(input, section, 'elf-section-info', message);
  }
  if (section.name !== `.rel${target.name}`) {
    const message = `relocates ${sectionPlace(target)}, whose relocations are named ${quote(`.rel${target.name}`)}`;
    throw sectionError(input, section, 'elf-section-info', message);
  }
  if (section.size > 0 && target.type !== SHT_PROGBITS && !isPassedOver(input, target)) {
    const message = `relocates ${sectionPlace(target)}, which has no contents`;
    throw sectionError(input, section, 'elf-section-info', message);
  }
  return target;
}

function readRecords(
  input: ElfInput,
  section: ElfSection,
  target: ElfSection,
  symbolCount: number,
): ElfRelocation[] {
  const little = input.byteOrder === 'little';
  const isCode = (target.flags & SHF_EXECINSTR) !== 0;
  const records: ElfRelocation[] = [];
  let sorted = true;
  let last = -1;
  const end = section.fileOffset + section.size;
  for (let at = section.fileOffset; at < end; at += REL_SIZE) {
    const record = decodeRecord(input.view, at, little);
    if (record.type === OLD_GNU_DATA_32 || record.type === OLD_GNU_DATA_64) {
      throw oldGnu(input, section, records.length, record.type);
    }
    const problem = problemOf(record, target.size, isCode, symbolCount);
    if (problem !== undefined) {
      const place = `${sectionPlace(section)}: relocation ${records.length}`;
      throw elfError(input, problem.code, place, problem.message, { offset: at });
    }
    sorted &&= record.offset > last;
    last = record.offset;
    records.push(record);
  }
  if (!sorted) refuseDuplicates(input, section, records);
  return records;
}

function decodeRecord(view: DataView, at: number, little: boolean): ElfRelocation {
  const a = view.getUint32(at, little);
  const b = view.getUint32(at + 4, little);
  const c = view.getUint32(at + 8, little);
  const d = view.getUint32(at + 12, little);
  const [high, low] = little ? [b, a] : [a, b];
  const offset = high === 0 ? low : high * TWO_32 + low; // a product is kept as a float, in a box of its own
  return little ? { offset, type: c, symbol: d } : { offset, type: d, symbol: c };
}

/** Bytes that a relocation changes, in code and in data; undefined for an unknown type. */
export function relocationWidth(type: number, isCode: boolean): number | undefined {
  switch (type) {
    case R_BPF_64_64:
      return isCode ? 16 : 8;
    case R_BPF_64_ABS64:
      return 8;
    case R_BPF_64_ABS32:
    case R_BPF_64_NODYLD32:
      return 4;
    case R_BPF_64_32:
      return isCode ? 8 : 4;
    default:
      return undefined;
  }
}

function problemOf(
  record: ElfRelocation,
  size: number,
  isCode: boolean,
  symbolCount: number,
): { readonly code: CodeOf<'input'>; readonly message: string } | undefined {
  const width = relocationWidth(record.type, isCode);
  if (width === undefined) {
    return { code: 'elf-relocation-type', message: `has unknown type ${record.type}` };
  }
  if (record.offset + width > size) {
    const message = `changes ${width} bytes at ${record.offset}, beyond the ${size} bytes of its section`;
    return { code: 'elf-relocation-offset', message };
  }
  if (isCode && record.offset % 8 !== 0) {
    const message = `changes byte ${record.offset}, which is not the start of an instruction`;
    return { code: 'elf-relocation-offset', message };
  }
  if (record.symbol > 0 && record.symbol < symbolCount) return undefined;
  const message = `refers to symbol ${record.symbol} of ${symbolCount}`;
  return { code: 'elf-relocation-symbol', message };
}

function refuseDuplicates(input: ElfInput, section: ElfSection, records: readonly ElfRelocation[]): void {
  const seen = new Set<number>();
  for (const { offset } of records) {
    if (seen.has(offset)) {
      const message = `changes offset ${offset} twice`;
      throw elfError(input, 'elf-relocation-duplicate', sectionPlace(section), message);
    }
    seen.add(offset);
  }
}
