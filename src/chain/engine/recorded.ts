/** Chains that entries of the store keep: found by the program that runs on the hook, which alone is the truth. */

import { given } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import { recordOfProgram } from '../../dynamic/index.ts';
import { openHook } from '../../hooks/index.ts';
import { filtersOn, type Sys } from '../../kernel/index.ts';
import type { InlineScope } from '../../link/index.ts';
import { settingsFor } from '../../state/index.ts';
import { fieldsOf, type Store, type StoreEntry } from '../../store/index.ts';
import { isFailedCall, requireReadEntries } from '../facts/index.ts';
import type { ChainDesign, ChainHook, DesignMember } from '../model/index.ts';
import { decodeFacts } from './facts.ts';

/** A recorded chain. */
export interface RecordedChain {
  readonly entry: StoreEntry;
  /** The program on the hook. */
  readonly programId: number;
  readonly design: ChainDesign;
  /** The step of the optimizer that its program is at. */
  readonly optimized: InlineScope;
}

/**
 * The chain whose program has this id; undefined where no entry has one. Throws `relink-record`, and why an entry that
 * may have it could not be read.
 */
export function chainOfProgram(store: Store, programId: number): RecordedChain | undefined {
  const entries = store.list();
  for (const entry of entries) {
    if (entry.kind !== 'hook') continue;
    const found = chainIn(store, entry, programId);
    if (found !== undefined) return found;
  }
  requireReadEntries(store, entries, () => [programId]);
  return undefined;
}

/** The chain on a filter of the interface and direction, by entries whose filter runs their program. Throws likewise. */
export function chainOnFilter(store: Store, at: ChainHook): RecordedChain | undefined {
  const entries = store.list();
  for (const entry of entries) {
    if (entry.kind !== 'hook' || !isAt(entry, at)) continue;
    const found = chainIn(store, entry, runningOn(store, entry));
    if (found !== undefined) return found;
  }
  requireReadEntries(store, entries, () => idsOfFilters(store.sys, at));
  return undefined;
}

function idsOfFilters(sys: Sys, { ifindex, direction }: ChainHook): number[] {
  return direction === null ? [] : filtersOn(sys, ifindex, direction).map(({ program }) => program.id);
}

/** Whether an entry was recorded for a hook. */
export function isAt({ record }: StoreEntry, { kind, ifindex, netns, direction }: ChainHook): boolean {
  const place = fieldsOf(record.data[kind === 'xdp' ? 'xdp' : 'filter']);
  const isThere = place['ifindex'] === ifindex && place['netns'] === netns;
  return isThere && (direction === null || place['direction'] === direction);
}

/** Undefined where nothing, or something else, is in the place of the filter. */
function runningOn(store: Store, entry: StoreEntry): number | undefined {
  try {
    using hook = openHook(store, entry);
    return hook.occupantId();
  } catch (error) {
    if (error instanceof RootletError && !isFailedCall(error)) return undefined;
    throw error;
  }
}

function chainIn(store: Store, entry: StoreEntry, programId: number | undefined): RecordedChain | undefined {
  if (programId === undefined || !entry.record.programs.some(({ id }) => id === programId)) return undefined;
  const record = recordOfProgram(store, entry, programId);
  if (record?.design.generated === undefined) return undefined;
  const { fills, generated } = record.design;
  const facts = decodeFacts(generated.facts);
  const members = facts.members.map((member): DesignMember => {
    const file = fills.find(({ component }) => component === member.name)?.file ?? null;
    return { ...member, file, settings: settingsFor(record.settings, member.name), loaded: null };
  });
  const { optimize, optimized = 'none' } = record;
  return { entry, programId, optimized, design: { ...facts, members, ...given({ optimize }) } };
}
