/**
 * A quick answer to whether two declarations mean the same type, once `findSame` ran over their units.
 *
 * 1 is final. 0 means that the rule of `compareTypes` has to decide: types that are not one may still agree.
 */

import { TYPE } from '../../image/layout.ts';
import { word } from '../../image/memory.ts';
import { BTF_KIND } from '../../uapi/btf.ts';

/** Linkage of static functions and variables. */
const STATIC = 0;

/** Whether two rows of TYPE, functions or variables, are declarations of one type; names of parameters do not count. */
export function agree(a: number, b: number): number {
  if (a === b) return 1;
  const left = word(word(TYPE.own) + a);
  const right = word(word(TYPE.own) + b);
  if (left === 0 || right === 0 || word(left) !== word(right)) return 0;
  const kind = (word(left + 1) >>> 24) & 0x7f;
  if (kind !== ((word(right + 1) >>> 24) & 0x7f)) return 0;
  if (kind !== BTF_KIND.FUNC && kind !== BTF_KIND.VAR) return 0;
  if (isStatic(kind, left) !== isStatic(kind, right)) return 0;
  const same = word(TYPE.same);
  if (word(same + word(left + 2)) === word(same + word(right + 2))) return 1;
  return agreePrototypes(word(word(TYPE.own) + word(left + 2)), word(word(TYPE.own) + word(right + 2)));
}

function isStatic(kind: number, at: number): number {
  const linkage = kind === BTF_KIND.FUNC ? word(at + 1) & 0xffffff : word(at + 3);
  return linkage === STATIC ? 1 : 0;
}

function agreePrototypes(left: number, right: number): number {
  if (left === 0 || right === 0 || word(left + 1) !== word(right + 1)) return 0;
  if (((word(left + 1) >>> 24) & 0x7f) !== BTF_KIND.FUNC_PROTO) return 0;
  const same = word(TYPE.same);
  const end = left + 2 + ((word(left + 1) & 0xffffff) << 1);
  for (let at = left + 2; at <= end; at = at + 2) {
    if (word(same + word(at)) !== word(same + word(right + at - left))) return 0;
  }
  return 1;
}
