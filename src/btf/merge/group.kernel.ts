/** Groups of types that may be equal, as TYPE.same: by hash, and split by what they refer to. */

import { mixHigh, mixLow, PROBES } from '../../image/keys.kernel.ts';
import { TYPE } from '../../image/layout.ts';
import { fill, setWord, word } from '../../image/memory.ts';
import { isMember, isSameHash } from './forwards.kernel.ts';
import { referenceShape, referencesOf } from './shape.kernel.ts';
import { WORK } from './work.kernel.ts';

/** The first type with the same hash represents each. Returns 0 when hashes crowd. */
export function groupByHash(work: number): number {
  const same = word(TYPE.same);
  clearSlots(work);
  setWord(work + WORK.crowded, 0);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    setWord(same + row, isMember(work, row) === 1 ? firstWithHash(work, row) : row);
  }
  return word(work + WORK.crowded) === 0 ? 1 : 0;
}

function clearSlots(work: number): number {
  const size = (word(work + WORK.mask) + 1) << 2;
  fill(word(work + WORK.slots) << 2, 0, size);
  return size;
}

/** The first row with the hash of `row` since the slots were cleared; itself when hashes crowd. */
function firstWithHash(work: number, row: number): number {
  const slots = word(work + WORK.slots);
  const mask = word(work + WORK.mask);
  let slot = mixLow(word(word(work + WORK.low) + row), word(word(work + WORK.high) + row)) & mask;
  let known = word(slots + slot);
  let left = word(work + WORK.crowded) === 0 ? PROBES : 0;
  while (known !== 0 && left > 0) {
    if (isSameHash(work, known, row) === 1) return known;
    slot = (slot + 1) & mask;
    known = word(slots + slot);
    left = left - 1;
  }
  if (left === 0) setWord(work + WORK.crowded, 1);
  else setWord(slots + slot, row);
  return row;
}

/**
 * Splits the groups that WORK.mixed marks, by the groups that their types refer to, and clears the marks. Returns
 * the number of types that something else represents now. What other groups refer to may differ afterwards.
 */
export function splitMixed(work: number): number {
  const own = word(TYPE.own);
  const same = word(TYPE.same);
  const mixed = word(work + WORK.mixed);
  const end = word(work + WORK.end);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    if (word(mixed + word(same + row)) === 1 && isMember(work, row) === 1)
      hashGroups(work, row, word(own + row));
  }
  clearSlots(work);
  let count = 0;
  const next = word(work + WORK.next);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    setWord(next + row, word(same + row));
    if (word(mixed + word(same + row)) === 0 || isMember(work, row) === 0) continue;
    setWord(next + row, firstWithHash(work, row));
    if (word(next + row) !== word(same + row)) count = count + 1;
  }
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    setWord(mixed + row, 0);
    setWord(same + row, word(next + row));
  }
  return count;
}

/** Hash of the group of a type and of those that it refers to. */
function hashGroups(work: number, row: number, at: number): number {
  const same = word(TYPE.same);
  const shape = referenceShape((word(at + 1) >>> 24) & 0x7f);
  let low = mixLow(word(same + row), 0);
  let high = mixHigh(word(same + row), 0);
  let reference = at + (shape & 15);
  for (let left = referencesOf(shape, word(at + 1)); left > 0; left = left - 1) {
    low = low ^ mixLow(word(same + word(reference)), low);
    high = high ^ mixHigh(word(same + word(reference)), high);
    reference = reference + ((shape >>> 4) & 15);
  }
  setWord(word(work + WORK.low) + row, low);
  setWord(word(work + WORK.high) + row, high);
  return row;
}
