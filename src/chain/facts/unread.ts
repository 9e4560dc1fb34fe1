/**
 * Entries of hooks that could not be read now. Separate, because each back end asks before it reports that what runs is
 * of another tool, or that nothing runs.
 */

import { type Problem, RootletError } from '../../diag/index.ts';
import type { BrokenEntry, StoreEntry } from '../../store/index.ts';
import { EACCES, EBUSY, ENOSPC, EPERM } from '../../uapi/index.ts';

/** The entry may be sound: a system call failed. `Store.list` throws those that a second attempt may change. */
const REFUSED: ReadonlySet<number> = new Set([EPERM, EACCES, EBUSY, ENOSPC]);

/**
 * Throws the problems of an entry of a hook that could not be read because the kernel refused a call: it may be the
 * chain that is looked for. Entries whose contents are damaged do not count, they can only be removed. `entries`: the
 * list in which the chain was not found; another one may be read without the failure.
 */
export function requireReadEntries(entries: readonly (StoreEntry | BrokenEntry)[]): void {
  for (const entry of entries) {
    if (entry.kind !== 'broken' || entry.entryKind !== 'hook') continue;
    if (entry.problems.some(isRefused)) throw new RootletError(entry.problems);
  }
}

function isRefused({ errno }: Problem): boolean {
  return errno !== undefined && REFUSED.has(errno);
}

/** Whether a system call failed: the answer says nothing about what is there. */
export function isFailedCall({ problems }: RootletError): boolean {
  return problems.some(({ errno }) => errno !== undefined);
}
