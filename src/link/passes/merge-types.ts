/** The types of all units of a link as those of its result. */

import {
  type BtfId,
  exportTypes,
  importTypes,
  type MergeInput,
  type MergeResult,
  mergeBtf,
} from '../../btf/index.ts';
import { type Image, TYPE, UNIT } from '../../image/index.ts';
import type { LinkColumns } from '../resolve/index.ts';

/** Merges them as TYPE.redirect asks, gives them to the unit `result`, and fills TYPE.result of all inputs. */
export function mergeTypesOf(columns: LinkColumns, result: number): Pick<MergeResult, 'before' | 'after'> {
  const { image, units } = columns;
  if (units.every(unit => image.get(UNIT.typed, unit) === 0)) return { before: 0, after: 0 };
  const merged = mergeBtf(units.map(unit => inputOf(image, units, unit)));
  importTypes(image, result, merged.btf);
  units.forEach((unit, file) => {
    const types = image.get(UNIT.types, unit);
    merged.ids[file]?.forEach((id, old) => {
      image.set(TYPE.result, types + old, id);
    });
  });
  return { before: merged.before, after: merged.after };
}

function inputOf(image: Image, units: readonly number[], unit: number): MergeInput {
  const first = image.get(UNIT.types, unit);
  const redirect = new Map<BtfId, { readonly input: number; readonly id: BtfId }>();
  const omit = new Set<BtfId>();
  for (let id = 1; id <= image.get(UNIT.typeCount, unit); id++) {
    const to = image.get(TYPE.redirect, first + id);
    if (to === -1) omit.add(id);
    else if (to !== 0) redirect.set(id, placeOf(image, units, to));
  }
  return { btf: exportTypes(image, unit), omit, redirect };
}

function placeOf(image: Image, units: readonly number[], row: number) {
  const input = units.findIndex(unit => {
    const first = image.get(UNIT.types, unit);
    return row > first && row <= first + image.get(UNIT.typeCount, unit);
  });
  return { input, id: row - image.get(UNIT.types, units[input] ?? 0) };
}
