/**
 * Values of JavaScript into the bytes of the program's types; every value is checked against its type first.
 */

import { requireRange, viewOf } from '../../bytes/index.ts';
import { inputError, quote, usageError, within } from '../../diag/index.ts';
import { formatType } from '../c/index.ts';
import {
  type BtfArray,
  type BtfEnum,
  type BtfId,
  type BtfMember,
  type BtfType,
  sizeOfType,
  skipModifiers,
} from '../model/index.ts';
import { MAX_DATA_DEPTH } from './data.ts';
import { extent, isText, memberPlace, type Place, readBytes, type ValueTypes } from './walk.ts';

/** Writes a value of type `id` at `bytes[offset]`; members and elements that are not given keep theirs. */
export function encodeValue(
  types: ValueTypes,
  id: BtfId,
  value: unknown,
  bytes: Uint8Array,
  offset = 0,
): void {
  requireRange(bytes.length, offset, sizeOfType(types.btf, id), 'value');
  encodeAt(types, id, { bytes, bitOffset: offset * 8, bitSize: 0 }, value, 0);
}

function encodeAt(types: ValueTypes, id: BtfId, place: Place, value: unknown, depth: number): void {
  const type = resolve(types, id, depth);
  switch (type.kind) {
    case 'int':
      writeInteger(types, place, { ...type, signed: type.bool ? 'bool' : type.signed, id }, toInteger(value));
      return;
    case 'enum':
    case 'enum64':
      writeInteger(types, place, { ...type, id }, enumerator(type, value) ?? toInteger(value));
      return;
    case 'ptr':
      writeInteger(types, place, { size: 8, signed: false, id }, toInteger(value));
      return;
    case 'float':
      encodeFloat(types, place, type.size, value);
      return;
    case 'array':
      if (isText(types.btf, type) && typeof value === 'string') encodeTextAt(place, type.length, value);
      else encodeArray(types, type, place, value, depth);
      return;
    case 'struct':
    case 'union':
      encodeMembers(types, type.members, place, value, depth);
      return;
    default:
      throw inputError('value-type', [], `a ${type.kind} has no value`);
  }
}

/** What a value of the type is, behind modifiers and variables; depth is bounded as in reading. */
function resolve(types: ValueTypes, id: BtfId, depth: number): BtfType {
  const skipped = skipModifiers(types.btf, id);
  if (skipped === 0 || depth > MAX_DATA_DEPTH) throw inputError('value-type', [], `type ${id} has no value`);
  const type = types.btf.type(skipped);
  return type.kind === 'var' ? resolve(types, type.type, depth + 1) : type;
}

function valueError(message: string) {
  return usageError('value-mismatch', message);
}

function toInteger(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw valueError(`a whole number is needed, not ${describe(value)}`);
}

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'object' ? 'an object' : String(value);
}

function enumerator(type: BtfEnum, value: unknown): bigint | undefined {
  if (typeof value !== 'string') return undefined;
  const found = type.values.find(({ name }) => name === value);
  if (found !== undefined) return found.value;
  const names = type.values.map(({ name }) => name).join(', ');
  throw valueError(`${quote(value)} is not one of ${names === '' ? 'no names at all' : names}`);
}

interface Integer {
  readonly size: number;
  readonly signed: boolean | 'bool';
  /** The type as it is declared, for messages. */
  readonly id: BtfId;
}

function writeInteger(types: ValueTypes, place: Place, integer: Integer, value: bigint): void {
  const bits = place.bitSize === 0 ? integer.size * 8 : place.bitSize;
  requireFit(types, place, integer, bits, value);
  const { first, last, shift } = extent(types, place, bits);
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  const others = readBytes(types.order, place.bytes, first, last) & ~mask;
  let rest = others | (BigInt.asUintN(bits, value) << BigInt(shift));
  for (let step = 0; step < last - first; step++) {
    const at = types.order === 'little' ? first + step : last - 1 - step;
    place.bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

function requireFit(
  types: ValueTypes,
  place: Place,
  { signed, id }: Integer,
  bits: number,
  value: bigint,
): void {
  const low = signed === true ? -(1n << BigInt(bits - 1)) : 0n;
  const high = signed === 'bool' ? 1n : (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (value >= low && value <= high) return;
  const field = place.bitSize === 0 ? '' : `:${bits}`;
  throw valueError(`${value} does not fit ${declaredName(types, id)}${field} (${low} to ${high})`);
}

/** `__u8`; of a variable its type. */
function declaredName({ btf }: ValueTypes, id: BtfId): string {
  const type = btf.type(id);
  return formatType(btf, type.kind === 'var' ? type.type : id);
}

function encodeFloat(types: ValueTypes, place: Place, size: number, value: unknown): void {
  if (typeof value !== 'number') throw valueError(`a number is needed, not ${describe(value)}`);
  const view = viewOf(place.bytes);
  const little = types.order === 'little';
  if (size === 4) view.setFloat32(place.bitOffset / 8, value, little);
  else if (size === 8) view.setFloat64(place.bitOffset / 8, value, little);
  else throw inputError('value-type', [], `floating point numbers of ${size} bytes are not known`);
}

/** A text with its NUL; the rest of the array is cleared. */
function encodeTextAt(place: Place, length: number, value: string): void {
  const content = new TextEncoder().encode(value);
  if (content.length >= length) {
    throw valueError(`${quote(value)} has ${content.length} bytes; ${length - 1} and a NUL fit`);
  }
  const start = place.bitOffset / 8;
  place.bytes.fill(0, start, start + length);
  place.bytes.set(content, start);
}

function encodeArray(types: ValueTypes, type: BtfArray, place: Place, value: unknown, depth: number): void {
  if (!isList(value)) throw valueError(`an array is needed, not ${describe(value)}`);
  if (value.length > type.length) throw valueError(`${value.length} elements are given; ${type.length} fit`);
  const size = sizeOfType(types.btf, type.element);
  value.forEach((element: unknown, index) => {
    const at = { ...place, bitOffset: place.bitOffset + index * size * 8 };
    within(`element ${index}`, () => encodeAt(types, type.element, at, element, depth + 1));
  });
}

/** Arrays and typed arrays. */
function isList(
  value: unknown,
): value is ArrayLike<unknown> & { forEach(callback: (element: unknown, index: number) => void): void } {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function encodeMembers(
  types: ValueTypes,
  members: readonly BtfMember[],
  place: Place,
  value: unknown,
  depth: number,
): void {
  if (typeof value !== 'object' || value === null || isList(value)) {
    throw valueError(`an object with members is needed, not ${describe(value)}`);
  }
  const named = namedMembers(types, members, place, depth);
  for (const [name, given] of Object.entries(value)) {
    const member = named.get(name);
    if (member === undefined) {
      throw valueError(`there is no member ${quote(name)}; there is ${[...named.keys()].join(', ')}`);
    }
    within(`member ${quote(name)}`, () => encodeAt(types, member.type, member.place, given, depth + 1));
  }
}

function namedMembers(types: ValueTypes, members: readonly BtfMember[], place: Place, depth: number) {
  const named = new Map<string, { readonly type: BtfId; readonly place: Place }>();
  for (const member of members) {
    const at = memberPlace(place, member);
    if (member.name !== '') {
      named.set(member.name, { type: member.type, place: at });
      continue;
    }
    const inner = resolve(types, member.type, depth);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    for (const [name, found] of namedMembers(types, inner.members, at, depth + 1)) named.set(name, found);
  }
  return named;
}
