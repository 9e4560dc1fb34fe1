/**
 * The lock of a store: one at a time among processes, any number of times within one.
 *
 * Work under it is short, so that a busy lock is waited for a while before it is an error.
 */

import { RootletError } from '../diag/index.ts';
import { FileLock } from '../kernel/lock.ts';
import type { Sys } from '../kernel/sys.ts';

const held = new Map<string, { readonly lock: FileLock; depth: number }>();

const PAUSE_MS = 20;
const bell = new Int32Array(new SharedArrayBuffer(4));

/** Runs `body` under the lock of `folder`. After `patience` milliseconds of waiting it throws `kernel-lock-busy`. */
export function underLock<T>(sys: Sys, folder: string, patience: number, body: () => T): T {
  const mine = held.get(folder) ?? { lock: takePatiently(sys, folder, patience), depth: 0 };
  held.set(folder, mine);
  mine.depth++;
  try {
    return body();
  } finally {
    mine.depth--;
    if (mine.depth === 0) {
      held.delete(folder);
      mine.lock.close();
    }
  }
}

function takePatiently(sys: Sys, folder: string, patience: number): FileLock {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return FileLock.take(sys, folder);
    } catch (error) {
      const busy = error instanceof RootletError && error.code === 'kernel-lock-busy';
      if (!busy || waited >= patience) throw error;
      Atomics.wait(bell, 0, 0, PAUSE_MS);
    }
  }
}
