/**
 * Names as file names of a bpf file system, which allows no dots, and back. Separate because records,
 * directories and pins all use them.
 */

import { encodeText } from '../bytes/index.ts';
import { quote, usageError } from '../diag/index.ts';

/** Longest key of an entry: a prefix of five characters and it must stay a file name. */
const MAX_KEY = 200;

/**
 * `name` with every byte (of UTF-8) outside `[A-Za-z0-9_-]` as `%xx`. Different names have different keys.
 */
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

/** The name that `key` was made of; undefined when it is not a key. */
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

const CUT = MAX_KEY - 10;
const KEY = /^(?:[A-Za-z0-9_-]|%[0-9a-f]{2})+$/;
/** The cut may go through a `%xx`. No key ends like this: "n" is not a hexadecimal digit. */
const CUT_KEY = /^(?:[A-Za-z0-9_-]|%[0-9a-f]{2})+(?:%[0-9a-f]?)?%n\d+$/;

/** The key of a name as a file name. Long names (C++ has them) are cut and numbered. */
function fileKey(name: string, index: number): string {
  const key = keyOf(name);
  return key.length <= MAX_KEY ? key : `${key.slice(0, CUT)}%n${index}`;
}

/**
 * File names of distinct `names`, in their order. Only names that are cut at the same place depend on each
 * other.
 */
export function fileKeys(names: Iterable<string>): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const keys = new Map<string, string>();
  for (const name of new Set(names)) {
    let index = 0;
    while (taken.has(fileKey(name, index))) index++;
    keys.set(name, fileKey(name, index));
    taken.add(fileKey(name, index));
  }
  return keys;
}

/** Whether `fileKey` makes `text` of some name. */
export function isFileKey(text: string): boolean {
  return text.length <= MAX_KEY && (KEY.test(text) || CUT_KEY.test(text));
}

/** Whether `fileKey` makes `text` of `name`. */
export function isFileKeyOf(text: string, name: string): boolean {
  const key = keyOf(name);
  if (key.length <= MAX_KEY) return key !== '' && text === key;
  return CUT_KEY.test(text) && text.startsWith(`${key.slice(0, CUT)}%n`);
}

export type PinPrefix = 'prog' | 'map' | 'link';

/** File name of a pin within a generation. */
export function pinName(prefix: PinPrefix, name: string, index: number): string {
  return `${prefix}_${fileKey(name, index)}`;
}

/** Whether a file of a generation has the name of a pin. */
export function isPinName(text: string): boolean {
  const prefix = ['prog_', 'map_', 'link_'].find(candidate => text.startsWith(candidate));
  return prefix !== undefined && isFileKey(text.slice(prefix.length));
}

/** Whether it is the pin of that name. */
export function isPinOf(text: string, prefix: PinPrefix, name: string): boolean {
  return text.startsWith(`${prefix}_`) && isFileKeyOf(text.slice(prefix.length + 1), name);
}

/** Directory of the pins of components within a generation. */
export const COMPONENTS = 'components';
export const PREVIOUS = 'previous';
export const MAPS = 'maps';

/** Where a map is pinned: in a directory of its component, which is the same in every generation. */
export interface MapPlace {
  readonly component: string;
  /** Its name in the component. */
  readonly map: string;
  /** Whether it belongs to an outgoing version of the component. */
  readonly previous?: boolean;
}

/** Path of a component's map within a generation, by the file names of both. */
export function mapPin(componentKey: string, mapKey: string, previous: boolean): string {
  return [COMPONENTS, componentKey, ...(previous ? [PREVIOUS] : []), MAPS, mapKey].join('/');
}

/** Whether `pin` is one that `mapPin` makes for that place. */
export function isMapPin(pin: string, place: MapPlace): boolean {
  const parts = pin.split('/');
  const [component = '', map = ''] = [parts[1], parts.at(-1)];
  return (
    isFileKeyOf(component, place.component) &&
    isFileKeyOf(map, place.map) &&
    pin === mapPin(component, map, place.previous ?? false)
  );
}
