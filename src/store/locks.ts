/**
 * The lock of a store: one at a time among processes, any number of times within one.
 *
 * Work under it is short: a busy lock is waited for before it is an error.
 */

import { RootletError } from '../diag/index.ts';
import { FileLock, type Sys } from '../kernel/index.ts';
import type { Directory } from './directory.ts';

/** By identity of the directory. */
const held = new Map<string, { readonly lock: FileLock; depth: number }>();

const PAUSE_MS = 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `body` under the lock of a directory. After `timeout` milliseconds of waiting it throws
 * `kernel-lock-busy`.
 */
export function underLock<T>(sys: Sys, directory: Directory, timeout: number, body: () => T): T {
  const { identity } = directory;
  const mine = held.get(identity) ?? { lock: takeWithin(sys, directory, timeout), depth: 0 };
  held.set(identity, mine);
  mine.depth++;
  try {
    return body();
  } finally {
    mine.depth--;
    if (mine.depth === 0) {
      held.delete(identity);
      mine.lock.close();
    }
  }
}

function takeWithin(sys: Sys, directory: Directory, timeout: number): FileLock {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return FileLock.take(sys, directory.at(), { shown: directory.path });
    } catch (error) {
      const busy = error instanceof RootletError && error.code === 'kernel-lock-busy';
      if (!busy || waited >= timeout) throw error;
      Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
  }
}
