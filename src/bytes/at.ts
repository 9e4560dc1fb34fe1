/**
 * Checked indexing: an element, or an internal error that names the index and the length.
 *
 * An index that the code computes itself cannot be out of range unless an invariant is broken. A default in its place
 * would turn that into type 0, symbol -1 or the file ''. What a file says is checked by its reader, with an error about
 * the file, before it is used as an index. A default stays where it is the meaning: an option that was not given, a
 * name that was never counted.
 *
 * There is one function for each kind of array that inner loops read, because the engine makes fast code only for a
 * function that sees one kind.
 */

import { RootletError } from '../diag/index.ts';

interface Sized {
  readonly length: number;
}

/** Element `index` of a list that has it. Throws `bug-index` otherwise. */
export function elementAt<T extends NonNullable<unknown> | null>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) noElement(list, index);
  return element;
}

/** The same for bytes, in inner loops. */
export function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) noElement(bytes, index);
  return byte;
}

/** The same for words without a sign, in inner loops. */
export function wordAt(words: Uint32Array, index: number): number {
  const word = words[index];
  if (word === undefined) noElement(words, index);
  return word;
}

/** The same for numbers with a sign, in inner loops. */
export function int32At(numbers: Int32Array, index: number): number {
  const number = numbers[index];
  if (number === undefined) noElement(numbers, index);
  return number;
}

/** What a map has for a key that is in it. Throws `bug-index` otherwise. */
export function valueAt<K, V extends NonNullable<unknown> | null>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw indexError(`no entry ${nameOf(key)} among ${map.size}`);
  return value;
}

/** For `list[index] ?? noElement(list, index)`, where an inner loop reads an array of objects. Throws `bug-index`. */
export function noElement(list: Sized, index: number): never {
  throw indexError(`no element ${index} among ${list.length}`);
}

function indexError(message: string): RootletError {
  return new RootletError([{ code: 'bug-index', class: 'bug', where: [], message }]);
}

function nameOf(key: unknown): string {
  return typeof key === 'number' || typeof key === 'string' ? JSON.stringify(key) : 'of that key';
}
