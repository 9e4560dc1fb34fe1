/** Decoded values as text for people, and as JSON. */

import { printable } from '../../diag/index.ts';
import type { DecodedValue } from './tree.ts';

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
 * As JSON: enumerators by name, integers and pointers as numbers where a double holds them and as decimal
 * text where not, bytes as hexadecimal text, what was cut off as null.
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
