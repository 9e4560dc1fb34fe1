/**
 * Names as file names of a bpf file system, which knows no dots, and back. Apart because records, folders and pins all
 * use them.
 */

import { encodeText } from '../bytes/index.ts';
import { quote, usageError } from '../diag/index.ts';

/** Longest key of an entry: a prefix of five characters and it must stay a file name. */
const MAX_KEY = 200;

/** `name` with every byte (of UTF-8) outside `[A-Za-z0-9_-]` as `%xx`. Different names have different keys. */
export function keyOf(name: string): string {
  let key = '';
  for (const byte of encodeText(name)) {
    key += isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return key;
}

function isPlain(byte: number): boolean {
  const digit = byte >= 0x30 && byte <= 0x39;
  const upper = byte >= 0x41 && byte <= 0x5a;
  const lower = byte >= 0x61 && byte <= 0x7a;
  return digit || upper || lower || byte === 0x5f || byte === 0x2d;
}

/** The name that `key` was made of; undefined when it is no key. */
export function nameOfKey(key: string): string | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < key.length; at++) {
    if (key[at] !== '%') {
      bytes.push(key.charCodeAt(at) % 256);
      continue;
    }
    bytes.push(Number.parseInt(key.slice(at + 1, at + 3), 16) || 0);
    at += 2;
  }
  const name = new TextDecoder().decode(Uint8Array.from(bytes));
  return name !== '' && keyOf(name) === key ? name : undefined;
}

/** Key of an entry. Throws `store-name` for names that cannot be one. */
export function entryKey(name: string): string {
  const key = keyOf(name);
  if (key === '') throw usageError('store-name', 'a name has at least one character');
  if (key.length > MAX_KEY) {
    throw usageError('store-name', `the name ${quote(`${name.slice(0, 40)}…`)} is too long`, {
      hint: `at most ${MAX_KEY} characters; those other than letters, digits, "_" and "-" count three each`,
    });
  }
  return key;
}

/** File name of a pin within a generation. Long names (C++ has them) are cut and numbered. */
export function pinName(prefix: 'prog' | 'map' | 'link', name: string, index: number): string {
  const key = keyOf(name);
  return key.length <= MAX_KEY ? `${prefix}_${key}` : `${prefix}_${key.slice(0, MAX_KEY - 10)}%n${index}`;
}
