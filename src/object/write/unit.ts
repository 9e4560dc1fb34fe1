/**
 * A unit of an image → ELF.
 *
 * Lays the atoms out, writes references back as relocations (or, for a call to a local function of the same
 * section, as the pc-relative immediate that compilers write), regenerates every DATASEC from the final
 * positions of atoms, and encodes `.BTF` and `.BTF.ext`. Instruction immediates of CO-RE type-id relocations
 * are written from the record's type, so that they are right after types were renumbered.
 */

import { btfOf, mergeUnits } from '../../btf/index.ts';
import { inputError } from '../../diag/index.ts';
import { MAX_SECTIONS } from '../../elf/index.ts';
import * as elf from '../../elf/write.kernel.ts';
import { ATOM, ATOM_KIND, FAULT, type Image, OUTPUT, TYPE, UNIT } from '../../image/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { variableSize } from '../model/index.ts';
import * as contents from './contents.kernel.ts';
import { throwFault } from './explain.ts';
import * as frame from './frame.kernel.ts';
import { layOut } from './layout.ts';
import * as symbols from './symbols.kernel.ts';
import * as types from './types.kernel.ts';

/** Where the bytes of a file are in an image. */
export interface EncodedUnit {
  readonly at: number;
  readonly size: number;
}

/** The unit as an ELF relocatable file. Throws what cannot be written. */
export function writeUnit(image: Image, unit: number): Uint8Array {
  const { at, size } = encodeUnit(image, unit);
  return image.bytes.slice(at, at + size);
}

/** The same, left in the image: `image.bytes` has the file until something is added. */
export function encodeUnit(image: Image, unit: number): EncodedUnit {
  layOut(image, unit, 0);
  const output = image.run(elf).beginOutput(image.get(UNIT.order, unit), image.get(UNIT.flags, unit));
  const written = typesWithoutLayout(image, unit);
  if (image.get(UNIT.typed, unit) === 1) image.set(OUTPUT.types, output, encodeTypes(image, unit, written));
  image.run(symbols).numberSymbols(unit, output);
  image.run(contents).countRelocations(unit);
  buildFrame(image, unit, output);
  const at = checked(image, () => image.run(frame).putFile(unit, output, written));
  return { at, size: image.get(OUTPUT.size, output) };
}

/** Runs a kernel that returns 0 with a fault, which is thrown. */
function checked(image: Image, body: () => number): number {
  const faults = Math.max(image.count(FAULT), 1);
  const result = body();
  if (result === 0) throwFault(image, faults);
  return result;
}

/**
 * Row of UNIT with the types of a unit but no DATASEC: the unit itself where it has none, before and after. Compilers put
 * them anywhere among the types; taking them out renumbers the rest.
 */
function typesWithoutLayout(image: Image, unit: number): number {
  const { checkAtomTypes, needsMerging } = image.run(types);
  if (needsMerging(unit) === 0) return unit;
  checked(image, () => checkAtomTypes(unit));
  const result = image.addUnit(image.unitName(unit));
  mergeUnits(image, unit, unit, result);
  return result;
}

function encodeTypes(image: Image, unit: number, written: number): number {
  sizeExterns(image, unit);
  const strings = image.addUnit('.BTF');
  const ksyms = image.intern('.ksyms');
  return checked(image, () => image.run(types).encodeTypes(unit, written, strings, ksyms));
}

/** DATASECs have the sizes of extern variables. There are few, so their types are decoded. */
function sizeExterns(image: Image, unit: number): void {
  const first = image.get(UNIT.atoms, unit);
  const end = first + image.get(UNIT.atomCount, unit);
  let btf: ReturnType<typeof btfOf> | undefined;
  for (let atom = first; atom < end; atom++) {
    if (image.get(ATOM.kind, atom) !== ATOM_KIND.extern || image.get(ATOM.section, atom) === 0) continue;
    const type = image.get(ATOM.type, atom);
    if (type === 0 || kindOf(image, unit, type) === BTF_KIND.FUNC) continue;
    btf ??= btfOf(image, unit);
    image.set(ATOM.size, atom, variableSize(btf, type));
  }
}

function kindOf(image: Image, unit: number, id: number): number {
  const start = image.get(TYPE.start, image.get(UNIT.types, unit) + id);
  return ((image.words[start + 1] ?? 0) >>> 24) & 0x7f;
}

function buildFrame(image: Image, unit: number, output: number): void {
  const texts = ['.BTF', '.BTF.ext', '.symtab', '.symtab_shndx', '.strtab'];
  const names = image.add(new Uint8Array(Int32Array.from(texts, text => image.intern(text)).buffer)) >> 2;
  const strings = image.addUnit('.strtab');
  checked(image, () => image.run(frame).buildFrame(unit, output, strings, names));
  const last = image.get(OUTPUT.sectionCount, output) - 1;
  if (last < MAX_SECTIONS) return;
  const message = `needs ${last + 1} sections, more than ${MAX_SECTIONS}`;
  throw inputError('elf-too-many-sections', [], message);
}
