/** The types of all units, deduplicated before anything is compared: equal ones agree. */

import { sameUnitTypes } from '../../btf/index.ts';
import type { LinkColumns } from './columns.ts';
import { REQUEST } from './request.ts';

/** Fills TYPE.same, once. */
export function findSameTypes({ image, units, request }: LinkColumns): void {
  const [first, last] = [units[0], units.at(-1)];
  if (first === undefined || last === undefined || image.words[request + REQUEST.compared] === 1) return;
  sameUnitTypes(image, first, last);
  image.words[request + REQUEST.compared] = 1;
}
