/**
 * Values of the program's types as values of JavaScript; `btf-value-write.ts` is the other way.
 *
 * Integers up to 4 bytes are numbers and wider ones bigints (both are taken when writing, range checked); `_Bool` is
 * boolean, arrays of `char` are texts, structs and unions objects with their members, enumerations numbers (their
 * names are taken as well), pointers bigints. Bit fields are ordinary members. Walks are bounded: types come from
 * files, though BTF cannot contain itself.
 */

import {
  type Btf,
  type BtfArray,
  type BtfId,
  type BtfMember,
  type BtfType,
  sizeOfType,
  skipModifiers,
} from '../../btf/index.ts';
import { type ByteOrder, requireRange, viewOf } from '../../bytes/index.ts';
import { inputError } from '../../diag/index.ts';

/**
 * A value of a C type: numbers (bigint for 64 bits), booleans, enumerators by name or number, text for arrays of char,
 * arrays, and structures by member.
 */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | null
  | readonly BtfValue[]
  | { readonly [member: string]: BtfValue };

/** Where a value lies: bits from the start of `bytes`, and how many when it is a bit field. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly bitOffset: number;
  /** 0 for ordinary values. */
  readonly bitSize: number;
}

/** Types and the byte order of the values in them. */
export interface ValueTypes {
  readonly btf: Btf;
  readonly order: ByteOrder;
}

/** The value of type `id` that starts at `bytes[offset]`. */
export function decodeValue(types: ValueTypes, id: BtfId, bytes: Uint8Array, offset = 0): BtfValue {
  requireRange(bytes.length, offset, sizeOfType(types.btf, id), 'value');
  return decodeAt(types, id, { bytes, bitOffset: offset * 8, bitSize: 0 }, 0);
}

const MAX_DEPTH = 64;

export function resolve(types: ValueTypes, id: BtfId, depth: number): BtfType {
  const skipped = skipModifiers(types.btf, id);
  if (skipped === 0 || depth > MAX_DEPTH) throw inputError('value-type', [], `type ${id} has no value`);
  const type = types.btf.type(skipped);
  return type.kind === 'var' ? resolve(types, type.type, depth + 1) : type;
}

export function isText(types: ValueTypes, type: BtfType): boolean {
  if (type.kind !== 'array') return false;
  const element = resolve(types, type.element, 0);
  return element.kind === 'int' && element.size === 1 && (element.char || element.name === 'char');
}

function decodeAt(types: ValueTypes, id: BtfId, place: Place, depth: number): BtfValue {
  const type = resolve(types, id, depth);
  switch (type.kind) {
    case 'int': {
      const number = readInteger(types, place, type.size, type.signed);
      return type.bool ? number !== 0n : narrow(number, type.size);
    }
    case 'enum':
    case 'enum64':
      return narrow(readInteger(types, place, type.size, type.signed), type.size);
    case 'ptr':
      return readInteger(types, place, 8, false);
    case 'float':
      return decodeFloat(types, place, type.size);
    case 'array':
      return isText(types, type) ? decodeText(place, type.length) : decodeArray(types, type, place, depth);
    case 'struct':
    case 'union':
      return decodeMembers(types, type.members, place, depth);
    default:
      throw inputError('value-type', [], `a ${type.kind} has no value`);
  }
}

function narrow(value: bigint, size: number): number | bigint {
  return size <= 4 ? Number(value) : value;
}

function readInteger(types: ValueTypes, place: Place, size: number, signed: boolean): bigint {
  const bits = place.bitSize === 0 ? size * 8 : place.bitSize;
  const { first, last, shift } = extent(types, place, bits);
  const whole = readBytes(types, place.bytes, first, last);
  const value = BigInt.asUintN(bits, whole >> BigInt(shift));
  return signed ? BigInt.asIntN(bits, value) : value;
}

/**
 * The bytes `[first, last)` that hold `bits` bits at a place, and how far the value lies above their low end. Bits are
 * counted from the low end of a byte on little-endian machines, from the high end on others.
 */
export function extent(types: ValueTypes, place: Place, bits: number) {
  const first = Math.floor(place.bitOffset / 8);
  const last = Math.ceil((place.bitOffset + bits) / 8);
  const skipped = place.bitOffset % 8;
  return { first, last, shift: types.order === 'little' ? skipped : (last - first) * 8 - skipped - bits };
}

export function readBytes(types: ValueTypes, bytes: Uint8Array, first: number, last: number): bigint {
  let value = 0n;
  for (let step = 0; step < last - first; step++) {
    const at = types.order === 'little' ? last - 1 - step : first + step;
    value = (value << 8n) | BigInt(bytes[at] ?? 0);
  }
  return value;
}

function decodeFloat(types: ValueTypes, place: Place, size: number): number {
  const view = viewOf(place.bytes);
  const little = types.order === 'little';
  if (size === 4) return view.getFloat32(place.bitOffset / 8, little);
  if (size === 8) return view.getFloat64(place.bitOffset / 8, little);
  throw inputError('value-type', [], `floating point numbers of ${size} bytes are not known`);
}

function decodeText(place: Place, length: number): string {
  const start = place.bitOffset / 8;
  const bytes = place.bytes.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? length : end));
}

function decodeArray(types: ValueTypes, type: BtfArray, place: Place, depth: number): BtfValue[] {
  const size = sizeOfType(types.btf, type.element);
  return Array.from({ length: type.length }, (_, index) =>
    decodeAt(types, type.element, { ...place, bitOffset: place.bitOffset + index * size * 8 }, depth + 1),
  );
}

/** Members of unnamed structs and unions are members of the outer one, as in C. */
function decodeMembers(
  types: ValueTypes,
  members: readonly BtfMember[],
  place: Place,
  depth: number,
): { readonly [member: string]: BtfValue } {
  const result: { [member: string]: BtfValue } = Object.create(null); // no inherited names among members
  for (const member of members) {
    const value = decodeAt(types, member.type, memberPlace(place, member), depth + 1);
    if (member.name !== '') result[member.name] = value;
    else if (typeof value === 'object' && value !== null) Object.assign(result, value);
  }
  return result;
}

export function memberPlace(place: Place, member: BtfMember): Place {
  return { bytes: place.bytes, bitOffset: place.bitOffset + member.bitOffset, bitSize: member.bitSize };
}
