/**
 * Entries of hooks that could not be read now. Separate, because each back end asks before it reports that what runs is
 * of another tool, or that nothing runs.
 */

import { type Problem, RootletError } from '../../diag/index.ts';
import type { BrokenEntry, Store, StoreEntry } from '../../store/index.ts';
import { EACCES, EBUSY, ENOSPC, EPERM } from '../../uapi/index.ts';

/** The entry may be sound: a system call failed. `Store.list` throws those that a second attempt may change. */
const REFUSED: ReadonlySet<number> = new Set([EPERM, EACCES, EBUSY, ENOSPC]);

/**
 * Throws the problems of an entry of a hook that could not be read because the kernel refused a call: it may be the
 * chain that is looked for. Entries whose contents are damaged do not count, they can only be removed; and none whose
 * pins hold no program of `running`. `entries`: the list in which the chain was not found; another one may be read
 * without the failure. `running`: ids of the programs on the hook.
 */
export function requireReadEntries(
  store: Store,
  entries: readonly (StoreEntry | BrokenEntry)[],
  running: () => Iterable<number>,
): void {
  for (const entry of entries) {
    if (entry.kind !== 'broken' || entry.entryKind !== 'hook' || !entry.problems.some(isRefused)) continue;
    if (mayRun(store, entry, new Set(running())))
      throw new RootletError(entry.problems.map(withRemedy(entry)));
  }
}

function mayRun(store: Store, entry: BrokenEntry, running: ReadonlySet<number>): boolean {
  const { programs, links, complete } = store.openPins(entry);
  try {
    return !complete || programs.some(program => running.has(program.info().id));
  } finally {
    for (const one of [...programs, ...links]) one.close();
  }
}

function withRemedy({ name }: BrokenEntry) {
  const remedy = `if it stays so, "rootlet detach ${name} --force" detaches what its pins hold, and removes it`;
  return (problem: Problem): Problem => ({
    ...problem,
    hint: problem.hint === undefined ? remedy : `${problem.hint}; ${remedy}`,
  });
}

function isRefused({ errno }: Problem): boolean {
  return errno !== undefined && REFUSED.has(errno);
}

/** Whether a system call failed: the answer says nothing about what is there. */
export function isFailedCall({ problems }: RootletError): boolean {
  return problems.some(({ errno }) => errno !== undefined);
}
