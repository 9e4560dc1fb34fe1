/**
 * FUNC, VAR and DATASEC types by name, while the types of a unit are attached to its atoms.
 *
 * NAME.types begins the list of those of a name, in order of id; READER.next is its next one. READER.names has the
 * NAME of each, READER.listed the NAME of the DATASEC that lists it last, READER.found at the first of a name what was
 * found in its list, which may be long and be asked for often.
 */

import { textName } from '../../../btf/model/texts.kernel.ts';
import { NAME, TYPE, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { BTF_KIND } from '../../../uapi/btf.ts';
import { READER } from './reader.ts';
import { emptyRoom, room, state } from './state.kernel.ts';

/** Word index of the first word of a type. */
export function wordsOfType(unit: number, id: number): number {
  return word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
}

export function kindOf(unit: number, id: number): number {
  return (word(wordsOfType(unit, id) + 1) >>> 24) & 31;
}

/** Linkage of a FUNC or VAR, 0 static; -1 for any other type. */
export function linkageOf(unit: number, id: number): number {
  if (id === 0) return -1;
  const start = wordsOfType(unit, id);
  const info = word(start + 1);
  const kind = (info >>> 24) & 31;
  if (kind === BTF_KIND.FUNC) return info & 0xffff;
  return kind === BTF_KIND.VAR ? word(start + 3) : -1;
}

/** Makes the lists. */
export function indexNames(unit: number): number {
  const count = word(word(UNIT.typeCount) + unit);
  const names = emptyRoom(READER.names, count + 1);
  const next = room(READER.next, count + 1);
  emptyRoom(READER.listed, count + 1);
  emptyRoom(READER.found, Math.imul(count + 1, FOUND.words));
  const strings = word(word(UNIT.strings) + unit);
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  for (let id = count; id > 0; id = id - 1) {
    const start = word(starts + id);
    const kind = (word(start + 1) >>> 24) & 31;
    if (kind !== BTF_KIND.FUNC && kind !== BTF_KIND.VAR && kind !== BTF_KIND.DATASEC) continue;
    const name = textName(unit, strings + word(start));
    setWord(names + id, name);
    if (name === 0) continue;
    setWord(next + id, word(word(NAME.types) + name));
    setWord(word(NAME.types) + name, id);
  }
  for (let id = 1; id <= count; id = id + 1)
    if (word(names + id) !== 0 && kindOf(unit, id) === BTF_KIND.DATASEC)
      markListed(unit, id, word(names + id));
  return count;
}

function markListed(unit: number, id: number, section: number): number {
  const listed = state(READER.listed);
  const start = wordsOfType(unit, id);
  const end = start + 3 + Math.imul(word(start + 1) & 0xffff, 3);
  for (let entry = start + 3; entry < end; entry = entry + 3) setWord(listed + word(entry), section);
  return section;
}

/** Ends the lists: names have none again. */
export function forgetNames(unit: number): number {
  const count = word(word(UNIT.typeCount) + unit);
  const names = state(READER.names);
  const types = word(NAME.types);
  for (let id = 1; id <= count; id = id + 1) if (word(names + id) !== 0) setWord(types + word(names + id), 0);
  return count;
}

/** First type of a name; 0 for none, and for the empty name. */
export function firstOf(name: number): number {
  return name === 0 ? 0 : word(word(NAME.types) + name);
}

export function nextOf(id: number): number {
  return word(state(READER.next) + id);
}

/** The one FUNC or VAR of a name that is static (`isStatic` 1) or is not; 0 for none, and for several. */
export function onlyOf(unit: number, name: number, kind: number, isStatic: number): number {
  const known = found(name, (kind === BTF_KIND.FUNC ? FOUND.function : FOUND.variable) + isStatic);
  if (known === 0 || word(known) !== 0) return known === 0 ? 0 : word(known) - 1;
  let only = 0;
  for (let id = firstOf(name); id !== 0; id = nextOf(id)) {
    if (kindOf(unit, id) !== kind || (linkageOf(unit, id) === 0 ? 1 : 0) !== isStatic) continue;
    if (only !== 0) {
      setWord(known, 1);
      return 0;
    }
    only = id;
  }
  setWord(known, only + 1);
  return only;
}

/** What is looked for in the types of a name: the only function and variable, each also as static; and for externs. */
export const FOUND = { function: 0, variable: 2, extern: 4, common: 5, words: 8 } as const;

/** Word index of what was found before, plus 1, in the types of a name; 0: it has none. */
export function found(name: number, what: number): number {
  const first = firstOf(name);
  return first === 0 ? 0 : state(READER.found) + Math.imul(first, FOUND.words) + what;
}
