/** Who needs an entry: asked before it is removed. Layers above add their own reasons. */

import { problem, quote, RootletError } from '../diag/index.ts';
import { describeEntry, type Store, type StoreEntry } from './store.ts';

export interface EntryUser {
  readonly entry: StoreEntry;
  /** What it uses, as in `function "foo"`. */
  readonly reason: string;
}

/** Finds users of one sort. */
export type Guard = (store: Store, entry: StoreEntry) => readonly EntryUser[];

/** All users that the guards find. */
export function usersOf(store: Store, entry: StoreEntry, guards: readonly Guard[]): readonly EntryUser[] {
  return guards.flatMap(guard => guard(store, entry));
}

/** Throws `store-in-use`, naming every user. */
export function requireUnused(store: Store, entry: StoreEntry, guards: readonly Guard[]): void {
  const users = usersOf(store, entry, guards);
  if (users.length === 0) return;
  throw new RootletError([
    problem(
      'store-in-use',
      [describeEntry(entry)],
      `is used by ${users.length === 1 ? 'another entry' : `${users.length} others`}`,
      {
        details: users.map(user => `${describeEntry(user.entry)}: ${user.reason}`),
        hint: `remove those first, or remove ${quote(entry.name)} with --force`,
      },
    ),
  ]);
}
