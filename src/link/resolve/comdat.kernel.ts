/** Whether a link has COMDAT groups, of which `comdat.ts` knows what is dropped: C has none. */

import { ATOM, UNIT } from '../../image/layout.ts';
import { word } from '../../image/memory.ts';
import { REQUEST } from './request.ts';

/** 1 if any symbol of any unit is in a COMDAT group. */
export function hasComdat(request: number): number {
  const units = word(request + REQUEST.units);
  const comdats = word(ATOM.comdat);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1) if (word(comdats + atom) !== 0) return 1;
  }
  return 0;
}
