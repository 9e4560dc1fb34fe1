/** flock(2) on a file or directory: released by the kernel when the process ends, for any reason. */

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { problem, quote, RootletError } from '../../diag/index.ts';
import { EAGAIN, EINTR } from '../../uapi/index.ts';
import { errnoOf, syscallError } from './errno.ts';
import { type LockHolder, lockHolders } from './lock-holders.ts';
import type { Sys } from './sys.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

export class FileLock {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Locks `path`, which must exist. Throws `kernel-lock-busy` (class `busy`) when another process has it, and
   * `kernel-lock` for everything else. With `wait` the process stops until the lock is free; `shown` is the
   * path for messages.
   */
  static take(
    sys: Sys,
    path: string,
    options: { readonly shared?: boolean; readonly wait?: boolean; readonly shown?: string } = {},
  ): FileLock {
    const shown = options.shown ?? path;
    const fd = openForLock(path, shown);
    const operation = (options.shared === true ? LOCK_SH : LOCK_EX) + (options.wait === true ? 0 : LOCK_NB);
    let result = sys.syscall('flock', fd, operation);
    while (result === -EINTR) result = sys.syscall('flock', fd, operation);
    if (result >= 0) return new FileLock(fd);
    const holders = result === -EAGAIN ? lockHolders(fstatSync(fd, { bigint: true })) : [];
    closeSync(fd);
    if (result === -EAGAIN) throw busy(shown, holders);
    throw syscallError('kernel-lock', [], `locking ${quote(shown)}`, result);
  }

  /** Releases it. */
  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Node opens everything close-on-exec, so that no child keeps the lock. A pipe in its place is not waited for. */
function openForLock(path: string, shown: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw syscallError('kernel-lock', [], `opening ${quote(shown)} to lock it`, -errnoOf(error));
  }
}

function busy(path: string, holders: readonly LockHolder[]): RootletError {
  const by = holders.map(spellHolder).join(' and ') || 'another process';
  return new RootletError([
    problem('kernel-lock-busy', [], `${quote(path)} is locked by ${by}`, {
      errno: EAGAIN,
      hint: 'wait for it to finish; the lock of a process that died is released automatically',
    }),
  ]);
}

function spellHolder({ pid, command }: LockHolder): string {
  return command === '' ? `process ${pid}` : `process ${pid} (${command})`;
}
