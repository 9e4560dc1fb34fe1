/**
 * Object files in records, parsed once: a record is read again whenever an entry is looked up, and its bytes
 * are new each time, but nearly always those of the last time. They were accepted when they were loaded, within the
 * limits of that time, so that none applies now.
 *
 * Objects are held weakly. What a command works with stays; a process that keeps a store open for long keeps
 * nothing.
 */

import { WIDEST_LIMITS } from '../diag/index.ts';
import { InputObject, type ObjectFile } from '../object/index.ts';

export class StoredObjects {
  readonly #known = new Map<string, WeakRef<InputObject>>();

  /** The file as it was handed out before under `key`, where it still has this name, path and contents. */
  of(key: string, file: ObjectFile): InputObject {
    const known = this.#known.get(key)?.deref();
    if (known !== undefined && isSame(known, file)) return known;
    const input = new InputObject(file, undefined, WIDEST_LIMITS);
    this.#known.set(key, new WeakRef(input));
    return input;
  }
}

function isSame(a: ObjectFile, b: ObjectFile): boolean {
  return a.name === b.name && a.path === b.path && Buffer.compare(a.bytes, b.bytes) === 0;
}
