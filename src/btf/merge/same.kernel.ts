/**
 * Finds out which types are the same (rules: `hash.kernel.ts`) and which row represents them: the first of them, so
 * that the order of types is kept and a second run changes nothing.
 *
 * Hashes decide, and every decision is then checked word by word. Types that are equal under the check are equal:
 * it compares references by what represents them. When it fails, `refine` splits what the hash did not look far
 * enough to tell apart; what still fails are hashes that collide, by chance or on purpose, and another seed is
 * tried. So there is never a wrong merge.
 */

import { HEADER, TYPE } from '../../image/layout.ts';
import { fill, setWord, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { MERGE_FAULT } from './faults.ts';
import {
  aliasForwards,
  findStructsOfForwards,
  forwardKey,
  isMember,
  isSameHash,
  representForwards,
} from './forwards.kernel.ts';
import { hashTypes } from './hash.kernel.ts';
import { internTypes } from './intern.kernel.ts';
import { refine } from './refine.kernel.ts';
import { isEnumForward, referenceShape, referencesOf, typeWords } from './shape.kernel.ts';
import { numberTagSets } from './tags.kernel.ts';
import { beginWork, WORK } from './work.kernel.ts';

const SEEDS = 16;

/**
 * Fills TYPE.same for all types of the units `first` to `last`, whose rows must follow each other. Types with a
 * TYPE.redirect take no part. Returns 1; or 0 with a fault.
 */
export function findSame(first: number, last: number): number {
  setWord(HEADER.functionTypes, 0);
  internTypes(first, last);
  const work = beginWork(first, last);
  numberTagSets(work);
  for (let seed = 0; seed < SEEDS; seed = seed + 1) {
    hashTypes(work, seed);
    aliasForwards(work);
    groupByHash(work);
    findStructsOfForwards(work);
    representForwards(work);
    if (isExact(work) === 1) return 1;
    refine(work);
    if (isExact(work) === 1) return 1;
  }
  return fault(MERGE_FAULT.collisions, first, SEEDS, 0);
}

/** The first type with the same hash represents each. */
function groupByHash(work: number): number {
  const slots = word(work + WORK.slots);
  const mask = word(work + WORK.mask);
  const same = word(TYPE.same);
  fill(slots << 2, 0, (mask + 1) << 2);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    setWord(same + row, row);
    if (isMember(work, row) === 0) continue;
    const low = word(word(work + WORK.low) + row);
    let slot = (low ^ (word(word(work + WORK.high) + row) >>> 7)) & mask;
    let known = word(slots + slot);
    while (known !== 0 && isSameHash(work, known, row) === 0) {
      slot = (slot + 1) & mask;
      known = word(slots + slot);
    }
    if (known === 0) setWord(slots + slot, row);
    else setWord(same + row, known);
  }
  return 1;
}

// --- exact check --------------------------------------------------------------------------------------------------

function isExact(work: number): number {
  const own = word(TYPE.own);
  const same = word(TYPE.same);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    const other = word(same + row);
    if (other === row) continue;
    if (isSameType(work, row, other, word(own + row), word(own + other)) === 0) return 0;
  }
  return 1;
}

/** Whether the types at `left` and `right` say the same. */
function isSameType(work: number, row: number, other: number, left: number, right: number): number {
  const info = word(left + 1);
  const kind = (info >>> 24) & 0x7f;
  if (kind === BTF_KIND.FWD) return forwardKey(left) === forwardKey(right) ? 1 : 0;
  if (word(left) !== word(right)) return 0;
  if (isEnumForward(info, word(left)) === 1) return 1;
  const tags = word(work + WORK.tags);
  if (tags !== 0 && word(tags + row) !== word(tags + other)) return 0;
  if (info !== word(right + 1)) return 0;
  if (kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION) return isSameComposite(left, right, info);
  return isSameRest(left, right, info);
}

function isSameComposite(left: number, right: number, info: number): number {
  if (word(left + 2) !== word(right + 2)) return 0;
  const same = word(TYPE.same);
  const end = left + typeWords(info);
  const away = right - left;
  for (let at = left + 3; at < end; at = at + 3) {
    if (word(at) !== word(at + away) || word(at + 2) !== word(at + 2 + away)) return 0;
    if (word(same + word(at + 1)) !== word(same + word(at + 1 + away))) return 0;
  }
  return 1;
}

/** All words after the second. */
function isSameRest(left: number, right: number, info: number): number {
  const same = word(TYPE.same);
  const shape = referenceShape((info >>> 24) & 0x7f);
  const end = left + typeWords(info);
  const away = right - left;
  let references = referencesOf(shape, info);
  let reference = references === 0 ? end : left + (shape & 15);
  for (let at = left + 2; at < end; at = at + 1) {
    const a = word(at);
    const b = word(at + away);
    if (at === reference) {
      if (word(same + a) !== word(same + b)) return 0;
      references = references - 1;
      reference = references === 0 ? end : reference + ((shape >>> 4) & 15);
    } else if (a !== b) return 0;
  }
  return 1;
}
