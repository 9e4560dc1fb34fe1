/** What runs on the hooks of entries now: for lists, and for changes that a killed process had begun. */

import { RootletError } from '../../diag/index.ts';
import type { LinkDescription } from '../../kernel/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { endOf, isStructOps, LinkHook } from '../kinds/index.ts';
import { HOOK_LINK, hookFacts, openHook, openRecorded } from './entry.ts';

/** An attachment as text for a list. */
export interface HookState {
  /** Kind of the kernel's link (BPF_LINK_TYPE_…); undefined for hooks that have none. */
  readonly linkType: number | undefined;
  readonly place: string;
  /** What runs, or why nothing of the entry does. */
  readonly state: string;
}

/** What the kernel reports of a link; undefined: it no longer has a link of that id. */
export function linkState(link: LinkDescription | undefined): string {
  if (link === undefined) return 'gone';
  const end = endOf(link);
  if (end !== undefined) return `ended: ${end}`;
  return isStructOps(link) ? `runs map ${link.words[0]}` : `runs program ${link.programId}`;
}

/**
 * State of a link of an entry, by its name there; opened by its pin, which needs no right to look for ids.
 */
export function entryLinkState(store: Store, entry: StoreEntry, name: string): HookState | undefined {
  try {
    using hook = new LinkHook(store.openLink(entry, name));
    const info = hook.link.info();
    return { linkType: info.type, place: hook.place, state: linkState(info) };
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/**
 * State of an entry's hook that has no link (a TC filter, XDP over netlink); undefined for entries with one.
 */
export function recordedState(store: Store, entry: StoreEntry): HookState | undefined {
  try {
    const hook = openRecorded(store, entry);
    if (hook === undefined) return undefined;
    return { linkType: undefined, place: hook.place, state: hook.state() };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const state = error.code === 'attach-other-netns' ? 'not visible from here' : 'not known';
    return { linkType: undefined, place: hookFacts(entry).place, state };
  }
}

/** Id of the entry's own program (struct_ops: map), which is on its hook when all is well. */
export function ownOccupantId({ record }: StoreEntry, { kind, program }: { kind: string; program: string }) {
  const own = kind === 'struct-ops' ? record.maps : record.programs;
  return own.find(({ name }) => name === program)?.id;
}

/**
 * Whether the hook of a generation that a killed process left runs its program. One without a predecessor
 * counts only if it has no link: a link ends with its pin.
 */
export function hasHappened(left: StoreEntry, store: Store): boolean {
  if (left.kind !== 'hook') return false;
  const own = ownOccupantId(left, hookFacts(left));
  const hasLink = left.record.links.some(({ name }) => name === HOOK_LINK);
  if (own === undefined || (hasLink && store.peek('hook', left.name) === undefined)) return false;
  try {
    using hook = openHook(store, left);
    return hook.occupantId() === own;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}
