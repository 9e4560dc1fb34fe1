/** Decoded values as text and as JSON. */

import { printable } from '../../diag/index.ts';
import type { DecodedValue } from './tree.ts';

/**
 * One line, as an initialiser of C: `{.hits = 3, .state = OPEN, .name = "eth0"}`, `{1, 2, [2 ... 9] = 0}`.
 * `parseLiteral` reads it.
 */
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
      return `{${arrayTexts(value.items).join(', ')}}`;
    case 'fields':
      return `{${value.fields.map(field => `.${printable(field.name)} = ${valueText(field.value)}`).join(', ')}}`;
    case 'bytes':
      return `hex:${hexText(value.bytes)}`;
    case 'cut':
      return '…';
  }
}

/** More equal neighbours than these are written once, with their range. */
const MAX_REPEATED = 4;

function arrayTexts(items: readonly DecodedValue[]): string[] {
  const texts: string[] = [];
  for (const { first, last, text } of runsOf(items.map(valueText))) {
    if (last - first >= MAX_REPEATED) texts.push(`[${first} ... ${last}] = ${text}`);
    else for (let at = first; at <= last; at++) texts.push(text);
  }
  return texts;
}

/** Equal neighbours: the first and last index of each run. */
export function runsOf(texts: readonly string[]): { first: number; last: number; text: string }[] {
  const runs: { first: number; last: number; text: string }[] = [];
  for (const [at, text] of texts.entries()) {
    const run = runs.at(-1);
    if (run?.text === text) run.last = at;
    else runs.push({ first: at, last: at, text });
  }
  return runs;
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
