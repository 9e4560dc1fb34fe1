/**
 * Detaching an entry's program from its hook and removing the entry, with errors before and after the detach.
 */

import { elementAt } from '../../bytes/index.ts';
import { bugError, notComplete, RootletError } from '../../diag/index.ts';
import { openById, type Sys } from '../../kernel/index.ts';
import { describeEntry, type Store, type StoreEntry } from '../../store/index.ts';
import { type Hook, hookChanged } from '../kinds/index.ts';
import { findHook, hookFacts, openOccupant, openRecorded } from './entry.ts';

/** What became of the program of a removed entry. */
export type Removal =
  | { readonly kind: 'detached' }
  /** Nothing was attached any more. */
  | { readonly kind: 'ended'; readonly why: string }
  /** The entry is gone, but its program, or another one on the hook, may go on running. */
  | {
      readonly kind: 'left';
      readonly why: string;
      /** Command that detaches the program once the entry is gone; null if there is none. */
      readonly command: string | null;
    };

/** A link that ends with its last handle: whether that is the entry's, only its end can show. */
type TakenOff = Removal | { readonly kind: 'released'; readonly link: number };

/**
 * Detaches the program from its hook, then removes the entry. While the program is on the hook the entry is
 * kept, unless `force` is given. Throws `hook-changed`, `attach-other-netns`, `kernel-attachment`,
 * `kernel-tc`, …, and after the program is off `hook-half-removed`. `at`: where the program is now, if that is
 * known; default: where the record has it. It stays the caller's.
 */
export function removeHook(store: Store, entry: StoreEntry, force: boolean, at?: Hook): Removal {
  const taken: TakenOff[] = [];
  try {
    store.remove(entry, () => taken.push(takeOff(store, entry, force, at)));
  } catch (error) {
    const isOff = taken.some(({ kind }) => kind === 'detached' || kind === 'ended');
    throw isOff && error instanceof RootletError ? halfRemoved(entry, error) : error;
  }
  const [removal] = taken;
  if (removal === undefined) throw bugError([describeEntry(entry)], 'was removed without its hook');
  if (removal.kind !== 'released') return removal;
  if (!isThere(store.sys, removal.link)) return { kind: 'detached' };
  return {
    kind: 'left',
    why: 'something else holds its link ("rootlet ps --all" shows what)',
    command: null,
  };
}

function takeOff(store: Store, entry: StoreEntry, force: boolean, at: Hook | undefined): TakenOff {
  try {
    using found = at === undefined ? findHook(store, entry) : undefined;
    const hook = at ?? found;
    if (hook === undefined) return { kind: 'ended', why: 'its link is gone' };
    if (detachOwn(store, entry, hook, force) || hook.link === null) return { kind: 'detached' };
    return { kind: 'released', link: hook.link.info().id };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const { where, message } = elementAt(error.problems, 0);
    const why = [...where, message].join(': ');
    if (error.code === 'attach-gone') return { kind: 'ended', why };
    if (!force) throw error;
    // a program of another process must not be detached
    const command = error.code === 'hook-changed' ? null : removalCommand(store, entry);
    return { kind: 'left', why, command };
  }
}

/**
 * With `force`, also a program that another process put into the entry's link; filters and XDP programs of
 * others are never removed.
 */
function detachOwn(store: Store, entry: StoreEntry, hook: Hook, force: boolean): boolean {
  const id = hook.occupantId();
  using own = id === undefined ? undefined : openOccupant(store, entry, id);
  const isOurs = id === undefined || own !== undefined;
  if (!isOurs && !(force && hook.link !== null)) throw foreign(store, entry, hook, id);
  return hook.detach(own ?? null);
}

function foreign(store: Store, entry: StoreEntry, hook: Hook, id: number): RootletError {
  const { kind, program } = hookFacts(entry);
  const own = [...entry.record.programs, ...entry.record.maps].find(pin => pin.name === program);
  using expected = own === undefined ? undefined : openOccupant(store, entry, own.id);
  const what = kind === 'struct-ops' ? 'map' : 'program';
  return hookChanged(store.sys, hook.place, what, id, expected ?? null);
}

function removalCommand(store: Store, entry: StoreEntry): string | null {
  try {
    return openRecorded(store, entry)?.removalCommand() ?? null;
  } catch (error) {
    if (error instanceof RootletError) return null; // the record does not say where it is
    throw error;
  }
}

/** Listing all links holds each for a moment: only one that persists counts. */
const LISTING_MS = 200;
const STEP_MS = 20;

function isThere(sys: Sys, link: number): boolean {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  try {
    for (let waited = 0; waited < LISTING_MS; waited += STEP_MS) {
      using fd = openById(sys, 'link', link);
      if (fd === undefined) return false;
      fd.close(); // before the wait: it keeps the link as well
      Atomics.wait(clock, 0, 0, STEP_MS);
    }
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false; // this process may not look
    throw error;
  }
}

function halfRemoved(entry: StoreEntry, error: RootletError): RootletError {
  const hint = 'the next command removes what is left; if "rootlet ps" still lists it, detach it again';
  const message = 'the program is detached, but its entry is not removed';
  return notComplete({ code: 'hook-half-removed', where: [describeEntry(entry)], message, hint }, error);
}
