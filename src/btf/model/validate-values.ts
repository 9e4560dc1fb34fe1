/**
 * Rules about values of a type: no type contains itself, and what a struct or array contains fits into it.
 *
 * Containing is followed depth first with colours and a stack of its own, since depth comes from the file.
 * Sizes are known when a type is left, so containers are checked in the same walk. Members may be void, at
 * any place: compilers write that for references, static members and functions of C++ classes. A second walk over pointers
 * and modifiers alone refuses pointers that refer back to themselves without a struct or a function between; no
 * source language has such types, the kernel refuses them, and they have no C declaration.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { elementAt } from '../../bytes/index.ts';
import { type CodeOf, quote } from '../../diag/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { describeType, typeError } from './describe.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';
import { partCount, ValueOrder } from './value-order.ts';
import { vlenOfInfo } from './words.ts';

const WHITE = 0;
const GREY = 1;
const BLACK = 2;
/** Size of void, functions and forward declarations. */
const NO_SIZE = -1;
const MAX_SIZE = 0xffffffff;

export function requireFiniteTypes(btf: RawBtf): void {
  new ValueSizes(btf).run();
  requirePointersEnd(btf);
}

class ValueSizes {
  readonly #btf: RawBtf;
  readonly #size: Float64Array;
  readonly #pointerSize: number;

  constructor(btf: RawBtf) {
    this.#btf = btf;
    this.#size = new Float64Array(btf.count + 1);
    this.#size[0] = NO_SIZE;
    this.#pointerSize = pointerSize(btf);
  }

  run(): void {
    const order = new ValueOrder(
      this.#btf,
      id => {
        this.#size[id] = this.#sizeOf(id);
      },
      path => this.#cycle(path),
    );
    for (let id = 1; id <= this.#btf.count; id++) order.visit(id);
    for (let id = 1; id <= this.#btf.count; id++) {
      if (this.#btf.kindOf(id) === BTF_KIND.ARRAY) this.#checkIndex(id);
      this.#checkPlaces(id);
    }
  }

  #cycle(path: readonly BtfId[]): Error {
    const names = path.map(id => describeType(this.#btf, id));
    const shown = names.length > 6 ? [...names.slice(0, 3), '…', ...names.slice(-2)] : names;
    return typeError(this.#btf, path[0] ?? 0, 'btf-cycle', `contains itself: ${shown.join(' → ')}`);
  }

  /** Size of a type whose parts are all known; checks that they fit. */
  #sizeOf(id: BtfId): number {
    const btf = this.#btf;
    const at = btf.start[id] ?? 0;
    switch (btf.kindOf(id)) {
      case BTF_KIND.INT:
      case BTF_KIND.ENUM:
      case BTF_KIND.ENUM64:
      case BTF_KIND.FLOAT:
        return btf.words[at + 2] ?? 0;
      case BTF_KIND.PTR:
        return this.#pointerSize;
      case BTF_KIND.STRUCT:
      case BTF_KIND.UNION:
        this.#checkMembers(id, at);
        return btf.words[at + 2] ?? 0;
      case BTF_KIND.ARRAY:
        return this.#arraySize(id, btf.words[at + 3] ?? 0, btf.words[at + 5] ?? 0);
      default:
        return partCount(btf, id) === 0 ? NO_SIZE : (this.#size[btf.words[at + 2] ?? 0] ?? NO_SIZE);
    }
  }

  #arraySize(id: BtfId, element: BtfId, length: number): number {
    const size = this.#size[element] ?? NO_SIZE;
    if (size === NO_SIZE) {
      throw typeError(this.#btf, id, 'btf-array-element', `${describeType(this.#btf, element)} has no size`);
    }
    return size * length;
  }

  /**
   * What takes its place in a variable or in an array has less than 4 GiB. What only a pointer refers to may be
   * larger: `__uint(max_entries, N)` is a pointer to an array of N integers.
   */
  #checkPlaces(id: BtfId): void {
    const { words, start } = this.#btf;
    const kind = this.#btf.kindOf(id);
    if (kind !== BTF_KIND.ARRAY && kind !== BTF_KIND.VAR) return;
    const part = elementAt(words, elementAt(start, id) + (kind === BTF_KIND.ARRAY ? 3 : 2));
    const size = elementAt(this.#size, part);
    if (size > MAX_SIZE)
      throw typeError(this.#btf, id, 'btf-array-size', `${size} bytes are more than 4 GiB`);
  }

  #checkMembers(id: BtfId, at: number): void {
    const { words } = this.#btf;
    const bits = (words[at + 2] ?? 0) * 8;
    const info = this.#btf.info(id);
    const fields = this.#btf.kindFlagOf(id);
    const end = at + 3 + 3 * vlenOfInfo(info);
    for (let member = at + 3; member < end; member += 3) {
      const type = words[member + 1] ?? 0;
      const place = words[member + 2] ?? 0;
      if (skipToValue(this.#btf, type) === 0) continue;
      const size = this.#size[type] ?? NO_SIZE;
      if (size === NO_SIZE) {
        throw this.#memberError(
          id,
          member,
          'btf-member-type',
          `${describeType(this.#btf, type)} has no size`,
        );
      }
      const width = fields ? place >>> 24 : 0;
      const offset = fields ? place & 0xffffff : place;
      if (width === 0 && offset + this.#memberBits(type, size) <= bits) continue;
      if (width !== 0) this.#checkField(id, member, type, width);
      if (width !== 0 && offset + width <= bits) continue;
      const message = `at bit ${offset} it does not end within the ${bits} bits`;
      throw this.#memberError(id, member, 'btf-member-offset', message);
    }
  }

  /** Compilers before the kind flag described bit fields by integers that are narrower than their storage. */
  #memberBits(type: BtfId, size: number): number {
    const btf = this.#btf;
    const target = skipToValue(btf, type);
    if (btf.kindOf(target) !== BTF_KIND.INT) return size * 8;
    const data = btf.words[(btf.start[target] ?? 0) + 3] ?? 0;
    return ((data >>> 16) & 0xff) + (data & 0xff);
  }

  #checkField(id: BtfId, member: number, type: BtfId, width: number): void {
    const target = skipToValue(this.#btf, type);
    const kind = this.#btf.kindOf(target);
    const integral = kind === BTF_KIND.INT || kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64;
    if (integral && width <= (this.#size[target] ?? 0) * 8) return;
    const message = `${describeType(this.#btf, target)} cannot be a bit field of ${width} bits`;
    throw this.#memberError(id, member, 'btf-bit-field', message);
  }

  #memberError(id: BtfId, member: number, code: CodeOf<'input'>, message: string): Error {
    const name = this.#btf.string(this.#btf.words[member] ?? 0);
    return typeError(this.#btf, id, code, `member ${quote(name)}: ${message}`);
  }

  #checkIndex(id: BtfId): void {
    const btf = this.#btf;
    const index = btf.words[(btf.start[id] ?? 0) + 4] ?? 0;
    if (index === 0 || btf.kindOf(skipToValue(btf, index)) === BTF_KIND.INT) return;
    throw typeError(
      btf,
      id,
      'btf-array-index',
      `index type is ${describeType(btf, index)} instead of an integer`,
    );
  }
}

/** The type behind typedefs and modifiers, which are known to end. */
function skipToValue(btf: RawBtf, id: BtfId): BtfId {
  let current = id;
  while (isNamedOrModified(btf.kindOf(current))) current = btf.words[(btf.start[current] ?? 0) + 2] ?? 0;
  return current;
}

function isNamedOrModified(kind: number): boolean {
  switch (kind) {
    case BTF_KIND.TYPEDEF:
    case BTF_KIND.VOLATILE:
    case BTF_KIND.CONST:
    case BTF_KIND.RESTRICT:
    case BTF_KIND.TYPE_TAG:
      return true;
    default:
      return false;
  }
}

/** 4 when `long` takes 4 bytes (types of a 32-bit kernel), otherwise 8. */
export function pointerSize(btf: RawBtf): number {
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.INT) continue;
    const name = btf.nameOf(id);
    if (name !== 'long unsigned int' && name !== 'unsigned long' && name !== 'long int' && name !== 'long')
      continue;
    return btf.words[(btf.start[id] ?? 0) + 2] === 4 ? 4 : 8;
  }
  return 8;
}

/** Pointers, modifiers and arrays lead to one type each: walk every chain once, to its end. */
function requirePointersEnd(btf: RawBtf): void {
  const colour = new Uint8Array(btf.count + 1);
  colour[0] = BLACK;
  for (let first = 1; first <= btf.count; first++) {
    let id = first;
    while (colour[id] === WHITE) {
      colour[id] = GREY;
      id = pointee(btf, id);
    }
    if (colour[id] === GREY) {
      throw typeError(
        btf,
        id,
        'btf-cycle',
        'is a pointer that leads to itself without a struct or function between',
      );
    }
    for (let done = first; colour[done] === GREY; done = pointee(btf, done)) colour[done] = BLACK;
  }
}

/** The type that a pointer, modifier or array leads to; 0 for others. */
function pointee(btf: RawBtf, id: BtfId): BtfId {
  const kind = btf.kindOf(id);
  if (kind === BTF_KIND.ARRAY) return btf.words[(btf.start[id] ?? 0) + 3] ?? 0;
  if (kind === BTF_KIND.PTR || isNamedOrModified(kind)) return btf.words[(btf.start[id] ?? 0) + 2] ?? 0;
  return 0;
}
