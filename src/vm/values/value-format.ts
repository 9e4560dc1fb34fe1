/**
 * Bytes read through their BTF type: as a tree, as text for people, and as JSON.
 *
 * For the contents of maps, of the machine's as of the kernel's. Types come from files: how deep they nest and how
 * much they expand to is limited here, and what is cut off says so.
 */

import {
  type Btf,
  type BtfArray,
  type BtfComposite,
  type BtfId,
  type BtfMember,
  skipModifiers,
} from '../../btf/index.ts';
import { type ByteOrder, viewOf } from '../../bytes/index.ts';
import { printable } from '../../diag/index.ts';

export type DecodedValue =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'float'; readonly value: number }
  /** `name` is null for a value that no enumerator has. */
  | { readonly kind: 'enum'; readonly value: bigint; readonly name: string | null }
  /** An array of char, up to its first NUL. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pointer'; readonly value: bigint }
  | { readonly kind: 'array'; readonly items: readonly DecodedValue[] }
  | { readonly kind: 'fields'; readonly fields: readonly DecodedField[] }
  /** Bytes without a known type. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** More than the limits allow, or than there are bytes. */
  | { readonly kind: 'cut' };

export interface DecodedField {
  readonly name: string;
  readonly value: DecodedValue;
}

const MAX_DEPTH = 32;
const MAX_NODES = 20_000;

interface Reader {
  readonly btf: Btf;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly little: boolean;
  /** Values that may still be made. */
  left: number;
}

/** Reads `bytes` as a value of the type; 0 or a type without a size gives the bytes as they are. */
export function decodeValue(
  btf: Btf | null,
  type: BtfId,
  bytes: Uint8Array,
  byteOrder: ByteOrder,
): DecodedValue {
  if (btf === null || type === 0) return decodePlain(bytes, byteOrder);
  const reader = { btf, bytes, view: viewOf(bytes), little: byteOrder === 'little', left: MAX_NODES };
  return decodeAt(reader, type, 0, 0);
}

/** Without a type: a number where the size is one's, else the bytes. */
function decodePlain(bytes: Uint8Array, byteOrder: ByteOrder): DecodedValue {
  if (![1, 2, 4, 8].includes(bytes.length)) return { kind: 'bytes', bytes };
  return { kind: 'int', value: readBits(viewOf(bytes), 0, bytes.length, byteOrder === 'little') };
}

/** The recursion is bounded by `MAX_DEPTH`, whatever the types say. */
function decodeAt(reader: Reader, id: BtfId, offset: number, depth: number): DecodedValue {
  if (reader.left-- <= 0 || depth > MAX_DEPTH) return { kind: 'cut' };
  const resolved = skipModifiers(reader.btf, id);
  if (resolved === 0) return { kind: 'cut' };
  const type = reader.btf.type(resolved);
  switch (type.kind) {
    case 'int':
      return decodeInt(reader, offset, type);
    case 'enum':
    case 'enum64': {
      const value = readSized(reader, offset, type.size, type.signed);
      if (value === undefined) return { kind: 'cut' };
      const found = type.values.find(candidate => candidate.value === value);
      return { kind: 'enum', value, name: found?.name ?? null };
    }
    case 'float':
      return decodeFloat(reader, offset, type.size);
    case 'ptr': {
      const value = readSized(reader, offset, 8, false);
      return value === undefined ? { kind: 'cut' } : { kind: 'pointer', value };
    }
    case 'array':
      return decodeArray(reader, type, offset, depth);
    case 'struct':
    case 'union':
      return { kind: 'fields', fields: decodeMembers(reader, type, offset, depth) };
    case 'var':
      return decodeAt(reader, type.type, offset, depth + 1);
    default:
      return { kind: 'cut' };
  }
}

function decodeInt(
  reader: Reader,
  offset: number,
  type: { readonly size: number; readonly signed: boolean; readonly bool: boolean },
): DecodedValue {
  const value = readSized(reader, offset, type.size, type.signed);
  if (value === undefined) return { kind: 'cut' };
  if (type.bool && (value === 0n || value === 1n)) return { kind: 'bool', value: value === 1n };
  return { kind: 'int', value };
}

function decodeFloat(reader: Reader, offset: number, size: number): DecodedValue {
  if (offset + size > reader.bytes.length) return { kind: 'cut' };
  if (size === 4) return { kind: 'float', value: reader.view.getFloat32(offset, reader.little) };
  if (size === 8) return { kind: 'float', value: reader.view.getFloat64(offset, reader.little) };
  return { kind: 'bytes', bytes: reader.bytes.subarray(offset, offset + size) };
}

function readSized(reader: Reader, offset: number, size: number, signed: boolean): bigint | undefined {
  if (offset < 0 || offset + size > reader.bytes.length || size > 16) return undefined;
  const value = readBits(reader.view, offset, size, reader.little);
  return signed ? BigInt.asIntN(size * 8, value) : value;
}

function readBits(view: DataView, offset: number, size: number, little: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) {
    value = (value << 8n) | BigInt(view.getUint8(little ? offset + size - 1 - i : offset + i));
  }
  return value;
}

function decodeArray(reader: Reader, type: BtfArray, offset: number, depth: number): DecodedValue {
  const { btf } = reader;
  const element = skipModifiers(btf, type.element);
  const kind = element === 0 ? undefined : btf.type(element);
  if (kind?.kind === 'int' && kind.size === 1 && (kind.char || kind.name === 'char')) {
    return { kind: 'text', text: readText(reader.bytes.subarray(offset, offset + type.length)) };
  }
  const items: DecodedValue[] = [];
  const size = elementSize(btf, element);
  for (let index = 0; index < type.length; index++) {
    const item: DecodedValue =
      size === undefined ? { kind: 'cut' } : decodeAt(reader, element, offset + index * size, depth + 1);
    items.push(item);
    if (item.kind === 'cut') break;
  }
  return { kind: 'array', items };
}

/** Bytes of an array's element; undefined where the type has no size, or one of 0, which an array cannot count by. */
function elementSize(btf: Btf, id: BtfId): number | undefined {
  let factor = 1;
  let current = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (current === 0) return undefined;
    const type = btf.type(skipModifiers(btf, current));
    if (type.kind === 'ptr') return factor * 8;
    if (type.kind !== 'array') return 'size' in type && type.size > 0 ? factor * type.size : undefined;
    factor *= type.length;
    current = type.element;
  }
  return undefined;
}

function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Members of anonymous structs and unions count as the outer one's. */
function decodeMembers(reader: Reader, type: BtfComposite, offset: number, depth: number): DecodedField[] {
  const fields: DecodedField[] = [];
  for (const member of type.members) {
    const value = decodeMember(reader, member, offset, depth);
    if (member.name === '' && value.kind === 'fields') fields.push(...value.fields);
    else fields.push({ name: member.name, value });
    if (reader.left <= 0) break;
  }
  return fields;
}

function decodeMember(reader: Reader, member: BtfMember, offset: number, depth: number): DecodedValue {
  const start = offset + Math.floor(member.bitOffset / 8);
  if (member.bitSize === 0) return decodeAt(reader, member.type, start, depth + 1);
  return decodeBitField(reader, member, offset * 8 + member.bitOffset);
}

/** Bits count from the least significant one in little endian, from the most significant one in big endian. */
function decodeBitField(reader: Reader, member: BtfMember, firstBit: number): DecodedValue {
  const start = Math.floor(firstBit / 8);
  const end = Math.ceil((firstBit + member.bitSize) / 8);
  if (reader.left-- <= 0 || end > reader.bytes.length) return { kind: 'cut' };
  const raw = readBits(reader.view, start, end - start, reader.little);
  const inFront = firstBit - start * 8;
  const shift = reader.little ? inFront : (end - start) * 8 - inFront - member.bitSize;
  const bits = BigInt.asUintN(member.bitSize, raw >> BigInt(shift));
  const type = reader.btf.type(skipModifiers(reader.btf, member.type));
  const value = 'signed' in type && type.signed ? BigInt.asIntN(member.bitSize, bits) : bits;
  if (type.kind !== 'enum' && type.kind !== 'enum64') return { kind: 'int', value };
  return { kind: 'enum', value, name: type.values.find(item => item.value === value)?.name ?? null };
}

/** One line, as a C programmer would write it: `{hits: 3, state: OPEN, name: "eth0"}`. */
export function valueText(value: DecodedValue): string {
  switch (value.kind) {
    case 'int':
      return value.value.toString();
    case 'bool':
    case 'float':
      return String(value.value);
    case 'enum':
      return value.name === null ? value.value.toString() : printable(value.name);
    case 'text':
      return JSON.stringify(value.text);
    case 'pointer':
      return value.value === 0n ? 'NULL' : `0x${value.value.toString(16)}`;
    case 'array':
      return `[${arrayTexts(value.items).join(', ')}]`;
    case 'fields':
      return `{${value.fields.map(field => `${printable(field.name)}: ${valueText(field.value)}`).join(', ')}}`;
    case 'bytes':
      return hexText(value.bytes);
    case 'cut':
      return '…';
  }
}

/** Equal neighbours are written once, with their number, when there are many. */
function arrayTexts(items: readonly DecodedValue[]): string[] {
  const texts: string[] = [];
  let last = '';
  let count = 0;
  const flush = () => {
    if (count > 4) texts.push(`${last} × ${count}`);
    else for (let i = 0; i < count; i++) texts.push(last);
  };
  for (const item of items) {
    const text = valueText(item);
    if (text === last && count > 0) count++;
    else {
      flush();
      last = text;
      count = 1;
    }
  }
  flush();
  return texts;
}

export function hexText(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * As JSON: enumerators by name, integers and pointers as numbers where a double holds them and as decimal text where
 * not, bytes as hexadecimal text, what was cut off as null.
 */
export function valueJson(value: DecodedValue): JsonValue {
  switch (value.kind) {
    case 'int':
    case 'pointer':
      return integerJson(value.value);
    case 'enum':
      return value.name ?? integerJson(value.value);
    case 'bool':
      return value.value;
    case 'float':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'text':
      return value.text;
    case 'array':
      return value.items.map(valueJson);
    case 'fields':
      return Object.fromEntries(value.fields.map(field => [field.name, valueJson(field.value)]));
    case 'bytes':
      return hexText(value.bytes);
    case 'cut':
      return null;
  }
}

function integerJson(value: bigint): number | string {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();
}
