/** The exact check of deduplication: types against what represents them, word by word. */

import { TYPE } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { forwardKey } from './forwards.kernel.ts';
import { isEnumForward, referenceShape, referencesOf, typeWords } from './shape.kernel.ts';
import { WORK } from './work.kernel.ts';

/**
 * Number of types that are not what represents them: references count as equal when the same row represents them.
 * Rows that represent such types are marked in WORK.mixed, which must be 0 for all rows.
 */
export function countMixed(work: number): number {
  const own = word(TYPE.own);
  const same = word(TYPE.same);
  const mixed = word(work + WORK.mixed);
  const end = word(work + WORK.end);
  let count = 0;
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const other = word(same + row);
    if (other === row) continue;
    if (isSameType(work, row, other, word(own + row), word(own + other)) === 1) continue;
    setWord(mixed + other, 1);
    count = count + 1;
  }
  return count;
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
