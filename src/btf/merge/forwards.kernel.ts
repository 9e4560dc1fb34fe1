/**
 * Forward declarations and enums without values: which type stands for each of them.
 *
 * Forward declarations are represented by the first of their name and keyword, and that one joins the structs of
 * its name if all of them may be equal. Enums without values are represented by the full definition of their
 * name when there is only one.
 */

import { HEADER, NAME, TYPE } from '../../image/layout.ts';
import { byte, fill, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { isEnumForward, isNeverMerged } from './shape.kernel.ts';
import { WORK } from './work.kernel.ts';

/** More than one definition has the name. */
const AMBIGUOUS = -1;

/** Fills WORK.alias. Hashes must be known. */
export function aliasForwards(work: number): number {
  const own = word(TYPE.own);
  const kinds = word(HEADER.typeKinds);
  const alias = word(work + WORK.alias);
  const end = word(work + WORK.end);
  let enums = 0;
  setWord(work + WORK.forwards, 0);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const kind = byte(kinds + row);
    if (kind === BTF_KIND.FWD) setWord(alias + row, firstForward(work, row, word(own + row)));
    else if (kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64)
      enums = enums + isEnumForward(word(word(own + row) + 1), word(word(own + row)));
  }
  return enums === 0 ? 0 : aliasEnums(work);
}

/** Twice the name of a struct, a union or a forward declaration of one; 1 more for a union. */
export function forwardKey(at: number): number {
  const info = word(at + 1);
  const kind = (info >>> 24) & 0x7f;
  const union = kind === BTF_KIND.UNION || (kind === BTF_KIND.FWD && info < 0) ? 1 : 0;
  return (word(at) << 1) + union;
}

function firstForward(work: number, row: number, at: number): number {
  if (word(work + WORK.forwards) === 0) {
    setWord(work + WORK.forwards, alloc(word(NAME.count) << 3) >> 2);
    setWord(work + WORK.structs, alloc(word(NAME.count) << 3) >> 2);
  }
  const place = word(work + WORK.forwards) + forwardKey(at);
  if (word(place) === 0) setWord(place, row);
  return word(place);
}

// --- enums without values -----------------------------------------------------------------------------------------

/** `full`: by name, the definition; 0 none or not wanted, AMBIGUOUS several. `first`: by name, the first without. */
function aliasEnums(work: number): number {
  const full = alloc(word(NAME.count) << 2) >> 2;
  const first = alloc(word(NAME.count) << 2) >> 2;
  const own = word(TYPE.own);
  const end = word(work + WORK.end);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const at = word(own + row);
    if (at === 0 || isEnumForward(word(at + 1), word(at)) === 0) continue;
    if (word(first + word(at)) === 0) setWord(first + word(at), row);
  }
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const at = word(own + row);
    if (at !== 0 && isFullEnum(at) === 1 && word(first + word(at)) !== 0)
      addFullEnum(work, full + word(at), row);
  }
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const at = word(own + row);
    if (at === 0 || isEnumForward(word(at + 1), word(at)) === 0) continue;
    const definition = word(full + word(at));
    setWord(word(work + WORK.alias) + row, definition > 0 ? definition : word(first + word(at)));
  }
  return 1;
}

function isFullEnum(at: number): number {
  const info = word(at + 1);
  const kind = (info >>> 24) & 0x7f;
  if (kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) return 0;
  return (info & 0xffffff) === 0 ? 0 : 1;
}

function addFullEnum(work: number, place: number, row: number): number {
  const known = word(place);
  if (known === 0) setWord(place, row);
  else if (known > 0 && isSameHash(work, known, row) === 0) setWord(place, AMBIGUOUS);
  return known;
}

export function isSameHash(work: number, a: number, b: number): number {
  const low = word(work + WORK.low);
  const high = word(work + WORK.high);
  return word(low + a) === word(low + b) && word(high + a) === word(high + b) ? 1 : 0;
}

// --- members of blocks --------------------------------------------------------------------------------------------

/** Whether a type can be equal to another: not a function or variable, and nothing stands for it. */
export function isMember(work: number, row: number): number {
  const kind = byte(word(HEADER.typeKinds) + row);
  if (kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64) return aliasOf(work, row) === row ? 1 : 0;
  return kind === 0 || kind === BTF_KIND.FWD || isNeverMerged(kind) === 1 ? 0 : 1;
}

/** Row that stands for a type, often itself. */
export function aliasOf(work: number, row: number): number {
  const alias = word(word(work + WORK.alias) + row);
  return alias === 0 ? row : alias;
}

/**
 * For each key of a forward declaration, the row that represents the structs of the name, by TYPE.same:
 * AMBIGUOUS when they have several.
 */
export function findStructsOfForwards(work: number): number {
  if (word(work + WORK.forwards) === 0) return 0;
  fill(word(work + WORK.structs) << 2, 0, word(NAME.count) << 3);
  const own = word(TYPE.own);
  const same = word(TYPE.same);
  const kinds = word(HEADER.typeKinds);
  const end = word(work + WORK.end);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const kind = byte(kinds + row);
    if (kind !== BTF_KIND.STRUCT && kind !== BTF_KIND.UNION) continue;
    const key = forwardKey(word(own + row));
    if (word(word(work + WORK.forwards) + key) === 0) continue;
    const place = word(work + WORK.structs) + key;
    if (word(place) === 0) setWord(place, word(same + row));
    else if (word(place) !== word(same + row)) setWord(place, AMBIGUOUS);
  }
  return 1;
}

/** TYPE.same of what is not a member: of its alias, and of the structs that a forward declaration is one with. */
export function representForwards(work: number): number {
  const own = word(TYPE.own);
  const same = word(TYPE.same);
  const kinds = word(HEADER.typeKinds);
  const end = word(work + WORK.end);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const kind = byte(kinds + row);
    if (kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64) {
      const alias = aliasOf(work, row);
      if (alias !== row) setWord(same + row, word(same + alias));
    } else if (kind === BTF_KIND.FWD) {
      const struct = word(word(work + WORK.structs) + forwardKey(word(own + row)));
      setWord(same + row, struct > 0 ? struct : aliasOf(work, row));
    }
  }
  return 1;
}
