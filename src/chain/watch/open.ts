/**
 * Counters of a running chain: the maps of its members, found by what the store recorded of them, and the switch.
 *
 * A chain that is one program has one switch; where each member is a program of its own, each has one, and they
 * are set together.
 */

import { viewOf } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { type BpfMap, HOST_ORDER } from '../../kernel/index.ts';
import {
  COUNTS_MAP,
  type Counters,
  counterLayout,
  decodeCounters,
  TRACE_MAP,
  WATCH_SECTION,
  WatchWords,
} from '../../link/index.ts';
import { mapKey } from '../../state/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import type { ChainContext } from '../engine/index.ts';
import type { ChainState, MemberState } from '../model/index.ts';
import { continueMask } from './mask.ts';

/** What one member has counted since it was loaded. */
export interface MemberReading {
  readonly member: MemberState;
  /** Id of the map with its counters; another id: it counts from 0. Null for a member without counters. */
  readonly mapId: number | null;
  readonly counters: Counters | null;
}

/** Counters of all members at one time. */
export interface Reading {
  /** Nanoseconds of a clock that only moves forward. */
  readonly time: bigint;
  /** WATCH_…: what is counted now. */
  readonly flags: number;
  /** In the order in which they run. */
  readonly members: readonly MemberReading[];
}

/** What was opened of one member. */
interface MemberMaps {
  readonly member: MemberState;
  readonly counts: BpfMap | null;
  readonly words: BpfMap | null;
  readonly trace: BpfMap | null;
}

/** A switch, and whose it is. */
interface Switch {
  readonly map: BpfMap;
  /** Place of the member; null for that of the whole chain. */
  readonly member: number | null;
}

const KEY = new Uint8Array(4);

/** Owns the maps that it opened. */
export class WatchedChain {
  readonly state: ChainState;
  /** Perf event arrays in which trace records arrive; empty where packets cannot be traced. */
  readonly traces: readonly BpfMap[];
  readonly #members: readonly MemberMaps[];
  readonly #switches: readonly Switch[];

  /** Throws `store-…` for an entry that cannot be opened. */
  static open({ store }: ChainContext, state: ChainState): WatchedChain {
    return new WatchedChain(store, state);
  }

  private constructor(store: Store, state: ChainState) {
    this.state = state;
    const shared = entryOf(store, state);
    const ofChain = (name: string): readonly BpfMap[] => openIn(store, shared, [name]);
    const words = ofChain(WATCH_SECTION).map((map): Switch => ({ map, member: null }));
    this.#members = state.members.map(member => openMember(store, shared, member));
    const own = this.#members.flatMap(({ words: map }, member) => (map === null ? [] : [{ map, member }]));
    this.#switches = [...words, ...own];
    this.traces = [
      ...ofChain(TRACE_MAP),
      ...this.#members.flatMap(({ trace }) => (trace === null ? [] : [trace])),
    ];
  }

  /** Whether any member has counters. */
  get isCounted(): boolean {
    return this.#members.some(({ counts }) => counts !== null);
  }

  /** WATCH_… that any switch has on. */
  get flags(): number {
    return this.#switches.reduce((flags, { map }) => flags | wordsIn(map).flags, 0);
  }

  /** Whether all switches have these bits on: a member that was loaded meanwhile begins without. */
  has(flags: number): boolean {
    return this.#switches.every(({ map }) => (wordsIn(map).flags & flags) === flags);
  }

  /** Sets all switches. */
  set(flags: number): void {
    const { members } = this.state;
    for (const { map, member } of this.#switches) {
      const isLast = member === members.length - 1;
      const own = member === null ? undefined : members[member];
      const mask = own === undefined || isLast ? 0 : continueMask(own.continueOn, progTypeOf(this.state));
      const bytes = new Uint8Array(WatchWords.size);
      const words = { flags, continueMask: mask, member: member === null ? 0 : member };
      WatchWords.encode(viewOf(bytes), 0, words, HOST_ORDER);
      map.update(KEY, bytes);
    }
  }

  /** `time`: now. */
  read(time: bigint): Reading {
    const layout = counterLayout(progTypeOf(this.state));
    const members = this.#members.map(({ member, counts }): MemberReading => {
      const value = counts?.lookup(KEY);
      if (counts === null || value === undefined) return { member, mapId: null, counters: null };
      return {
        member,
        mapId: counts.info().id,
        counters: decodeCounters(layout, value, HOST_ORDER === 'little'),
      };
    });
    return { time, flags: this.flags, members };
  }

  /** Closes the maps. The chain goes on as it is. */
  close(): void {
    for (const { counts } of this.#members) counts?.close();
    for (const { map } of this.#switches) map.close();
    for (const map of this.traces) map.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function wordsIn(map: BpfMap) {
  const value = map.lookup(KEY);
  if (value === undefined) throw bugError([map.name], 'an array without its element');
  return WatchWords.decode(viewOf(value), 0, HOST_ORDER);
}

/** Programs of a chain. */
export function progTypeOf({ hook }: Pick<ChainState, 'hook'>): number {
  return hook.kind === 'xdp' ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
}

// --- maps in the store --------------------------------------------------------------------------------------------

function entryOf(store: Store, { entry }: ChainState): StoreEntry | undefined {
  return entry === null ? undefined : store.find('hook', entry);
}

/** A member is in the entry of its chain, or has one of its own, which its program tells. */
function openMember(store: Store, shared: StoreEntry | undefined, member: MemberState): MemberMaps {
  const own = shared === undefined ? entryOfProgram(store, member) : undefined;
  const open = (name: string): BpfMap | null => {
    const inChain = openIn(store, shared, [mapKey({ owner: member.name, name })])[0];
    return inChain ?? openIn(store, own, [name])[0] ?? null;
  };
  return { member, counts: open(COUNTS_MAP), words: open(WATCH_SECTION), trace: open(TRACE_MAP) };
}

function entryOfProgram(store: Store, { loaded }: MemberState): StoreEntry | undefined {
  if (loaded === null) return undefined;
  for (const entry of store.list())
    if (entry.kind === 'hook' && entry.record.programs.some(({ id }) => id === loaded.id)) return entry;
  return undefined;
}

function openIn(store: Store, entry: StoreEntry | undefined, names: readonly string[]): BpfMap[] {
  if (entry === undefined) return [];
  const there = names.filter(name => entry.record.maps.some(map => map.name === name));
  return there.map(name => store.openMap(entry, name));
}
