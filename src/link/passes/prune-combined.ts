/** Reductions of a combined object that keep the maps to and from its inputs in step. */

import { noElement } from '../../bytes/index.ts';
import type { Combined } from './combine.ts';
import { pruneObject } from './prune-object.ts';
import { duplicateStrings } from './strings.ts';

/** Equal string literals of all inputs are kept once. */
export function mergeStrings(combined: Combined): Combined {
  const duplicates = duplicateStrings(combined.object);
  if (duplicates.size === 0) return combined;
  const keep = combined.object.symbols.map((_, index) => !duplicates.has(index));
  return pruneCombined(combined, keep, { pruneTypes: false, replacements: duplicates });
}

/** `pruneObject` that keeps the maps to and from the inputs in step. */
export function pruneCombined(
  combined: Combined,
  keep: readonly boolean[],
  options: Parameters<typeof pruneObject>[2],
): Combined {
  const { object, indexOf, typesAfter } = pruneObject(combined.object, keep, options);
  return {
    object,
    origins: combined.origins.filter((_, index) => keep[index] === true),
    indexOf: combined.indexOf.map(map =>
      map.map(index => (index < 0 ? -1 : (indexOf[index] ?? noElement(indexOf, index)))),
    ),
    types: { before: combined.types.before, after: typesAfter },
  };
}
