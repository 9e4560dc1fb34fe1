/** Hooks by the programs on them, independent of who attached them. */

import { RootletError } from '../../diag/index.ts';
import { Attachment, openById, type Sys, visibleIds } from '../../kernel/index.ts';
import { Cleanup } from '../../load/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { endOf, type Hook, hookChanged, LinkHook, type Occupant } from '../kinds/index.ts';
import { openRecorded } from './entry.ts';

export interface RunningHook {
  /** Owned by the caller. */
  readonly hook: Hook;
  readonly programId: number;
}

/**
 * Every hook that runs one of `programs` now: all links, and the entry's own TC filter or XDP program
 * without a link. Without CAP_SYS_ADMIN only links with a pin in a store are found. Throws `kernel-ids`, and
 * `attach-other-netns` for a filter that cannot be seen.
 */
export function hooksRunning(
  store: Store,
  entry: StoreEntry,
  programs: ReadonlySet<number>,
): readonly RunningHook[] {
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const found = linksRunning(store.sys, programs, cleanup);
    const own = openRecorded(store, entry);
    const programId = own === undefined ? undefined : occupantOrNone(own);
    return own !== undefined && programId !== undefined && programs.has(programId)
      ? [...found, { hook: own, programId }]
      : found;
  });
}

/** A note where `hooksRunning` cannot see all links. */
export function hiddenLinkNotes(sys: Sys): readonly string[] {
  if (visibleIds(sys, 'link').all) return [];
  return [
    'attachments that other processes made are not visible without CAP_SYS_ADMIN: they go on running the old version',
  ];
}

function linksRunning(sys: Sys, programs: ReadonlySet<number>, cleanup: Cleanup): RunningHook[] {
  return visibleIds(sys, 'link').ids.flatMap(id => {
    const fd = openById(sys, 'link', id);
    if (fd === undefined) return [];
    const hook = new LinkHook(new Attachment(sys, fd, `attachment ${id}`));
    const info = hook.link.info();
    if (programs.has(info.programId) && endOf(info) === undefined)
      return [{ hook: cleanup.own(hook), programId: info.programId }];
    hook.close();
    return [];
  });
}

/** Undefined where nothing is attached any more. */
function occupantOrNone(hook: Hook): number | undefined {
  try {
    return hook.occupantId();
  } catch (error) {
    if (error instanceof RootletError && error.code === 'attach-gone') return undefined;
    throw error;
  }
}

/** Throws `hook-changed` when something else than `expected` runs there, as far as the kernel reports it. */
export function requireOccupant(
  sys: Sys,
  hook: Hook,
  expected: Occupant,
  what: 'program' | 'map' = 'program',
): void {
  const id = hook.occupantId();
  if (id === undefined || id === expected.info().id) return;
  throw hookChanged(sys, hook.place, what, id, expected);
}
