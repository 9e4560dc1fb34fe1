/**
 * Rules about values of a type: no type contains itself, and what a struct or array contains fits into it.
 *
 * Containing is followed depth first with a stack of its own, since depth comes from the file. Sizes are known
 * when a type is left, so containers are checked in the same walk. Members may be void, at any place: compilers
 * write that for references, static members and functions of C++ classes. A second walk over pointers and
 * modifiers alone refuses pointers that refer back to themselves without a struct or a function between; no
 * source language has such types, the kernel refuses them, and they have no C declaration.
 *
 * `work` is the word index of columns with a word for each type, void included, so that type `id` has:
 * its size at `work + id`; then, one column (`width` words) on, its state; then the type that it is without
 * typedefs and modifiers; then the bits that it takes as a member plus 1, 0 where that is not simple
 * (`check-members.kernel.ts`). Two more columns are the stack: types, and the next part of each to look at.
 */

import { TYPE, UNIT } from '../../image/layout.ts';
import { byte, fill, setWord, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { checkMembers, fitsSimply, simpleLimit } from './check-members.kernel.ts';
import { fault3 } from './fault.kernel.ts';
import { TYPE_FAULT } from './faults.ts';
import { KINDS } from './kinds.ts';
import { productOverflows } from './numbers.kernel.ts';
import { VALUE } from './value-state.ts';

/** Texts of four bytes, as words. */
const LONG = 0x676e6f6c;
const SPACE_INT = 0x746e6920;
const SPACE_UNS = 0x736e7520;
const IGNE = 0x656e6769;
const D_IN = 0x6e692064;
const UNSI = 0x69736e75;
const GNED = 0x64656e67;
const SPACE_LON = 0x6e6f6c20;

/** Results of `nextUnseen`. The number of a part has 24 bits. */
const ODD = 0x40000000;
const ALL_LEFT = -1;
const ALL_ODD = -2;

/** Checks all types of a unit. 1, or 0 after a fault. `work` is zero. */
export function checkValues(unit: number, kinds: number, work: number): number {
  const width = word(word(UNIT.typeCount) + unit) + 1;
  const pointer = pointerSize(unit, kinds);
  setWord(work + width, VALUE.noSize);
  for (let id = 1; id < width; id = id + 1) {
    if (word(work + width + id) === VALUE.unseen && visit(unit, id, kinds, work, pointer) === 0) return 0;
  }
  for (let id = 1; id < width; id = id + 1) {
    const kind = byte(kinds + id);
    if (kind === BTF_KIND.ARRAY && checkIndex(unit, id, kinds, work) === 0) return 0;
    if ((kind === BTF_KIND.ARRAY || kind === BTF_KIND.VAR) && checkPlace(unit, id, kind, work) === 0)
      return 0;
  }
  const marks = work + (width << 2);
  fill(marks << 2, 0, width << 2);
  return checkPointersEnd(unit, kinds, marks);
}

/** 4 when `long` takes 4 bytes (types of a 32-bit kernel), otherwise 8. `kinds`: address of a byte for each id. */
export function pointerSize(unit: number, kinds: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const count = word(word(UNIT.typeCount) + unit);
  const strings = word(word(UNIT.strings) + unit);
  for (let id = 1; id <= count; id = id + 1) {
    if (byte(kinds + id) !== BTF_KIND.INT) continue;
    const at = word(starts + id);
    if (isLong(strings + word(at)) === 1) return word(at + 2) === 4 ? 4 : 8;
  }
  return 8;
}

/** 1 when the text at an address is one of the names that compilers have for `long` and `unsigned long`. */
function isLong(at: number): number {
  if (hasText(at, LONG) === 1) {
    if (byte(at + 4) === 0) return 1;
    if (hasText(at + 4, SPACE_INT) === 1) return byte(at + 8) === 0 ? 1 : 0;
    if (hasText(at + 4, SPACE_UNS) === 0 || hasText(at + 8, IGNE) === 0) return 0;
    return hasText(at + 12, D_IN) === 1 && byte(at + 16) === 0x74 && byte(at + 17) === 0 ? 1 : 0;
  }
  if (hasText(at, UNSI) === 0 || hasText(at + 4, GNED) === 0) return 0;
  return hasText(at + 8, SPACE_LON) === 1 && byte(at + 12) === 0x67 && byte(at + 13) === 0 ? 1 : 0;
}

/** 1 when four bytes are at an address; bytes after a NUL are not read. */
function hasText(at: number, bytes: number): number {
  if (byte(at) !== (bytes & 0xff) || byte(at + 1) !== ((bytes >>> 8) & 0xff)) return 0;
  return byte(at + 2) === ((bytes >>> 16) & 0xff) && byte(at + 3) === bytes >>> 24 ? 1 : 0;
}

/** Leaves all parts of type `first`, then the type itself, as far as they have not been left before. */
function visit(unit: number, first: number, kinds: number, work: number, pointer: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const width = word(word(UNIT.typeCount) + unit) + 1;
  const states = work + width;
  const stack = work + (width << 2);
  const simples = stack - width;
  const next = stack + width;
  let depth = 1;
  setWord(stack, first);
  setWord(next, 0);
  while (depth > 0) {
    const id = word(stack + depth - 1);
    const at = word(starts + id);
    const index = nextUnseen(at, byte(kinds + id), word(next + depth - 1), states, simples);
    if (index < 0) {
      if (index === ALL_ODD && checkMembers(unit, id, kinds, work) === 0) return 0;
      if (leave(unit, id, at, kinds, work, pointer) === 0) return 0;
      depth = depth - 1;
      continue;
    }
    setWord(states + id, VALUE.entered);
    const part = partAt(at, byte(kinds + id), index & (ODD - 1));
    if (word(states + part) === VALUE.entered) return cycleFault(unit, part, stack, depth);
    setWord(next + depth - 1, index);
    setWord(stack + depth, part);
    setWord(next + depth, 0);
    depth = depth + 1;
  }
  return 1;
}

/**
 * Number of the first part from `from` on that has not been left, with ODD if that is in `from` or if a member before
 * it does not fit simply; when there is none, ALL_LEFT, or ALL_ODD.
 */
function nextUnseen(at: number, kind: number, from: number, states: number, simples: number): number {
  const single = kind === BTF_KIND.ARRAY ? 3 : ((KINDS.modifiers >> kind) & 1) !== 0 ? 2 : 0;
  if (single !== 0) return word(states + word(at + single)) < VALUE.noSize ? 0 : ALL_LEFT;
  if (((KINDS.members >> kind) & 1) === 0) return ALL_LEFT;
  const limit = simpleLimit(at);
  const count = word(at + 1) & 0xffffff;
  let odd = from & ODD;
  let part = from - odd;
  let place = at + 4 + Math.imul(part, 3);
  while (part < count) {
    const type = word(place);
    if (fitsSimply(word(simples + type), word(place + 1), limit) === 0) {
      if (word(states + type) < VALUE.noSize) return part | odd;
      odd = ODD;
    }
    place = place + 3;
    part = part + 1;
  }
  return odd === 0 ? ALL_LEFT : ALL_ODD;
}

/** Part number `index`: a member's type, the element, or what a typedef or modifier represents. */
function partAt(at: number, kind: number, index: number): number {
  if (((KINDS.members >> kind) & 1) !== 0) return word(at + 4 + Math.imul(index, 3));
  return word(at + (kind === BTF_KIND.ARRAY ? 3 : 2));
}

/** The path is what is on the stack from `part` on. */
function cycleFault(unit: number, part: number, stack: number, depth: number): number {
  let at = depth - 1;
  while (at > 0 && word(stack + at) !== part) at = at - 1;
  return fault3(TYPE_FAULT.cycle, unit, part, stack + at, depth - at);
}

/** Keeps size and state of a type whose parts are all known and whose members fit. 0 after a fault. */
function leave(unit: number, id: number, at: number, kinds: number, work: number, pointer: number): number {
  const width = word(word(UNIT.typeCount) + unit) + 1;
  const kind = byte(kinds + id);
  const values = work + width + width;
  if (((KINDS.modifiers >> kind) & 1) !== 0) {
    const target = word(at + 2);
    setWord(work + id, word(work + target));
    setWord(work + width + id, word(work + width + target));
    setWord(values + id, word(values + target));
    setWord(values + width + id, word(values + width + target));
    return 1;
  }
  setWord(values + id, id);
  if (kind === BTF_KIND.PTR) return keepSize(id, pointer, work, width);
  if (kind === BTF_KIND.ARRAY) return leaveArray(unit, id, at, work);
  if (((KINDS.sized >> kind) & 1) === 0) {
    setWord(work + width + id, VALUE.noSize);
    return 1;
  }
  keepSize(id, word(at + 2), work, width);
  if (kind === BTF_KIND.INT && isWholeInt(at) === 0) setWord(values + width + id, 0);
  return 1;
}

/** 1 when the value of an integer takes all of its bytes. */
function isWholeInt(at: number): number {
  const data = word(at + 3);
  return ((data >>> 16) & 0xff) === 0 && (data & 0xff) === word(at + 2) << 3 ? 1 : 0;
}

/** The type has that size, and as a member that many bits. */
function keepSize(id: number, size: number, work: number, width: number): number {
  setWord(work + id, size);
  setWord(work + width + id, VALUE.sized);
  setWord(work + width + width + width + id, size >>> 28 === 0 ? (size << 3) + 1 : 0);
  return 1;
}

function leaveArray(unit: number, id: number, at: number, work: number): number {
  const states = work + word(word(UNIT.typeCount) + unit) + 1;
  const element = word(at + 3);
  const state = word(states + element);
  if (state === VALUE.noSize) return fault(TYPE_FAULT.arrayElement, unit, id, element);
  const length = word(at + 5);
  const size = word(work + element);
  const huge = (state === VALUE.huge && length !== 0) || productOverflows(size, length) === 1 ? 1 : 0;
  keepSize(id, Math.imul(size, length), work, word(word(UNIT.typeCount) + unit) + 1);
  if (huge === 0) return 1;
  setWord(states + id, VALUE.huge);
  setWord(work + id + Math.imul(word(word(UNIT.typeCount) + unit) + 1, 3), 0);
  return 1;
}

function checkIndex(unit: number, id: number, kinds: number, work: number): number {
  const values = work + ((word(word(UNIT.typeCount) + unit) + 1) << 1);
  const index = word(word(word(TYPE.start) + word(word(UNIT.types) + unit) + id) + 4);
  if (index === 0 || byte(kinds + word(values + index)) === BTF_KIND.INT) return 1;
  return fault(TYPE_FAULT.arrayIndex, unit, id, index);
}

/**
 * What takes its place in a variable or in an array has less than 4 GiB. What only a pointer refers to may be
 * larger: `__uint(max_entries, N)` is a pointer to an array of N integers.
 */
function checkPlace(unit: number, id: number, kind: number, work: number): number {
  const states = work + word(word(UNIT.typeCount) + unit) + 1;
  const at = word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
  const part = word(at + (kind === BTF_KIND.ARRAY ? 3 : 2));
  return word(states + part) === VALUE.huge ? fault(TYPE_FAULT.placeSize, unit, id, part) : 1;
}

/**
 * Pointers, modifiers and arrays lead to one type each: walks every chain once, to its end. `marks` has for
 * each type the id from which a walk came to it, 0 at first.
 */
function checkPointersEnd(unit: number, kinds: number, marks: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const count = word(word(UNIT.typeCount) + unit);
  setWord(marks, -1); // every walk ends at void
  for (let first = 1; first <= count; first = first + 1) {
    let id = first;
    while (word(marks + id) === 0) {
      setWord(marks + id, first);
      const kind = byte(kinds + id);
      if (kind === BTF_KIND.ARRAY) id = word(word(starts + id) + 3);
      else if (((KINDS.pointing >> kind) & 1) !== 0) id = word(word(starts + id) + 2);
      else id = 0;
    }
    if (word(marks + id) === first) return fault(TYPE_FAULT.pointerCycle, unit, id, 0);
  }
  return 1;
}
