/**
 * All that the store keeps and all that is on the interfaces of this network namespace, in one tree: hooks with chains,
 * rootlets and programs, their members and slots with what they counted; loaded objects with their users. From what the
 * kernel and the records have; nothing is changed.
 */

import { elementAt } from '../bytes/index.ts';
import { type Problem, RootletError } from '../diag/index.ts';
import { type Binding, bindingsIn, exportsOf, inputOf, recordOfProgram } from '../dynamic/index.ts';
import { entryLinkState, HOOK_LINK, type HookState, hookFacts, recordedState } from '../hooks/index.ts';
import type { XdpMode } from '../kernel/index.ts';
import { type Counters, slotsOf, WATCH_COUNT } from '../link/index.ts';
import type { BrokenEntry, StoreEntry } from '../store/index.ts';
import type { ChainContext } from './engine/index.ts';
import type { ChainHook, ChainState, ProgramFacts } from './model/index.ts';
import { listChains } from './reading.ts';
import { WatchedChain } from './watch/index.ts';

/** A map of an entry or of a component, without the component in its name. */
export interface MapNode {
  readonly name: string;
  readonly id: number;
}

/** A member of a chain, or a slot of a rootlet. */
export interface PartNode {
  /** Null for a member of a chain. */
  readonly slot: string | null;
  /** Member or component; null for a slot that runs its own code. */
  readonly name: string | null;
  readonly program: string | null;
  readonly file: string | null;
  /** Set for an outgoing version of a component. */
  readonly version: number | null;
  /** Of a member of a chain. */
  readonly priority: number | null;
  /** Why it does not run; null when it does. */
  readonly lost: string | null;
  /** Since it was loaded; null where it is not counted now. */
  readonly counters: Counters | null;
  readonly maps: readonly MapNode[];
}

/** What is on one hook. */
export interface HookNode {
  /** `xdp`, `tc`, `kprobe`, … */
  readonly kind: string;
  /** What it is attached to, as it is called now: `eth0`, `do_unlinkat`. */
  readonly place: string;
  /** Of an interface of this network namespace; null for other hooks. */
  readonly interface: Omit<ChainHook, 'kind'> | null;
  readonly mode: XdpMode | null;
  /** `foreign`: another tool attached it. */
  readonly what: 'chain' | 'rootlet' | 'program' | 'foreign';
  /** Back end of a chain or of slots; null for others. */
  readonly via: string | null;
  /** Name of the entry that keeps it; null without one. */
  readonly entry: string | null;
  readonly generation: number | null;
  readonly file: string | null;
  readonly program: ProgramFacts | null;
  /** What runs, or why it does not. */
  readonly state: string | null;
  readonly parts: readonly PartNode[];
  /** Without those of components. */
  readonly maps: readonly MapNode[];
  readonly bindings: readonly Binding[];
  readonly problems: readonly Problem[];
}

/** Who uses an export of a loaded object. */
export interface UserNode {
  readonly kind: 'object' | 'hook';
  readonly entry: string;
  readonly extern: string;
  readonly via: string;
}

export interface ExportNode {
  readonly kind: 'function' | 'variable' | 'map';
  readonly name: string;
  readonly users: readonly UserNode[];
}

export interface ObjectNode {
  readonly name: string;
  readonly generation: number;
  readonly file: string;
  readonly programs: readonly ProgramFacts[];
  readonly exports: readonly ExportNode[];
  readonly maps: readonly MapNode[];
  readonly bindings: readonly Binding[];
  readonly problems: readonly Problem[];
}

export interface Overview {
  readonly hooks: readonly HookNode[];
  readonly objects: readonly ObjectNode[];
  /** Entries whose record cannot be read. */
  readonly broken: readonly BrokenEntry[];
}

/** Looks at everything once. Throws `store-untrusted`, `kernel-netlink`. */
export function readOverview(context: ChainContext): Overview {
  const entries = context.store.list();
  const sound = entries.filter((entry): entry is StoreEntry => entry.kind !== 'broken');
  const chains = [...listChains(context, 'xdp'), ...listChains(context, 'tc')];
  const onInterfaces = chains.flatMap(state => interfaceNode(context, sound, state));
  const shown = new Set(onInterfaces.flatMap(({ covered }) => covered));
  const others = sound.filter(({ kind, name }) => kind === 'hook' && !shown.has(name));
  return {
    hooks: [...onInterfaces.map(({ node }) => node), ...others.map(entry => entryNode(context, entry))],
    objects: sound.filter(({ kind }) => kind === 'object').map(entry => objectNode(context, entry, sound)),
    broken: entries.filter((entry): entry is BrokenEntry => entry.kind === 'broken'),
  };
}

// --- interfaces ---------------------------------------------------------------------------------------------------

interface Covered {
  readonly node: HookNode;
  /** Names of the entries that the node shows. */
  readonly covered: readonly string[];
}

function interfaceNode(context: ChainContext, entries: readonly StoreEntry[], state: ChainState): Covered[] {
  if (state.kind === 'none') return [];
  const { hook, mode, program, problems } = state;
  const place = { place: hook.interface, interface: hook, mode };
  if (state.kind === 'chain') {
    const own = entries.find(({ kind, name }) => kind === 'hook' && name === state.entry);
    const ofMembers = state.members.map(({ loaded }) => entryOfProgram(entries, loaded));
    const covered = [own, ...ofMembers].flatMap(entry => (entry === undefined ? [] : [entry.name]));
    return [{ node: chainNode(context, state, own, entries), covered }];
  }
  const entry = entryOfProgram(entries, program);
  if (entry !== undefined)
    return [{ node: { ...entryNode(context, entry), ...place, program }, covered: [entry.name] }];
  const node = { ...NOTHING, kind: hook.kind, ...place, program, problems };
  return [{ node, covered: [] }];
}

const NOTHING = {
  what: 'foreign',
  via: null,
  entry: null,
  generation: null,
  file: null,
  state: null,
  parts: [],
  maps: [],
  bindings: [],
} as const;

function entryOfProgram(
  entries: readonly StoreEntry[],
  program: ProgramFacts | null,
): StoreEntry | undefined {
  if (program === null) return undefined;
  return entries.find(
    ({ kind, record }) => kind === 'hook' && record.programs.some(({ id }) => id === program.id),
  );
}

function chainNode(
  context: ChainContext,
  state: ChainState,
  entry: StoreEntry | undefined,
  entries: readonly StoreEntry[],
): HookNode {
  const { hook, via, mode, program, problems } = state;
  const counters = countersOf(context, state);
  const parts = state.members.map((member, at): PartNode => {
    const own = entry ?? entryOfProgram(entries, member.loaded);
    return {
      slot: null,
      ...{ name: member.name, program: member.program, file: member.file, version: null },
      ...{ priority: member.priority, lost: member.lost, counters: elementAt(counters, at) },
      maps: own === undefined ? [] : mapsOf(own, entry === undefined ? null : member.name),
    };
  });
  return {
    ...{
      kind: hook.kind,
      place: hook.interface,
      interface: hook,
      mode,
      what: 'chain',
      via,
      program,
      parts,
      problems,
    },
    ...{
      entry: state.entry,
      generation: entry === undefined ? null : entry.generation,
      file: null,
      state: null,
    },
    maps: entry === undefined ? [] : mapsOf(entry, null),
    bindings: entry === undefined ? [] : bindingsIn(entry),
  };
}

/** By member; null for all of them while the chain does not count. */
function countersOf(context: ChainContext, state: ChainState): readonly (Counters | null)[] {
  using chain = WatchedChain.open(context, state);
  const { flags, members } = chain.read(process.hrtime.bigint());
  return members.map(({ counters }) => ((flags & WATCH_COUNT) === 0 ? null : counters));
}

// --- entries ------------------------------------------------------------------------------------------------------

function mapsOf({ record }: StoreEntry, component: string | null): MapNode[] {
  return record.maps.filter(map => map.component === component).map(({ map, id }) => ({ name: map, id }));
}

/** An attachment: a rootlet where components fill its slots. */
function entryNode({ store }: ChainContext, entry: StoreEntry): HookNode {
  const { kind, target, program: name, place } = hookFacts(entry);
  const found: HookState | undefined = recordedState(store, entry) ?? entryLinkState(store, entry, HOOK_LINK);
  const program = entry.record.programs.find(one => one.name === name);
  const slots = readSlots(store, entry);
  return {
    ...{ kind, place: found?.place ?? (place === '' ? target : place), interface: null, mode: null },
    ...{ what: slots.parts.length > 0 ? 'rootlet' : 'program', via: slots.via },
    ...{ entry: entry.name, generation: entry.generation, file: entry.record.source },
    program: program === undefined ? null : { id: program.id, name, tag: program.tag },
    state: found?.state ?? 'gone',
    parts: slots.parts,
    maps: mapsOf(entry, null),
    bindings: bindingsIn(entry),
    problems: slots.problems,
  };
}

interface Slots {
  readonly via: string | null;
  readonly parts: readonly PartNode[];
  readonly problems: readonly Problem[];
}

function readSlots(store: ChainContext['store'], entry: StoreEntry): Slots {
  try {
    const running = entry.record.programs.map(({ id }) => recordOfProgram(store, entry, id));
    const record = running.find(one => one !== undefined);
    if (record === undefined) return { via: null, parts: [], problems: [] };
    const { rootlet, fills } = record.design;
    const names = [...slotsOf(rootlet.object).map(({ name }) => name), ...fills.map(({ slot }) => slot)];
    const parts = [...new Set(names)].map((slot): PartNode => {
      const fill = fills.find(one => one.slot === slot);
      return {
        slot,
        name: fill?.component ?? null,
        program: fill?.program ?? null,
        file: fill === undefined ? null : fill.file.name,
        version: fill?.version ?? null,
        ...{ priority: null, lost: null, counters: null },
        maps: fill === undefined ? [] : mapsOf(entry, fill.component),
      };
    });
    return { via: record.via, parts, problems: [] };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { via: null, parts: [], problems: error.problems };
  }
}

function objectNode({ store }: ChainContext, entry: StoreEntry, entries: readonly StoreEntry[]): ObjectNode {
  const { name, generation, record } = entry;
  const exported = readExports(store, entry);
  return {
    ...{ name, generation, file: record.source },
    programs: record.programs.map(({ id, name: program, tag }) => ({ id, name: program, tag })),
    exports: exported.names.map(one => ({ ...one, users: usersOf(name, one.name, entries) })),
    maps: mapsOf(entry, null),
    bindings: bindingsIn(entry),
    problems: exported.problems,
  };
}

function readExports(store: ChainContext['store'], entry: StoreEntry) {
  try {
    const names = exportsOf(inputOf(store, entry).object).map(({ kind, name }) => ({ kind, name }));
    return { names, problems: [] };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { names: [], problems: error.problems };
  }
}

function usersOf(provider: string, target: string, entries: readonly StoreEntry[]): UserNode[] {
  return entries.flatMap(entry =>
    bindingsIn(entry)
      .filter(binding => binding.provider === provider && binding.target === target)
      .map(({ extern, via }) => ({ kind: entry.kind, entry: entry.name, extern, via })),
  );
}
