/**
 * Maps of one object whose definitions differ in nothing that the kernel's rules look at: the first of them stands
 * for all. Key and value count by their sizes.
 */

import { ATOM_KIND } from '../../image/codes.ts';
import { ATOM, TYPE, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';

/** More kinds of definitions than objects have; what comes later stands for itself. */
const MAX_KINDS = 64;

/** Word index of the number of maps that stand for all, and of their rows after it. */
export function distinctMaps(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const types = word(word(UNIT.types) + unit);
  let maps = 0;
  for (let atom = first; atom < end; atom = atom + 1)
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.map) maps = maps + 1;
  const list = alloc((maps + 1) << 2) >> 2;
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) !== ATOM_KIND.map || isKnown(types, list, atom) === 1) continue;
    setWord(list, word(list) + 1);
    setWord(list + word(list), atom);
  }
  return list;
}

function isKnown(types: number, list: number, map: number): number {
  const count = word(list) < MAX_KINDS ? word(list) : MAX_KINDS;
  for (let at = 1; at <= count; at = at + 1)
    if (isSameDefinition(types, word(word(ATOM.type) + word(list + at)), word(word(ATOM.type) + map)) === 1)
      return 1;
  return 0;
}

function infoOf(types: number, type: number): number {
  return word(word(word(TYPE.start) + types + type) + 1);
}

function kindOf(types: number, type: number): number {
  return type === 0 ? 0 : (infoOf(types, type) >>> 24) & 31;
}

/** The type that a type refers to, or its size. */
function thirdOf(types: number, type: number): number {
  return word(word(word(TYPE.start) + types + type) + 2);
}

/** Whether two VAR have one type, or structs whose members have the same names, and types that mean the same. */
function isSameDefinition(types: number, a: number, b: number): number {
  if (kindOf(types, a) !== BTF_KIND.VAR || kindOf(types, b) !== BTF_KIND.VAR) return 0;
  const left = thirdOf(types, a);
  const right = thirdOf(types, b);
  if (left === right) return 1;
  if (kindOf(types, left) !== BTF_KIND.STRUCT || infoOf(types, left) !== infoOf(types, right)) return 0;
  const count = infoOf(types, left) & 0xffff;
  const here = word(word(TYPE.start) + types + left) + 3;
  const there = word(word(TYPE.start) + types + right) + 3;
  const end = count + count + count;
  for (let at = 0; at < end; at = at + 3) {
    if (word(here + at) !== word(there + at) || word(here + at + 2) !== word(there + at + 2)) return 0;
    if (isSameMember(types, word(here + at + 1), word(there + at + 1)) === 0) return 0;
  }
  return 1;
}

/** `__type(key, T)`: a pointer to what has a size of its own. */
function isSameMember(types: number, a: number, b: number): number {
  if (a === b) return 1;
  if (kindOf(types, a) !== BTF_KIND.PTR || kindOf(types, b) !== BTF_KIND.PTR) return 0;
  const left = thirdOf(types, a);
  const right = thirdOf(types, b);
  if (hasSize(kindOf(types, left)) === 0 || hasSize(kindOf(types, right)) === 0) return 0;
  return thirdOf(types, left) === thirdOf(types, right) ? 1 : 0;
}

function hasSize(kind: number): number {
  if (kind === BTF_KIND.INT || kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION) return 1;
  return kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64 || kind === BTF_KIND.FLOAT ? 1 : 0;
}
