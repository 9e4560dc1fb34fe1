/** Reductions of a combined object that keep the maps to and from its inputs in step. */

import { noElement } from '../../bytes/index.ts';
import type { Combined } from './combine.ts';
import { pruneObject } from './prune-object.ts';

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
