/**
 * The rules that types must keep, checked once when they come from outside: the common words of a type, what it
 * refers to, its names, and what only its kind has (`check-kinds.kernel.ts`).
 *
 * Compatibility: what the kernel takes (`btf_check_all_metas` and `btf_resolve`) is accepted, except for types
 * that contain themselves through pointers alone. What it refuses is refused here if it has no meaning. The
 * rest is accepted, because compilers of other languages write it and a link keeps it: what the loader does
 * with it is the table of `src/load/mend/repairs.ts`. Linkage `extern`, functions in `.ksyms` and DATASEC
 * offsets and sizes are the linker's business: libbpf rewrites them before the kernel sees them.
 *
 * `kinds` is the address of one byte for each type of the unit, its kind; that of void is 0.
 */

import { TYPE, UNIT } from '../../image/layout.ts';
import { byte, setByte, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { checkKind } from './check-kinds.kernel.ts';
import { TYPE_FAULT } from './faults.ts';
import { KINDS } from './kinds.ts';
import { shapes } from './shapes.kernel.ts';

/** Word index of the first word of type `id`. */
export function startOf(unit: number, id: number): number {
  return word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
}

/** Fills `kinds`. 1, or 0 after a fault: a kind that is not known. */
export function listKinds(unit: number, kinds: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const count = word(word(UNIT.typeCount) + unit);
  const shape = shapes();
  for (let id = 1; id <= count; id = id + 1) {
    const kind = (word(word(starts + id) + 1) >>> 24) & 0x7f;
    if (word(shape + kind) === 0) return fault(TYPE_FAULT.kindUnknown, unit, id, kind);
    setByte(kinds + id, kind);
  }
  return 1;
}

/**
 * Checks types from id `first` on; the first rule that is broken is a fault, and the result 0. `utf8`: address
 * of the marks of `markUtf8`, 0 when all strings are ASCII.
 */
export function checkRules(unit: number, first: number, kinds: number, utf8: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const count = word(word(UNIT.typeCount) + unit);
  const stringSize = word(word(UNIT.stringSize) + unit);
  const shape = shapes();
  for (let id = first; id <= count; id = id + 1) {
    const at = word(starts + id);
    const kind = byte(kinds + id);
    if (checkCommon(unit, id, at, kind) === 0) return 0;
    if (utf8 !== 0 || elementsFine(at, kinds, count, stringSize, kind) === 0) {
      if (checkReferences(unit, id, at, kinds, word(shape + kind)) === 0) return 0;
      if (checkNames(unit, id, at, utf8, word(shape + kind)) === 0) return 0;
    }
    if (((KINDS.ruled >> kind) & 1) !== 0 && checkKind(unit, id, at, kinds) === 0) return 0;
  }
  return 1;
}

/**
 * 1 when names and references of the most frequent kinds are certainly right; 0: they are to be looked at one
 * by one. Only that decides what is refused, and in which order.
 */
function elementsFine(at: number, kinds: number, count: number, stringSize: number, kind: number): number {
  if (word(at) >>> 0 >= stringSize >>> 0) return 0;
  if (kind === BTF_KIND.PTR) return isPlain(word(at + 2), kinds, count);
  if (((KINDS.members >> kind) & 1) === 0) return 0;
  let place = at + 3;
  const end = place + Math.imul(word(at + 1) & 0xffffff, 3);
  while (place < end) {
    const target = word(place + 1);
    if (word(place) >>> 0 >= stringSize >>> 0 || count >>> 0 < target >>> 0) return 0;
    if (((KINDS.declarations >> byte(kinds + target)) & 1) !== 0) return 0;
    place = place + 3;
  }
  return 1;
}

/** 1 for the id of a type that declares nothing. */
function isPlain(target: number, kinds: number, count: number): number {
  if (count >>> 0 < target >>> 0) return 0;
  return ((KINDS.declarations >> byte(kinds + target)) & 1) ^ 1;
}

/** Number of elements, kind flag, and whether there is a name. */
function checkCommon(unit: number, id: number, at: number, kind: number): number {
  const info = word(at + 1);
  if ((info & 0xffffff) !== 0 && ((KINDS.elements >> kind) & 1) === 0)
    return fault(TYPE_FAULT.elements, unit, id, info & 0xffffff);
  if (info < 0 && ((KINDS.flagged >> kind) & 1) === 0) return fault(TYPE_FAULT.kindFlag, unit, id, 0);
  if ((((KINDS.named | KINDS.nameless) >> kind) & 1) === 0) return 1;
  const named = (KINDS.named >> kind) & 1;
  if (isNamed(unit, word(at)) === named) return 1;
  return fault(named === 1 ? TYPE_FAULT.noName : TYPE_FAULT.needlessName, unit, id, 0);
}

/** 1 unless the name is empty. */
function isNamed(unit: number, name: number): number {
  if (name === 0) return 0;
  if (name >>> 0 >= word(word(UNIT.stringSize) + unit) >>> 0) return 1;
  return byte(word(word(UNIT.strings) + unit) + name) === 0 ? 0 : 1;
}

/** What a type refers to is there, and of a kind that it can be made of. `shape`: see `words.ts`. */
function checkReferences(unit: number, id: number, at: number, kinds: number, shape: number): number {
  const count = word(word(UNIT.typeCount) + unit);
  const stride = (shape >> 9) & 7;
  let left = ((shape >> 12) & 7) + (((shape >> 15) & 7) === 0 ? 0 : word(at + 1) & 0xffffff);
  let place = at + ((shape >> 6) & 7);
  while (left > 0) {
    const target = word(place);
    if (target < 0 || target > count) return fault(TYPE_FAULT.typeId, unit, id, target);
    if (((KINDS.declarations >> byte(kinds + target)) & 1) !== 0 && mayDeclare(kinds, id, target) === 0)
      return fault(TYPE_FAULT.referenceKind, unit, id, target);
    place = place + stride;
    left = left - 1;
  }
  return 1;
}

/** Whether a type may refer to a declaration. */
function mayDeclare(kinds: number, id: number, target: number): number {
  const kind = byte(kinds + id);
  if (((KINDS.declaring >> kind) & 1) !== 0) return 1;
  return ((KINDS.ofFunctions >> kind) & 1) !== 0 && byte(kinds + target) === BTF_KIND.FUNC ? 1 : 0;
}

/** Names of a type and of its elements are in the strings, and UTF-8. */
function checkNames(unit: number, id: number, at: number, utf8: number, shape: number): number {
  const size = word(word(UNIT.stringSize) + unit);
  if (checkName(unit, id, word(at), size, utf8) === 0) return 0;
  const first = (shape >> 18) & 7;
  if (first === 0) return 1;
  const stride = (shape >> 3) & 7;
  let place = at + first;
  for (let left = word(at + 1) & 0xffffff; left > 0; left = left - 1) {
    const name = word(place);
    if (name >>> 0 >= size >>> 0 || utf8 !== 0) {
      if (checkName(unit, id, name, size, utf8) === 0) return 0;
    }
    place = place + stride;
  }
  return 1;
}

function checkName(unit: number, id: number, name: number, size: number, utf8: number): number {
  if (name >>> 0 >= size >>> 0) return fault(TYPE_FAULT.nameOffset, unit, id, name);
  if (utf8 === 0 || byte(utf8 + name) === 1) return 1;
  return fault(TYPE_FAULT.nameEncoding, unit, id, name);
}
