/**
 * Several sets of types to one without duplicates.
 *
 * Three steps: select what survives of each input, find out which of it is the same, and write the first of
 * equal types for all of them. Types keep the order of inputs and of ids in them, so that merging a result again
 * changes nothing. The last two steps are kernels (`same.kernel.ts`, `unit.kernel.ts`), which links use on their
 * columns; here the types are taken into an image of their own.
 */

import { elementAt } from '../../bytes/index.ts';
import { bugError, type RootletError } from '../../diag/index.ts';
import { FAULT, Image, TYPE, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { type BtfId, btfOf, importTypes, type RawBtf, toRaw } from '../model/index.ts';
import { MERGE_FAULT } from './faults.ts';
import type { MergeInput } from './input.ts';
import * as same from './same.kernel.ts';
import { followRedirects, selectTypes } from './select.ts';
import * as units from './unit.kernel.ts';

export interface MergeResult {
  readonly btf: RawBtf;
  /** For each input: old id → new id; 0 for void and for what is gone. */
  readonly ids: readonly Uint32Array[];
  /** Types in all inputs. */
  readonly before: number;
  /** Types in the result. */
  readonly after: number;
}

export function mergeBtf(inputs: readonly MergeInput[]): MergeResult {
  const raws = inputs.map(input => toRaw(input.btf));
  const image = new Image();
  image.run(tables).makeRoom(raws.reduce((sum, raw) => sum + expectedBytes(raw), 0));
  const imported = raws.map((raw, index) => {
    const unit = image.addUnit(`input ${index}`);
    importTypes(image, unit, raw);
    return unit;
  });
  leaveOut(image, inputs, raws, imported);
  const result = image.addUnit('result');
  mergeUnits(image, 1, result - 1, result);
  const btf = btfOf(image, result);
  const ids = imported.map(unit => resultIds(image, unit));
  return { btf, ids, before: raws.reduce((sum, raw) => sum + raw.count, 0), after: btf.count };
}

/** About what merging the types takes, so that the image seldom grows. */
function expectedBytes({ words, strings, count }: RawBtf): number {
  const perType = 96;
  return 2 * words.byteLength + 2 * strings.length + perType * count;
}

/** Sets TYPE.redirect of what is not selected. */
function leaveOut(
  image: Image,
  inputs: readonly MergeInput[],
  raws: readonly RawBtf[],
  units: readonly number[],
): void {
  if (inputs.every(({ omit, redirect, roots }) => !omit?.size && !redirect?.size && roots === undefined))
    return;
  const rowOf = (input: number, id: BtfId): number => image.get(UNIT.types, elementAt(units, input)) + id;
  for (const [index, kept] of selectTypes(inputs, raws).entries()) {
    const redirect = inputs[index]?.redirect;
    for (let id = 1; id < kept.length; id++) {
      if (kept[id] === 1) continue;
      const target = redirect?.has(id) === true ? followRedirects(inputs, { input: index, id }) : undefined;
      image.set(TYPE.redirect, rowOf(index, id), target === undefined ? -1 : rowOf(target.input, target.id));
    }
  }
}

/** Merges the types of the units `first` to `last` into `result`, a unit without types. */
export function mergeUnits(image: Image, first: number, last: number, result: number): void {
  sameUnitTypes(image, first, last);
  mergeTypesOfUnits(image, first, last, result);
}

/** Fills TYPE.same for the units `first` to `last`: see `findSame`. */
export function sameUnitTypes(image: Image, first: number, last: number): void {
  if (image.run(same).findSame(first, last) === 0) throw faultError(image);
}

/** Gives `result` the types of the units `first` to `last`: see `mergeUnitTypes`. */
export function mergeTypesOfUnits(image: Image, first: number, last: number, result: number): void {
  if (image.run(units).mergeUnitTypes(first, last, result) === 0) throw faultError(image);
}

function faultError(image: Image): RootletError {
  const row = image.count(FAULT) - 1;
  const [code, unit, id] = [FAULT.code, FAULT.unit, FAULT.a].map(column => image.get(column, row));
  if (code === MERGE_FAULT.collisions) return bugError(['BTF merge'], `hashes collide under ${id} keys`);
  // MERGE_FAULT.dropped
  return bugError(
    ['BTF merge', image.unitName(unit ?? 0)],
    `type ${id} is kept and refers to one that is not`,
  );
}

function resultIds(image: Image, unit: number): Uint32Array {
  const first = (image.words[TYPE.result] ?? 0) + image.get(UNIT.types, unit);
  return Uint32Array.from(image.words.subarray(first, first + image.get(UNIT.typeCount, unit) + 1));
}
