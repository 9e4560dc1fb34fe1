/**
 * Finds out which types are the same (rules: `hash.kernel.ts`) and which row represents them: the first of them, so
 * that the order of types is kept and a second run changes nothing.
 *
 * Hashes make groups, and every type is then checked word by word against what represents it. When all pass, the
 * groups are right: references were compared by their groups, and equal types have equal hashes. Groups in which
 * some fail are split by the groups that they refer to, a few times, which is all that real types need; then
 * `refine` takes over, which is near-linear whatever the types are. What still fails are hashes that collide, by
 * chance or on purpose. Then, and when entries of a hash table crowd, all is done again with keys that no input can
 * foresee (`src/image/keys.kernel.ts`). So there is never a wrong merge, and never a slow one.
 */

import { drawMixKeys } from '../../image/keys.kernel.ts';
import { HEADER } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { fault, giveBack } from '../../image/tables.kernel.ts';
import { countMixed } from './exact.kernel.ts';
import { MERGE_FAULT } from './faults.ts';
import { aliasForwards, findStructsOfForwards, representForwards } from './forwards.kernel.ts';
import { groupByHash, splitMixed } from './group.kernel.ts';
import { hashTypes } from './hash.kernel.ts';
import { internTypes } from './intern.kernel.ts';
import { refine } from './refine.kernel.ts';
import { numberTagSets } from './tags.kernel.ts';
import { beginWork, clearMixed, WORK } from './work.kernel.ts';

/** How often keys of hashes are drawn, in vain only with very bad luck. */
const TRIES = 4;
/** How often groups are split before `refine` does the rest. */
const SPLITS = 8;

/**
 * Fills TYPE.same for all types of the units `first` to `last`, whose rows must follow each other. Types with a
 * TYPE.redirect take no part. Returns 1; or 0 with a fault.
 */
export function findSame(first: number, last: number): number {
  setWord(HEADER.functionTypes, 0);
  internTypes(first, last);
  const work = beginWork(first, last);
  for (let tries = 0; tries <= TRIES; tries = tries + 1) {
    if (tries > 0) drawMixKeys();
    if (tries > 0) clearMixed(work);
    if (numberTagSets(work) >= 0 && compareTypes(work, tries) === 1) {
      giveBack(work << 2);
      return 1;
    }
  }
  return fault(MERGE_FAULT.collisions, first, TRIES, 0);
}

/** Returns 1; or 0 when hashes collide or crowd. `keyed`: 0 for hashes that take no keys, which are faster. */
function compareTypes(work: number, keyed: number): number {
  hashTypes(work, keyed);
  aliasForwards(work);
  return groupByHash(work) === 1 ? separate(work) : 0;
}

/** Splits groups until all types are what represents them. Returns 1; or 0 when hashes collide. */
function separate(work: number): number {
  for (let splits = 0; splits <= SPLITS; splits = splits + 1) {
    findStructsOfForwards(work);
    representForwards(work);
    if (countMixed(work) === 0) return 1;
    if (splitMixed(work) === 0 || word(work + WORK.crowded) === 1) return 0;
  }
  findStructsOfForwards(work);
  representForwards(work);
  return refine(work) === 1 && countMixed(work) === 0 ? 1 : 0;
}
