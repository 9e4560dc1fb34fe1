/**
 * Checked indexing: an element, or an internal error that names the index and the length.
 *
 * An index that the code computes itself cannot be out of range unless an invariant is broken. A default in
 * its place would turn that into type 0, symbol -1 or the file ''. What a file says is checked by its reader,
 * with an error about the file, before it is used as an index. A default stays where it is the meaning: an
 * option that was not given, a name that was never counted.
 *
 * Inner loops write `list[index] ?? noElement(list, index)` instead: a call of `elementAt`, which sees every
 * kind of array, made the hash tables of the machine 8 % slower; this form costs nothing.
 */

import { problem, RootletError } from '../diag/index.ts';

interface Sized {
  readonly length: number;
}

/** Element `index` of a list that has it. Throws `bug-index` otherwise. */
export function elementAt<T extends NonNullable<unknown> | null>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) noElement(list, index);
  return element;
}

/** What a map has for a key that is in it. Throws `bug-index` otherwise. */
export function valueAt<K, V extends NonNullable<unknown> | null>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw indexError(`no entry ${nameOf(key)} among ${map.size}`);
  return value;
}

/** Right side of `list[index] ?? noElement(list, index)`, for inner loops. Throws `bug-index`. */
export function noElement(list: Sized, index: number): never {
  throw indexError(`no element ${index} among ${list.length}`);
}

function indexError(message: string): RootletError {
  return new RootletError([problem('bug-index', [], message)]);
}

function nameOf(key: unknown): string {
  return typeof key === 'number' || typeof key === 'string' ? JSON.stringify(key) : 'of that key';
}
