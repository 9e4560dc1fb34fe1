/**
 * Bytes read through their type: the one walk over typed values.
 *
 * What comes out is a matter of form: `value-data.ts` makes values of JavaScript and throws where there is
 * none, `value-tree.ts` makes a tree to be shown and marks what is missing. `value-write.ts` is the other
 * way.
 *
 * Types come from files. Walks are bounded by the limits of the form in depth and in number, and elements of
 * no bytes, of which an array may have any number, by `MAX_EMPTY`.
 */

import { type ByteOrder, viewOf } from '../../bytes/index.ts';
import {
  type Btf,
  type BtfArray,
  type BtfComposite,
  type BtfEnum,
  type BtfId,
  type BtfInt,
  type BtfMember,
  type BtfType,
  skipModifiers,
} from '../model/index.ts';

/** Types and the byte order of the values in them. */
export interface ValueTypes {
  readonly btf: Btf;
  readonly order: ByteOrder;
}

/** Where a value is: bits from the start of `bytes`, and how many when it is a bit field. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly bitOffset: number;
  /** 0 for ordinary values. */
  readonly bitSize: number;
}

export interface NamedValue<T> {
  /** '' for members without a name that are not structs or unions. */
  readonly name: string;
  readonly value: T;
}

/** What is made of values. */
export interface ValueForm<T> {
  /** How deep values nest; a scalar has depth 0. */
  readonly maxDepth: number;
  /** How many values there may be, with those that contain others. */
  readonly maxValues: number;
  /** `bitSize` is 0 except in bit fields. */
  integer(value: bigint, type: BtfInt, bitSize: number): T;
  enumerator(value: bigint, type: BtfEnum): T;
  float(value: number): T;
  /** A floating point number of neither 4 nor 8 bytes. */
  otherFloat(bytes: Uint8Array): T;
  pointer(value: bigint): T;
  /** An array of `char`, up to its first NUL. */
  text(text: string): T;
  array(items: readonly T[]): T;
  /** Members of anonymous structs and unions are among those of the outer one, as in C. */
  members(members: readonly NamedValue<T>[]): T;
  /** There is no value: the type has none, a limit is reached, or the bytes end. May throw. */
  missing(why: string): T;
}

/** Most elements of no bytes that are made. */
const MAX_EMPTY = 1024;
/** Bytes of the largest integer in C. */
const MAX_INTEGER = 16;

/** Reads the value of type `id` that starts at `bytes[offset]`. */
export function walkValue<T>(
  types: ValueTypes,
  id: BtfId,
  bytes: Uint8Array,
  offset: number,
  form: ValueForm<T>,
): T {
  return new Walk(types, form).value(id, { bytes, bitOffset: offset * 8, bitSize: 0 }, 0);
}

class Walk<T> {
  readonly #types: ValueTypes;
  readonly #form: ValueForm<T>;
  /** Values that may still be made. */
  #left: number;
  /** The last missing value: an array ends with it. */
  #gap: T | undefined;

  constructor(types: ValueTypes, form: ValueForm<T>) {
    this.#types = types;
    this.#form = form;
    this.#left = form.maxValues;
  }

  /** The recursion is bounded by `maxDepth`, whatever the types say. */
  value(id: BtfId, place: Place, depth: number): T {
    const { btf } = this.#types;
    const form = this.#form;
    if (this.#left-- <= 0 || depth > form.maxDepth) return this.#missing(`type ${id} has no value`);
    const resolved = skipModifiers(btf, id);
    if (resolved === 0) return this.#missing(`type ${id} has no value`);
    const type = btf.type(resolved);
    switch (type.kind) {
      case 'int':
        return this.#integer(place, type.size, type.signed, value =>
          form.integer(value, type, place.bitSize),
        );
      case 'enum':
      case 'enum64':
        return this.#integer(place, type.size, type.signed, value => form.enumerator(value, type));
      case 'ptr':
        return this.#integer(place, 8, false, value => form.pointer(value));
      case 'float':
        return this.#float(place, type.size);
      case 'array':
        return this.#array(type, place, depth);
      case 'struct':
      case 'union':
        return form.members(this.#members(type, place, depth));
      case 'var':
        return this.value(type.type, place, depth + 1);
      default:
        return this.#missing(`a ${type.kind} has no value`);
    }
  }

  #missing(why: string): T {
    const gap = this.#form.missing(why);
    this.#gap = gap;
    return gap;
  }

  #integer(place: Place, size: number, signed: boolean, make: (value: bigint) => T): T {
    const bits = place.bitSize === 0 ? size * 8 : place.bitSize;
    const { first, last, shift } = extent(this.#types, place, bits);
    if (last > place.bytes.length || size > MAX_INTEGER) return this.#missing('the bytes end');
    const whole = readBytes(this.#types.order, place.bytes, first, last);
    const value = BigInt.asUintN(bits, whole >> BigInt(shift));
    return make(signed ? BigInt.asIntN(bits, value) : value);
  }

  #float(place: Place, size: number): T {
    const at = Math.floor(place.bitOffset / 8);
    if (at + size > place.bytes.length) return this.#missing('the bytes end');
    const view = viewOf(place.bytes);
    const little = this.#types.order === 'little';
    if (size === 4) return this.#form.float(view.getFloat32(at, little));
    if (size === 8) return this.#form.float(view.getFloat64(at, little));
    return this.#form.otherFloat(place.bytes.subarray(at, at + size));
  }

  #array(type: BtfArray, place: Place, depth: number): T {
    const { btf } = this.#types;
    if (isText(btf, type)) return this.#form.text(readText(place, type.length));
    const size = elementSize(btf, type.element);
    const items: T[] = [];
    for (let index = 0; index < type.length; index++) {
      const countable = size !== undefined && (size > 0 || type.length <= MAX_EMPTY);
      const item = countable
        ? this.value(type.element, { ...place, bitOffset: place.bitOffset + index * size * 8 }, depth + 1)
        : this.#missing(`type ${type.element} has no size`);
      items.push(item);
      if (item === this.#gap) break;
    }
    return this.#form.array(items);
  }

  #members(type: BtfComposite, place: Place, depth: number): NamedValue<T>[] {
    const members: NamedValue<T>[] = [];
    for (const member of type.members) {
      const at = memberPlace(place, member);
      const inner = member.name === '' ? compositeOf(this.#types.btf, member.type) : undefined;
      if (inner !== undefined && this.#left > 0 && depth < this.#form.maxDepth) {
        this.#left--;
        members.push(...this.#members(inner, at, depth + 1));
      } else members.push({ name: member.name, value: this.value(member.type, at, depth + 1) });
      if (this.#left <= 0) break;
    }
    return members;
  }
}

function compositeOf(btf: Btf, id: BtfId): BtfComposite | undefined {
  const resolved = skipModifiers(btf, id);
  const type = resolved === 0 ? undefined : btf.type(resolved);
  return type?.kind === 'struct' || type?.kind === 'union' ? type : undefined;
}

/** Whether values of the type are texts: arrays of `char`. */
export function isText(btf: Btf, type: BtfType): boolean {
  if (type.kind !== 'array') return false;
  const resolved = skipModifiers(btf, type.element);
  const element = resolved === 0 ? undefined : btf.type(resolved);
  return element?.kind === 'int' && element.size === 1 && (element.char || element.name === 'char');
}

function readText(place: Place, length: number): string {
  const start = Math.floor(place.bitOffset / 8);
  const bytes = place.bytes.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Most dimensions of an array. */
const MAX_DIMENSIONS = 64;

/** Bytes of an array's element; undefined where the type has none. */
function elementSize(btf: Btf, id: BtfId): number | undefined {
  let factor = 1;
  let current = id;
  for (let dimension = 0; dimension < MAX_DIMENSIONS; dimension++) {
    const resolved = skipModifiers(btf, current);
    if (resolved === 0) return undefined;
    const type = btf.type(resolved);
    if (type.kind === 'ptr') return factor * 8;
    if (type.kind !== 'array') return 'size' in type ? factor * type.size : undefined;
    factor *= type.length;
    current = type.element;
  }
  return undefined;
}

/** The place of a member in a value at `place`. */
export function memberPlace(place: Place, member: BtfMember): Place {
  return { bytes: place.bytes, bitOffset: place.bitOffset + member.bitOffset, bitSize: member.bitSize };
}

/**
 * The bytes `[first, last)` that hold `bits` bits at a place, and how far the value lies above their low end.
 * Bits are counted from the low end of a byte on little-endian machines, from the high end on others.
 */
export function extent(
  types: ValueTypes,
  place: Place,
  bits: number,
): { readonly first: number; readonly last: number; readonly shift: number } {
  const first = Math.floor(place.bitOffset / 8);
  const last = Math.ceil((place.bitOffset + bits) / 8);
  const skipped = place.bitOffset % 8;
  return { first, last, shift: types.order === 'little' ? skipped : (last - first) * 8 - skipped - bits };
}

/** The bytes `[first, last)` as a number. */
export function readBytes(order: ByteOrder, bytes: Uint8Array, first: number, last: number): bigint {
  let value = 0n;
  for (let step = 0; step < last - first; step++) {
    const at = order === 'little' ? last - 1 - step : first + step;
    value = (value << 8n) | BigInt(bytes[at] ?? 0);
  }
  return value;
}
