/**
 * The ELF header and the section header table of an untrusted file.
 *
 * The first check: accepted input is a 64-bit relocatable BPF object whose sections are inside the file and
 * do not share bytes, so everything after it needs memory in proportion to the file only.
 */

import { type ByteOrder, given, viewOf } from '../bytes/index.ts';
import { type CodeOf, inputError, quote, type RootletError } from '../diag/index.ts';
import { Elf64Ehdr, Elf64Shdr, SHN_ABS, SHN_XINDEX, SHT_NOBITS, SHT_NULL, SHT_STRTAB } from './constants.ts';
import { identify } from './identify.ts';
import type { ElfSection } from './model.ts';
import { StringTable } from './string-table.ts';

/** The file while it is being parsed. */
export interface ElfInput {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly byteOrder: ByteOrder;
  /** DWARF is read like other sections instead of being passed over. */
  readonly keepDebug: boolean;
}

export interface ElfHeader {
  readonly flags: number;
  readonly sectionTable: number;
  readonly sectionCount: number;
  readonly sectionNames: number;
}

/**
 * Sections up to here are numbered without touching SHN_ABS and SHN_COMMON, which the model keeps as symbols'
 * section numbers; real objects have a few hundred.
 */
export const MAX_SECTIONS = SHN_ABS - 1;

/** An error about this file. */
export function elfError(
  input: Pick<ElfInput, 'name'>,
  code: CodeOf<'input'>,
  place: string | null,
  message: string,
  extras: { readonly offset?: number; readonly hint?: string } = {},
): RootletError {
  return inputError(code, place === null ? [input.name] : [input.name, place], message, extras);
}

/** An error about one section. */
export function sectionError(
  input: Pick<ElfInput, 'name'>,
  section: Pick<ElfSection, 'name'>,
  code: CodeOf<'input'>,
  message: string,
  hint?: string,
): RootletError {
  return elfError(input, code, sectionPlace(section), message, given({ hint }));
}

/** Place of a section in a message. */
export function sectionPlace(section: Pick<ElfSection, 'name'>): string {
  return `section ${quote(section.name)}`;
}

/** Throws unless `bytes` begin like a 64-bit relocatable BPF object; the error states what they are. */
export function openElf(bytes: Uint8Array, name: string, keepDebug = false): ElfInput {
  const identity = identify(bytes);
  if (identity.kind !== 'bpf-object') {
    const code = identity.kind.startsWith('elf') ? 'elf-not-bpf' : 'elf-not-elf';
    const hint = given({ hint: identity.hint });
    throw elfError({ name }, code, null, `is ${identity.description}, not a BPF object`, hint);
  }
  // A plain view also when given a Buffer, whose methods differ.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return { name, bytes: plain, view: viewOf(plain), byteOrder: bytes[5] === 2 ? 'big' : 'little', keepDebug };
}

/** Decodes the file header, with section count and name table index of extended numbering resolved. */
export function readHeader(input: ElfInput): ElfHeader {
  const header = Elf64Ehdr.decode(input.view, 0, input.byteOrder);
  if (header.ei_version !== 1 || header.e_version !== 1) {
    const version = header.ei_version !== 1 ? header.ei_version : header.e_version;
    throw elfError(input, 'elf-version', null, `ELF version ${version} instead of 1`);
  }
  if (header.e_ehsize !== Elf64Ehdr.size) {
    throw elfError(input, 'elf-header-size', null, `ELF header of ${header.e_ehsize} bytes instead of 64`);
  }
  const table = sectionTableOffset(input, header.e_shoff, header.e_shentsize);
  const first = Elf64Shdr.decode(input.view, table, input.byteOrder);
  if (first.sh_type !== SHT_NULL) {
    throw elfError(input, 'elf-null-section', null, 'section header 0 is not the null section', {
      offset: table,
    });
  }
  const count = header.e_shnum === 0 ? Number(first.sh_size) : header.e_shnum;
  const sectionNames = header.e_shstrndx === SHN_XINDEX ? first.sh_link : header.e_shstrndx;
  checkSectionCount(input, table, count);
  return { flags: header.e_flags, sectionTable: table, sectionCount: count, sectionNames };
}

function sectionTableOffset(input: ElfInput, offset: bigint, entrySize: number): number {
  const size = input.bytes.length;
  if (offset === 0n) {
    throw elfError(input, 'elf-no-sections', null, 'has no section header table', {
      hint: 'it was stripped; rebuild it',
    });
  }
  if (entrySize !== Elf64Shdr.size) {
    throw elfError(
      input,
      'elf-section-entry-size',
      null,
      `section headers of ${entrySize} bytes instead of 64`,
    );
  }
  if (offset > BigInt(size - Elf64Shdr.size)) {
    const message = `section header table at ${offset} is outside the file of ${size} bytes`;
    throw elfError(input, 'elf-truncated', null, message, {
      hint: 'the file is truncated; rebuild it or copy it again',
    });
  }
  if (offset % 8n !== 0n || offset < BigInt(Elf64Ehdr.size)) {
    throw elfError(input, 'elf-section-table', null, `section header table at ${offset} is misplaced`);
  }
  return Number(offset);
}

function checkSectionCount(input: ElfInput, table: number, count: number): void {
  const size = input.bytes.length;
  if (count === 0) throw elfError(input, 'elf-no-sections', null, 'has no sections');
  if (count > (size - table) / Elf64Shdr.size) {
    const message = `${count} section headers at ${table} do not fit in the file of ${size} bytes`;
    throw elfError(input, 'elf-truncated', null, message, {
      hint: 'the file is truncated; rebuild it or copy it again',
    });
  }
  if (count > MAX_SECTIONS) {
    throw elfError(input, 'elf-too-many-sections', null, `has ${count} sections, more than ${MAX_SECTIONS}`);
  }
}

/** All sections with their names and contents; the null section first. */
export function readSections(input: ElfInput, header: ElfHeader): ElfSection[] {
  const raw: RawSection[] = [];
  let total = 0;
  for (let index = 0; index < header.sectionCount; index++) {
    const section = readSectionHeader(input, header.sectionTable + index * Elf64Shdr.size, index);
    total += section.bytes.length;
    raw.push(section);
  }
  if (total > input.bytes.length) {
    const message = `sections overlap: their sizes add up to ${total} bytes in a file of ${input.bytes.length}`;
    throw elfError(input, 'elf-sections-overlap', null, message);
  }
  const names = sectionNameTable(input, raw, header.sectionNames);
  return raw.map(
    ({ nameOffset, type, flags, link, info, align, entsize, size, bytes, fileOffset }, index) => {
      const name = names.at(nameOffset, index);
      return { name, type, flags, link, info, align, entsize, size, bytes, fileOffset };
    },
  );
}

type RawSection = Omit<ElfSection, 'name'> & { readonly nameOffset: number };

const NO_BYTES = new Uint8Array(0);

/**
 * Field by field: `Elf64Shdr.decode` would make ten properties and five big integers for each of many
 * sections.
 */
function readSectionHeader(input: ElfInput, at: number, index: number): RawSection {
  const field = (offset: number): number => input.view.getUint32(at + offset, input.byteOrder === 'little');
  const wide = (offset: number, what: string): number => wideField(input, index, at + offset, what);
  const fields = Elf64Shdr.offsets;
  const type = index === 0 ? SHT_NULL : field(fields.sh_type);
  const isNull = type === SHT_NULL;
  const size = isNull ? 0 : wide(fields.sh_size, 'size');
  const fileOffset = isNull ? 0 : wide(fields.sh_offset, 'file offset');
  const held = type === SHT_NOBITS ? 0 : size;
  if (held > 0 && fileOffset + held > input.bytes.length) {
    const message = `${size} bytes at ${fileOffset} are outside the file of ${input.bytes.length} bytes`;
    throw elfError(input, 'elf-truncated', `section ${index}`, message, { offset: at });
  }
  return {
    nameOffset: field(fields.sh_name),
    type,
    flags: wide(fields.sh_flags, 'flags'),
    link: field(fields.sh_link),
    info: field(fields.sh_info),
    align: wide(fields.sh_addralign, 'alignment'),
    entsize: wide(fields.sh_entsize, 'entry size'),
    size,
    bytes: held === 0 ? NO_BYTES : input.bytes.subarray(fileOffset, fileOffset + held),
    fileOffset,
  };
}

/** A 64-bit field of section header `index` as a number. Throws `elf-number-too-large`. */
function wideField(input: ElfInput, index: number, at: number, what: string): number {
  const little = input.byteOrder === 'little';
  const low = input.view.getUint32(little ? at : at + 4, little);
  const high = input.view.getUint32(little ? at + 4 : at, little);
  if (high === 0) return low;
  const value = high * 0x100000000 + low;
  if (Number.isSafeInteger(value)) return value;
  const exact = input.view.getBigUint64(at, little);
  const message = `${what} 0x${exact.toString(16)} is out of range`;
  throw elfError(input, 'elf-number-too-large', `section ${index}`, message, { offset: at });
}

function sectionNameTable(input: ElfInput, sections: readonly RawSection[], index: number): StringTable {
  const section = sections[index];
  if (index === 0 || section === undefined) {
    throw elfError(input, 'elf-section-names', null, `section name table ${index} does not exist`);
  }
  if (section.type !== SHT_STRTAB) {
    const message = `section name table ${index} is not a string table (type ${section.type})`;
    throw elfError(input, 'elf-section-names', null, message);
  }
  return new StringTable(section.bytes, input.bytes.length, input.name, 'section');
}
