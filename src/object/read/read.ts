/**
 * ELF → symbolic object.
 *
 * Steps, each in a file of its own: sections become shells and are cut into atoms along their symbols
 * (`read-atoms`); relocations and the calls that the compiler already resolved become references
 * (`read-references`); BTF ids and `.BTF.ext` records are passed to the atoms they describe (`read-types`).
 *
 * Reading is the same on every machine; nothing here depends on a kernel.
 */

import { type ParsedExt, parseBtf, parseBtfExt, type RawBtf, toRaw } from '../../btf/index.ts';
import { type InputFile, requireFile } from '../../bytes/index.ts';
import { inputError, requireOptions, within } from '../../diag/index.ts';
import { type ElfFile, type ElfSection, parseElf, SHF_COMPRESSED, SHT_NOBITS } from '../../elf/index.ts';
import { type BpfObject, type BpfSymbol, sectionOf } from '../model/index.ts';
import { cutAtoms } from './atoms.ts';
import { describeCommon } from './common.ts';
import { completeAliases, describeAliases, describedPlaces } from './describe-aliases.ts';
import { type AtomDraft, finishDraft } from './draft.ts';
import { codeLeftOut, dropHoles } from './holes.ts';
import { readJumpTables } from './jump-tables.ts';
import { readReferences } from './references.ts';
import { attachRecords, attachTypes } from './types.ts';

/** Options of `readObject`. */
export interface ReadOptions {
  /** Accept an object without `.BTF`. Default false: nothing can be linked or loaded without it. */
  readonly allowMissingBtf?: boolean;
  /** Keep DWARF (`.debug_*` sections). Default false. */
  readonly keepDebug?: boolean;
}

/**
 * Reads one BPF object. Throws `RootletError` with codes `elf-…`, `btf-…` and `object-…`, whose places start
 * with the file's name, and a `TypeError` for other values.
 */
export function readObject(file: InputFile, options: ReadOptions = {}): BpfObject {
  requireFile('readObject: file', file);
  requireOptions('readObject: options', options);
  const elf = parseElf(file, { keepDebug: options.keepDebug ?? false });
  return within(elf.name, () => readElf(elf, options));
}

function readElf(elf: ElfFile, options: ReadOptions): BpfObject {
  const btf = readBtfSection(elf, options);
  const ext = btf === null ? null : readExtSection(elf, btf);
  const atoms = cutAtoms(elf, ext, describedPlaces(btf, ext), options.keepDebug ?? false);
  readReferences(elf, atoms);
  readJumpTables(elf, atoms);
  if (btf !== null) attachTypes(atoms, btf, ext);
  if (ext !== null) attachRecords(atoms, ext);
  completeAliases(atoms);
  const types = btf === null ? null : describeAliases(atoms, describeCommon(atoms, btf));
  const symbols = dropHoles(atoms.drafts.map((draft: AtomDraft): BpfSymbol => finishDraft(draft, elf.name)));
  const leftOut = codeLeftOut(elf, atoms, symbols);
  const object: BpfObject = {
    name: elf.name,
    byteOrder: elf.byteOrder,
    flags: elf.flags,
    sections: atoms.shells,
    symbols,
    btf: types,
    ...(leftOut.length === 0 ? {} : { leftOut }),
  };
  requireLicenseText(object);
  return object;
}

/** The kernel gets the text up to its NUL. */
function requireLicenseText(object: BpfObject): void {
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'variable' || sectionOf(object, symbol)?.name !== 'license') continue;
    const hint = 'write char LICENSE[] SEC("license") = "GPL"; without a length';
    const where = ['section "license"'];
    if (symbol.references.length > 0)
      throw inputError('object-license-pointer', where, 'contains a relocation where a string is expected', {
        hint,
      });
    if (symbol.bytes === null || symbol.bytes.includes(0)) return;
    throw inputError('object-license-unterminated', where, 'does not end with a NUL byte', { hint });
  }
}

function readBtfSection(elf: ElfFile, options: ReadOptions): RawBtf | null {
  const section = typeSection(elf, '.BTF');
  if (section !== undefined) return toRaw(parseBtf(section.bytes, elf.byteOrder));
  if (options.allowMissingBtf === true) return null;
  throw inputError('object-no-btf', [], 'has no BTF, so its types are unknown', {
    hint: 'compile with -g: clang -target bpf -g -O2 -c foo.bpf.c -o foo.o (and strip with llvm-strip -g, never plain strip)',
  });
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
