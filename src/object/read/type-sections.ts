/**
 * The sections `.BTF` and `.BTF.ext` of a file.
 *
 * Types are optional, as for libbpf: a tolerant reader leaves out what is malformed, unless something in the
 * file has a meaning only with it.
 */

import { type ParsedExt, parseBtf, parseBtfExt, type RawBtf, toRaw } from '../../btf/index.ts';
import { addFrame, inputError, type Problem, RootletError } from '../../diag/index.ts';
import { type ElfFile, type ElfSection, SHF_COMPRESSED, SHN_UNDEF, SHT_NOBITS } from '../../elf/index.ts';
import type { Attempt } from './attempt.ts';

/** Types, the records that refer to them, and what was left out of them. */
export interface ReadTypes {
  /** Null where the file has none. */
  readonly btf: RawBtf | null;
  readonly ext: ParsedExt | null;
  readonly faults: readonly Problem[];
  readonly notes: readonly string[];
}

/** `optional`: what is malformed is left out if nothing needs it. */
export function readTypes(elf: ElfFile, attempt: Attempt, optional: boolean): ReadTypes {
  const read: { btf: RawBtf | null; ext: ParsedExt | null } = { btf: null, ext: null };
  const faults: Problem[] = [];
  const step = (section: string, body: () => void): void =>
    attempt(() => {
      try {
        body();
      } catch (error) {
        if (!optional || !(error instanceof RootletError)) throw error;
        const need = needOf(elf, section);
        if (need !== undefined) throw explained(error, need);
        faults.push(...addFrame(error, elf.name).problems);
      }
    });
  step('.BTF', () => {
    read.btf = readBtfSection(elf);
  });
  step('.BTF.ext', () => {
    if (read.btf !== null) read.ext = readExtSection(elf, read.btf);
  });
  const ignored = faults.map(({ where, message }) => `${where.join(': ')}: is ignored: ${message}`);
  return { ...read, faults, notes: [...ignored, ...lostCore(elf, read.btf)] };
}

/** What in the file means nothing without the section; undefined when nothing does. */
function needOf(elf: ElfFile, section: string): string | undefined {
  if (hasCore(elf)) return 'its CO-RE relocations need it';
  if (section !== '.BTF') return undefined;
  const typed = elf.sections.find(({ name, size }) => size > 0 && NEEDS_TYPES.test(name));
  if (typed !== undefined) return `section "${typed.name}" needs it`;
  const open = elf.symbols.find(({ section: index, name }) => index === SHN_UNDEF && name !== '');
  return open === undefined ? undefined : `extern "${open.name}" needs it`;
}

/** Sections whose contents only their types describe. */
const NEEDS_TYPES = /^(\.maps|\??\.struct_ops(\.link)?)$/;

function explained(error: RootletError, need: string): RootletError {
  const hint = `types are optional in other objects, but ${need}`;
  return new RootletError(error.problems.map(problem => ({ ...problem, hint: problem.hint ?? hint })));
}

/** Where the header of `.BTF.ext` has the length of its CO-RE part; headers that end before have none. */
const CORE_LENGTH = 28;
/** Each part begins with the size of its records. */
const RECORD_SIZE = 4;

/** Whether `.BTF.ext` has CO-RE relocations, as far as its header says. */
function hasCore(elf: ElfFile): boolean {
  const section = elf.sections.find(({ name }) => name === '.BTF.ext');
  if (section === undefined || section.type === SHT_NOBITS || section.bytes.length < CORE_LENGTH + 4)
    return false;
  const { buffer, byteOffset, byteLength } = section.bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const little = elf.byteOrder === 'little';
  return view.getUint32(4, little) > CORE_LENGTH && view.getUint32(CORE_LENGTH, little) > RECORD_SIZE;
}

/** CO-RE relocations refer to types. Without any they are not applied, by libbpf neither. */
function lostCore(elf: ElfFile, btf: RawBtf | null): string[] {
  if (btf !== null || !hasCore(elf)) return [];
  return [`${elf.name}: section ".BTF.ext": has CO-RE relocations, which are not applied without .BTF`];
}

function readBtfSection(elf: ElfFile): RawBtf | null {
  const section = typeSection(elf, '.BTF');
  return section === undefined ? null : toRaw(parseBtf(section.bytes, elf.byteOrder));
}

function readExtSection(elf: ElfFile, btf: RawBtf): ParsedExt | null {
  const section = typeSection(elf, '.BTF.ext');
  return section === undefined ? null : parseBtfExt(section.bytes, elf.byteOrder, btf);
}

function typeSection(elf: ElfFile, name: string): ElfSection | undefined {
  const section = elf.sections.find(candidate => candidate.name === name);
  if (section === undefined) return undefined;
  if (section.type === SHT_NOBITS || (section.flags & SHF_COMPRESSED) !== 0) {
    throw inputError('object-btf-form', [`section "${name}"`], 'is compressed or has no data', {
      hint: 'do not compress debug sections (-gz) of BPF objects',
    });
  }
  return section;
}
