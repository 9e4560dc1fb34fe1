/** The types of all units of a link as those of its result. */

import { type MergeResult, mergeTypesOfUnits } from '../../btf/index.ts';
import { UNIT } from '../../image/index.ts';
import { findSameTypes, type LinkColumns } from '../resolve/index.ts';

/** Merges them as TYPE.redirect asks, gives them to the unit `result`, and fills TYPE.result of all inputs. */
export function mergeTypesOf(columns: LinkColumns, result: number): Pick<MergeResult, 'before' | 'after'> {
  const { image, units } = columns;
  const [first, last] = [units[0], units.at(-1)];
  const isTyped = units.some(unit => image.get(UNIT.typed, unit) === 1);
  if (!isTyped || first === undefined || last === undefined) return { before: 0, after: 0 };
  findSameTypes(columns);
  mergeTypesOfUnits(image, first, last, result);
  const before = units.reduce((sum, unit) => sum + image.get(UNIT.typeCount, unit), 0);
  return { before, after: image.get(UNIT.typeCount, result) };
}
