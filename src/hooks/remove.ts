/** Taking an entry's program off its hook, and removing the entry: what may fail before, and what after. */

import { RootletError } from '../diag/index.ts';
import { describeEntry, type Store, type StoreEntry } from '../store/index.ts';
import { findHook, hookFacts, openOccupant } from './entry.ts';
import type { Hook } from './hook.ts';
import { hookChanged } from './problems.ts';

/** What became of the program of a removed entry. */
export type Removal =
  | { readonly kind: 'detached' }
  /** Nothing was attached any more. */
  | { readonly kind: 'ended'; readonly why: string }
  /** The entry is gone, but something may go on running: `force` only. */
  | { readonly kind: 'left'; readonly why: string };

/**
 * Takes the program off its hook, then removes the entry. While the program is on the hook the entry stays, unless
 * `force` is given. Throws `hook-changed`, `attach-other-netns`, `kernel-attachment`, `kernel-tc`, …, and after the
 * program is off `hook-half-removed`.
 */
export function removeHook(store: Store, entry: StoreEntry, force: boolean): Removal {
  const removal = takeOff(store, entry, force);
  try {
    store.remove(entry);
  } catch (error) {
    if (removal.kind === 'left' || !(error instanceof RootletError)) throw error;
    throw halfRemoved(entry, error);
  }
  return removal;
}

function takeOff(store: Store, entry: StoreEntry, force: boolean): Removal {
  try {
    using hook = findHook(store, entry);
    if (hook === undefined) return { kind: 'ended', why: 'its link is gone' };
    detachOwn(store, entry, hook, force);
    return { kind: 'detached' };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [problem] = error.problems;
    const why = [...(problem?.where ?? []), problem?.message ?? ''].join(': ');
    if (error.code === 'attach-gone') return { kind: 'ended', why };
    if (force)
      return { kind: 'left', why: [why, problem?.hint ?? ''].filter(text => text !== '').join('; ') };
    throw error;
  }
}

/** With `force`, also what another process put into our link; what belongs to an interface is never taken from others. */
function detachOwn(store: Store, entry: StoreEntry, hook: Hook, force: boolean): void {
  const id = hook.occupantId();
  using own = id === undefined ? undefined : openOccupant(store, entry, id);
  const isOurs = id === undefined || own !== undefined;
  if (!isOurs && !(force && hook.link !== null)) {
    const { kind, program } = hookFacts(entry);
    using expected = openExpected(store, entry, program);
    const what = kind === 'struct-ops' ? 'map' : 'program';
    throw hookChanged(store.sys, hook.place, what, id, expected ?? null);
  }
  hook.detach(own ?? null);
}

function openExpected(store: Store, entry: StoreEntry, name: string) {
  const id = [...entry.record.programs, ...entry.record.maps].find(pin => pin.name === name)?.id;
  return id === undefined ? undefined : openOccupant(store, entry, id);
}

function halfRemoved(entry: StoreEntry, error: RootletError): RootletError {
  const [problem] = error.problems;
  return new RootletError(
    [
      {
        code: 'hook-half-removed',
        class: 'partial',
        where: [describeEntry(entry)],
        message: `the program is off its hook, but its entry is not gone: ${problem?.message ?? ''}`,
        ...(problem?.errno === undefined ? {} : { errno: problem.errno }),
        hint: 'the next command removes what is left; if "rootlet ps" still lists it, detach it again',
      },
    ],
    { cause: error },
  );
}
