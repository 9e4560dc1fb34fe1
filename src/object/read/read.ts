/**
 * ELF → symbolic object.
 *
 * Steps, each in a file of its own: sections become shells and are cut into atoms along their symbols
 * (`read-atoms`); relocations and the calls that the compiler already resolved become references
 * (`read-references`); BTF ids and `.BTF.ext` records are passed to the atoms they describe (`read-types`).
 *
 * Reading is the same on every machine; nothing here depends on a kernel.
 */

import { type InputFile, requireFile } from '../../bytes/index.ts';
import { inputError, type Problem, quote, requireOptions, within } from '../../diag/index.ts';
import { type ElfFile, parseElf } from '../../elf/index.ts';
import { type BpfObject, type BpfSymbol, sectionOf, untypedMap } from '../model/index.ts';
import { cutAtoms } from './atoms.ts';
import { keepingFaults, STRICT, type Tolerance, tolerant } from './attempt.ts';
import { describeCommon } from './common.ts';
import { mapNamesLeftOut } from './cut-data.ts';
import { completeAliases, describeAliases, describedPlaces } from './describe-aliases.ts';
import { type AtomDraft, type AtomTable, finishDraft } from './draft.ts';
import { codeLeftOut, dropHoles } from './holes.ts';
import { readJumpTables } from './jump-tables.ts';
import { defineLegacyMaps } from './legacy-maps.ts';
import { readReferences } from './references.ts';
import { readTypes } from './type-sections.ts';
import { attachRecords, attachTypes } from './types.ts';

/** Options of `readObject`. */
export interface ReadOptions {
  /** Keep DWARF (`.debug_*` sections). Default false. */
  readonly keepDebug?: boolean;
  /**
   * For tools that show what is in a file: called with what is wrong with a part of it, instead of throwing.
   * The rest is read. An object that was read with problems can be neither linked nor loaded.
   */
  readonly onProblems?: (problems: readonly Problem[]) => void;
  /**
   * Keep functions whose code is faulty in itself (a jump out of the function, a call of no function) instead
   * of throwing, with what is wrong in `FunctionSymbol.faults`, and leave out `.BTF` and `.BTF.ext` that are
   * malformed if nothing in the file needs them (`BpfObject.faults`). Programs that do not need what is faulty
   * can be loaded and run. `link`, `relink` and `writeObject` throw the faults. Default false.
   */
  readonly keepFaults?: boolean;
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
  const { keepDebug = false } = options;
  const tolerance = toleranceOf(elf.name, options);
  const { attempt } = tolerance;
  const { btf, ext, faults, notes: ofTypes } = readTypes(elf, attempt, options.keepFaults === true);
  const atoms = cutAtoms(elf, ext, { keepDebug, tolerance, isDescribed: describedPlaces(btf, ext) });
  readReferences(elf, atoms);
  attempt(() => readJumpTables(elf, atoms));
  if (btf !== null) attachTypes(atoms, btf, ext);
  if (ext !== null) attachRecords(atoms, ext);
  completeAliases(atoms);
  const described = btf === null ? null : describeAliases(atoms, describeCommon(atoms, btf));
  const { types, notes: ofMaps } = defineLegacyMaps(elf, atoms, described);
  attempt(() => requireMapTypes(atoms));
  const symbols = dropHoles(atoms.drafts.map((draft: AtomDraft): BpfSymbol => finishDraft(draft, elf.name)));
  const left = [...mapNamesLeftOut(elf, atoms), ...codeLeftOut(elf, atoms, symbols)];
  const notes = [...ofTypes, ...ofMaps, ...left.map(text => `${elf.name}: ${text}`)];
  const object: BpfObject = {
    name: elf.name,
    byteOrder: elf.byteOrder,
    flags: elf.flags,
    sections: atoms.shells,
    symbols,
    btf: types,
    ...(notes.length === 0 ? {} : { notes }),
    ...(faults.length === 0 ? {} : { faults }),
  };
  attempt(() => requireLicenseText(object));
  return object;
}

function toleranceOf(name: string, { onProblems, keepFaults }: ReadOptions): Tolerance {
  if (onProblems !== undefined) return tolerant(name, onProblems);
  return keepFaults === true ? keepingFaults(name) : STRICT;
}

/** A map in `.maps` is defined by nothing but its type. */
function requireMapTypes({ drafts }: AtomTable): void {
  const untyped = drafts.find(draft => draft.kind === 'map' && draft.btfId === 0);
  if (untyped !== undefined) throw untypedMap([`map ${quote(untyped.name)}`]);
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
