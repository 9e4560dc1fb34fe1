/**
 * ELF in columns → atoms and references in columns.
 *
 * Kernels cut sections along symbols, turn relocations into references, and attach types and records. What few
 * objects have (maps as they were before BTF, jump tables, aliases, holes) is done here and in the files
 * beside, on the same columns, when a kernel has noted that it is there.
 *
 * Reading is the same on every machine; nothing here depends on a kernel.
 */

import { btfOf } from '../../btf/index.ts';
import { HEADER, type Image, UNIT } from '../../image/index.ts';
import { setExtras } from '../model/index.ts';
import { atomRows, noted } from './atom-rows.ts';
import { describeCommon } from './common.ts';
import { cutLegacyMaps } from './cut-legacy-maps.ts';
import { describeAliases, markDescribed } from './describe-aliases.ts';
import { explainEmpty } from './empty.ts';
import { dropHoles } from './holes.ts';
import { readJumpTables } from './jump-tables.ts';
import * as cut from './kernels/cut.kernel.ts';
import * as finish from './kernels/finish.kernel.ts';
import { READER } from './kernels/index.ts';
import * as names from './kernels/names.kernel.ts';
import * as order from './kernels/order.kernel.ts';
import * as records from './kernels/records.kernel.ts';
import * as references from './kernels/references.kernel.ts';
import * as state from './kernels/state.kernel.ts';
import * as types from './kernels/types.kernel.ts';
import { notesOnWhatIsLeftOut } from './left-out.ts';
import { defineLegacyMaps } from './legacy-maps.ts';
import type { ReadOptions } from './options.ts';
import { Reading } from './reading.ts';
import { setTypes } from './set-types.ts';
import { readTypes } from './type-sections.ts';

/**
 * Reads a unit that `scanElf` has filled: its types and records, then SHELL, ATOM, REFERENCE and RECORD. Throws
 * `RootletError` with codes `btf-…` and `object-…`, without the name of the file in their places.
 */
export function readUnit(image: Image, unit: number, options: ReadOptions = {}): void {
  const reading = new Reading(image, unit, options);
  prepareReader(image);
  const { faults, notes: ofTypes } = readTypes(reading);
  reading.passOver();
  cutAtoms(reading);
  image.run(references).readReferences(unit);
  reading.settle();
  if (noted(image, READER.hasJumpTables) === 1) reading.attempt(() => readJumpTables(image, unit));
  attachTypes(reading);
  const ofMaps = noted(image, READER.hasLegacyMaps) === 0 ? [] : defineLegacyMaps(reading);
  image.run(finish).requireMapTypes(unit);
  reading.settle();
  dropHoles(reading);
  const left = notesOnWhatIsLeftOut(reading);
  const notes = [...ofTypes, ...[...ofMaps, ...left].map(text => `${reading.name}: ${text}`)];
  image.run(finish).requireLicenseText(unit);
  reading.settle();
  const { faultsOf } = reading;
  if (notes.length + faults.length + faultsOf.size > 0) setExtras(image, unit, { notes, faults, faultsOf });
}

/** Names that mean something, in the block that kernels keep. */
const MEANINGS: readonly (readonly [field: number, text: string])[] = [
  [READER.text, '.text'],
  [READER.btf, '.BTF'],
  [READER.ext, '.BTF.ext'],
  [READER.maps, '.maps'],
  [READER.jumpTables, '.jumptables'],
  [READER.license, 'license'],
  [READER.version, 'version'],
  [READER.legacyMaps, 'maps'],
  [READER.bss, '.bss'],
  [READER.extern, '.extern'],
];

/** Makes the block, once for each image. */
function prepareReader(image: Image): void {
  if ((image.words[HEADER.reader] ?? 0) !== 0) return;
  const block = image.run(state).makeReader();
  for (const [field, text] of MEANINGS) {
    const name = image.intern(text);
    image.words[block + field] = name;
  }
}

function cutAtoms(reading: Reading): void {
  const { image, unit } = reading;
  image.run(cut).beginUnit(unit);
  image.run(order).orderSymbols(unit);
  if (noted(image, READER.shared) === 1) markDescribed(image, unit);
  const sections = image.get(UNIT.sectionCount, unit);
  for (let next = 1; next < sections; next++) {
    next = image.run(cut).cutSections(unit, next);
    reading.settle();
    if (next < sections) reading.attempt(() => cutLegacyMaps(image, unit, next));
  }
  image.run(cut).addUndefined(unit);
  image.run(cut).endAtoms(unit);
  reading.settle();
}

function attachTypes(reading: Reading): void {
  const { image, unit } = reading;
  const isTyped = image.get(UNIT.typed, unit) === 1;
  if (isTyped) {
    image.run(types).attachTypes(unit);
    if (noted(image, READER.empty) > 0) explainOrForget(reading);
    image.run(types).attachRest(unit);
    image.run(names).forgetNames(unit);
  }
  image.run(records).attachRecords(unit);
  if (noted(image, READER.aliases) > 0) {
    image.run(records).completeAliases(unit);
    completeFaults(reading);
  }
  if (isTyped) describeRest(image, unit);
}

/** After an error other files are read into the image: names have no types of this one then. */
function explainOrForget(reading: Reading): void {
  try {
    explainEmpty(reading);
  } catch (error) {
    reading.image.run(names).forgetNames(reading.unit);
    throw error;
  }
}

/** Types that compilers leave out: of tentative definitions and aliases. */
function describeRest(image: Image, unit: number): void {
  const counts = [READER.commons, READER.aliases, READER.renamed].map(field => noted(image, field));
  if (counts.every(count => count === 0)) return;
  const before = btfOf(image, unit);
  const described = describeAliases(image, unit, describeCommon(image, unit, before));
  if (described !== before) setTypes(image, unit, described);
}

/** What is wrong with a function is wrong with its aliases. */
function completeFaults({ image, unit, faultsOf }: Reading): void {
  if (faultsOf.size === 0) return;
  for (const atom of atomRows(image, unit)) {
    const found = atom.owner === undefined ? undefined : faultsOf.get(atom.owner.row);
    if (found !== undefined) faultsOf.set(atom.row, found);
  }
}
