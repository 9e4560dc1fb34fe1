/**
 * A dispatcher of libxdp as a chain, whoever built it. The dispatcher and its pins are the truth; records of the store
 * add what only they have: names, files, settings.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { type Problem, problem } from '../../diag/index.ts';
import { recordOfProgram } from '../../dynamic/index.ts';
import { componentName, NO_SETTINGS, settingsFor } from '../../state/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import type { DispatcherMember, DispatcherReading, ReadDispatcher } from '../libxdp/index.ts';
import {
  type ChainHook,
  type ChainState,
  type DesignMember,
  type MemberState,
  memberStates,
} from '../model/index.ts';
import type { RunningChain } from './context.ts';
import { decodeFacts } from './facts.ts';
import { spellHook } from './hooks.ts';
import { chainOfProgram } from './recorded.ts';

/** `base`: of the hook, with its program. */
export function dispatcherChain(store: Store, base: ChainState, dispatcher: ReadDispatcher): RunningChain {
  const own = chainOfProgram(store, dispatcher.programId);
  const entry = own?.entry ?? heirlessEntry(store, base, dispatcher);
  const names = new Set<string>();
  const members = dispatcher.members.map((member, at): DesignMember => {
    const known = own?.design.members[at];
    const found = known ?? recordedMember(store, entry, member);
    const named = found ?? guestMember(member);
    const name = freeName(named.name, names);
    names.add(name);
    return { ...withFacts(named, member, entry), name };
  });
  const counters = own === undefined ? recordedCounters(store, entry) : own.design.counters;
  const design = {
    members,
    failClosed: own?.design.failClosed === true,
    ...given({ counters, optimize: own?.design.optimize }),
  };
  const state: ChainState = {
    ...base,
    kind: 'chain',
    via: 'libxdp',
    version: dispatcher.config.version,
    members: memberStates(design).map((state, at) =>
      withDispatcher(state, elementAt(dispatcher.members, at)),
    ),
    failClosed: design.failClosed,
    entry: entry === undefined ? null : entry.name,
    problems: dispatcherProblems(base, dispatcher),
  };
  return { state, design, entry };
}

function withDispatcher(state: MemberState, { program, lost }: DispatcherMember): MemberState {
  const loaded = program === null ? null : { id: program.id, name: program.name, tag: program.tag };
  return { ...state, loaded, lost };
}

/** Rules are those of the dispatcher: another tool may have changed them. */
function withFacts(
  member: DesignMember,
  read: DispatcherMember,
  entry: StoreEntry | undefined,
): DesignMember {
  const { priority, continueOn, flags, program } = read;
  const id = program === null ? pinnedId(entry, member) : program.id;
  const rank = program === null ? undefined : { tag: program.tag, loadTime: program.loadTime, flags };
  const facts = { ...member, priority, continueOn, loaded: id };
  return rank === undefined ? facts : { ...facts, rank };
}

/** The pins of the store have it, though those of libxdp are gone. */
function pinnedId(entry: StoreEntry | undefined, { name, program }: DesignMember): number | null {
  const found = entry?.record.programs.find(one => one.name === `${name}:${program}`);
  return found === undefined ? null : found.id;
}

function guestMember({ slot, program }: DispatcherMember): DesignMember {
  const name = program === null ? `slot${slot}` : program.name;
  return {
    name: componentName(name),
    file: null,
    program: name,
    priority: 0,
    continueOn: [],
    given: { priority: true, continueOn: true },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: null,
  };
}

/** Two programs of one name are two members. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  return free;
}

// --- records ------------------------------------------------------------------------------------------------------

/**
 * The entry whose chain another tool has changed: it has programs that are members here, and its own dispatcher is
 * not attached. The one with most of them.
 */
function heirlessEntry(
  store: Store,
  { hook }: ChainState,
  { members }: ReadDispatcher,
): StoreEntry | undefined {
  const ids = new Set(members.flatMap(({ program }) => (program === null ? [] : [program.id])));
  let best: StoreEntry | undefined;
  let most = 0;
  for (const entry of store.list()) {
    if (entry.kind !== 'hook' || !isOn(entry, hook)) continue;
    const count = entry.record.programs.filter(({ id }) => ids.has(id)).length;
    if (count > most) [best, most] = [entry, count];
  }
  return best;
}

/** Whether an entry is of this interface: by number and network namespace, which do not change. */
export function isOn(entry: StoreEntry, { ifindex, netns }: ChainState['hook']): boolean {
  const { xdp } = entry.record.data;
  if (typeof xdp !== 'object' || xdp === null || Array.isArray(xdp)) return false;
  const { ifindex: number, netns: name } = xdp as { readonly ifindex?: unknown; readonly netns?: unknown }; // compared only
  return number === ifindex && name === netns;
}

/** The member of an entry that has this program, with its file. */
function recordedMember(
  store: Store,
  entry: StoreEntry | undefined,
  { program }: DispatcherMember,
): DesignMember | undefined {
  if (entry === undefined || program === null) return undefined;
  const key = entry.record.programs.find(({ id }) => id === program.id)?.name.replace(/^next::/, '');
  const record = recordOfRunning(store, entry);
  if (key === undefined || record?.design.generated === undefined) return undefined;
  const facts = decodeFacts(record.design.generated.facts);
  const member = facts.members.find(({ name }) => key.startsWith(`${name}:`));
  if (member === undefined) return undefined;
  const fill = record.design.fills.find(({ component }) => component === member.name);
  const settings = settingsFor(record.settings, member.name);
  return { ...member, file: fill === undefined ? null : fill.file, settings, loaded: program.id };
}

/** Another tool that changes a chain does not change how its members were built. */
function recordedCounters(store: Store, entry: StoreEntry | undefined): boolean | undefined {
  const record = entry === undefined ? undefined : recordOfRunning(store, entry);
  return record?.design.generated === undefined
    ? undefined
    : decodeFacts(record.design.generated.facts).counters;
}

function recordOfRunning(store: Store, entry: StoreEntry) {
  for (const { id } of entry.record.programs) {
    const record = recordOfProgram(store, entry, id);
    if (record !== undefined) return record;
  }
  return undefined;
}

/** Entries of this interface whose chain is a dispatcher, with the program that they have as the running one. */
export function dispatcherEntries(
  store: Store,
  hook: ChainHook,
): { readonly entry: StoreEntry; readonly programId: number }[] {
  return store.list().flatMap(entry => {
    if (entry.kind !== 'hook' || !isOn(entry, hook)) return [];
    const record = recordOfRunning(store, entry);
    if (record?.via !== 'ext' || record.design.generated === undefined) return [];
    return [{ entry, programId: record.programId }];
  });
}

// --- problems -----------------------------------------------------------------------------------------------------

/** What does not run as it should in a dispatcher that is attached. */
export function dispatcherProblems(
  { hook }: Pick<ChainState, 'hook'>,
  {
    broken,
    members,
  }: Pick<ReadDispatcher, 'broken'> & {
    readonly members: readonly Pick<ReadDispatcher['members'][number], 'lost' | 'slot'>[];
  },
): Problem[] {
  const lost = members.flatMap(({ lost, slot }) => (lost === null ? [] : [`slot ${slot}: ${lost}`]));
  const where = [spellHook(hook)];
  if (broken !== null)
    return [
      problem('chain-pins', where, `the dispatcher of libxdp runs, but ${broken}`, {
        hint: 'a change of the chain pins it again, where the programs can still be found; other tools see no dispatcher until then',
      }),
    ];
  return lost.map(text =>
    problem('chain-lost', where, text, { hint: 'replace the member, or unload it and load it again' }),
  );
}

/** Why a program that is named as a dispatcher is not a chain; undefined for every other program. */
export function readingProblem(
  { hook }: Pick<ChainState, 'hook'>,
  reading: DispatcherReading,
): Problem | undefined {
  if (reading.kind === 'newer')
    return problem(
      'chain-dispatcher',
      [spellHook(hook)],
      `its dispatcher has version ${reading.version} of the protocol of libxdp, which is not known here`,
      { hint: 'change it with the tool that built it' },
    );
  if (reading.kind !== 'damaged') return undefined;
  const what = `its program has the name of a dispatcher of libxdp, but ${reading.reason}`;
  return problem('chain-dispatcher', [spellHook(hook)], what, {
    hint: 'remove it with the tool that built it; --force replaces it',
  });
}
