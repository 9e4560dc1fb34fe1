/**
 * A new version of an attached program that has no components: loaded on the state of the old one, then put
 * in its place in one step. Works for every kind of hook whose program can change, struct_ops maps included.
 */

import { given } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import {
  type Hook,
  type HookFacts,
  hookFacts,
  hookLinks,
  isOperations,
  type Occupant,
  openHook,
  openOccupant,
  prepareOperations,
  programForHook,
  requireOccupant,
} from '../../hooks/index.ts';
import { waitForPrograms } from '../../kernel/index.ts';
import type { OptimizeReport } from '../../link/index.ts';
import { Cleanup, type LoadedObject, type LoadOptions } from '../../load/index.ts';
import { type BpfObject, stripDataSections } from '../../object/index.ts';
import {
  encodeEntryState,
  pinReused,
  pinRootOf,
  reportState,
  requireNewMaps,
  type Settings,
  type StateChange,
  type StateTransfer,
} from '../../state/index.ts';
import {
  type Contents,
  fieldsOf,
  type JsonObject,
  type RecordFiles,
  type Store,
  type StoreEntry,
} from '../../store/index.ts';
import type { Binding } from '../bind/index.ts';
import { decodeDynamic, type EntryLoad, type KeptBindings, withEntryLoad } from '../entries/index.ts';
import { afterSwitch } from '../generation/index.ts';
import {
  nextEntryState,
  objectTransfer,
  type PlannedVersion,
  planVersion,
  reusedMap,
  setGivenValues,
} from './object-state.ts';
import { optimizationOutlook } from './outlook.ts';

export interface ReplaceAttachedRequest {
  readonly store: Store;
  readonly entry: StoreEntry;
  readonly object: BpfObject;
  /** Program (or struct_ops map) of the object; may be left out when only one suits the hook. */
  readonly program?: string;
  /** File or files, for the record. */
  readonly source: string;
  readonly files: RecordFiles;
  /** Seconds since 1970. */
  readonly time: number | null;
  readonly options: LoadOptions;
  readonly binding?: EntryLoad['binding'];
  readonly logged?: EntryLoad['logged'];
  readonly fresh?: readonly string[];
  /** Replace whatever is attached there now. */
  readonly force?: boolean;
  /** Only look. */
  readonly dryRun?: boolean;
  /** Called when the new version is loaded, before anything changes. When it throws, nothing does. */
  readonly ready?: () => void;
  /**
   * Attaches the new version in another place of the hook, where the old one is not replaced but detached
   * afterwards: so that no packet is without it. The result has a link.
   */
  readonly attach?: (loaded: LoadedObject, program: string) => Hook;
  /** All settings from now on. Default: those that the entry has, and what `options` gives. */
  readonly settings?: Settings;
  /** Fields of the data of the record that change. */
  readonly data?: JsonObject;
}

/** What `replace` did to an attached program. */
export interface ReplacedAttached {
  readonly entry: StoreEntry;
  readonly place: string;
  /** Program (or struct_ops map) that runs now. */
  readonly program: string;
  readonly state: readonly StateChange[];
  readonly settings: Settings;
  readonly droppedSettings: readonly string[];
  readonly bindings: readonly Binding[];
  readonly notes: readonly string[];
  /** What the optimizer did, or would do at first; null where it does nothing. */
  readonly optimization: OptimizeReport | null;
}

/** Under the store's lock. Throws, with the old program in place, when it cannot be. */
export function replaceAttached(request: ReplaceAttachedRequest): ReplacedAttached {
  const { store, entry, object } = request;
  const facts = hookFacts(entry);
  const main = programForHook(
    object,
    { kind: facts.kind, target: facts.target, place: {} },
    wantedProgram(request, facts),
  );
  const cleanup = new Cleanup();
  try {
    const hook = cleanup.own(openHook(store, entry));
    const moves = request.attach !== undefined;
    if (!moves) hook.requireUpdatable();
    const expected = moves ? null : openExpected(request, hook, cleanup);
    // a struct_ops map is code, not state
    const code = isOperations(facts) ? facts.program : undefined;
    const version = { ...request, object: stripDataSections(object), fresh: request.fresh ?? [] };
    const job: Job = { ...planVersion(version, cleanup, code), request, facts, main, hook, expected };
    if (request.dryRun !== true) return run(job);
    requireNewMaps(job.state.plan, job.state.decisions);
    const { optimization, notes } = optimizationOutlook(object, job.optimize, name => name === main);
    return reportOf(job, { entry, bindings: [], notes, optimization });
  } finally {
    cleanup.undo();
  }
}

interface Job extends PlannedVersion {
  readonly request: ReplaceAttachedRequest;
  readonly facts: HookFacts;
  readonly main: string;
  readonly hook: Hook;
  /** What runs there, if it is the entry's; null: whatever is there. */
  readonly expected: Occupant | null;
}

/** The program that is requested, else the one of the same name; undefined: the only one. */
function wantedProgram({ object, program }: ReplaceAttachedRequest, facts: HookFacts): string | undefined {
  const kind = isOperations(facts) ? 'variable' : 'function';
  const stays = object.symbols.some(symbol => symbol.kind === kind && symbol.name === facts.program);
  return program ?? (stays ? facts.program : undefined);
}

/** The entry's own program on the hook. Throws `hook-changed` early, before anything is loaded. */
function openExpected(
  { store, entry, force }: ReplaceAttachedRequest,
  hook: Hook,
  cleanup: Cleanup,
): Occupant | null {
  if (force === true) return null;
  const { program } = hookFacts(entry);
  const own = [...entry.record.programs, ...entry.record.maps].find(({ name }) => name === program);
  const occupant = own === undefined ? undefined : openOccupant(store, entry, own.id);
  if (occupant === undefined) return null;
  cleanup.defer(() => occupant[Symbol.dispose]());
  requireOccupant(store.sys, hook, occupant, isOperations(hookFacts(entry)) ? 'map' : 'program');
  return occupant;
}

function run(job: Job): ReplacedAttached {
  const { request, main, state, settings, facts, optimize } = job;
  const { store, entry, object, options, binding = {}, logged } = request;
  const tables = isOperations(facts);
  const load: EntryLoad = {
    sys: store.sys,
    store,
    object,
    name: entry.name,
    options: {
      ...options,
      ...settings,
      ...given({ optimize }),
      reuse: plan => options.reuse?.(plan) ?? reusedMap(state, plan.name),
      ...(tables ? {} : { programs: name => name === main }),
    },
    binding: { ...storedBinding(entry), ...binding },
    ...given({ logged }),
  };
  return withEntryLoad(load, (loaded, kept, cleanup) => {
    request.ready?.();
    cleanup.defer(pinReused(loaded, state.decisions, pinRootOf(options)));
    const saved = save(job, loaded, kept, tables);
    afterSwitch(job.hook.place, () => setGivenValues(state, loaded));
    const { notes, plan } = loaded;
    const { bindings } = kept;
    return reportOf(job, { ...saved, bindings, notes, optimization: plan.optimization ?? null });
  });
}

/** How externs were bound stays until it is given again. */
function storedBinding(entry: StoreEntry): EntryLoad['binding'] {
  const { bindings, requests } = decodeDynamic(entry.record.data);
  const before = new Map(bindings.filter(({ of }) => of === '').map(binding => [binding.extern, binding]));
  return {
    bind: requests,
    viaOf: name => {
      const via = before.get(name)?.via;
      return via === 'ext' || via === 'tail' || via === 'copy' ? via : undefined;
    },
    reasonOf: name => before.get(name)?.reason,
  };
}

/** Saves the next generation, whose program runs then: in the place of the old one, or in another one. */
function save(job: Job, loaded: LoadedObject, kept: KeptBindings, tables: boolean): Saved {
  const { request, state } = job;
  const transfer = objectTransfer(state, loaded);
  transfer.run();
  const next = { job, loaded, kept, transfer };
  return { entry: request.attach === undefined ? saveInPlace(next, tables) : saveMoved(next), transfer };
}

interface Saved {
  readonly entry: StoreEntry;
  readonly transfer: StateTransfer;
}

/** Loaded, with the state of the old version. */
interface Next {
  readonly job: Job;
  readonly loaded: LoadedObject;
  readonly kept: KeptBindings;
  readonly transfer: StateTransfer;
}

/** The hook changes when everything is pinned; should saving fail after that, it changes back. */
function saveInPlace(next: Next, tables: boolean): StoreEntry {
  const { job, loaded, transfer } = next;
  const { request, main, hook, expected } = job;
  const { store, entry } = request;
  const occupant = tables ? prepareOperations(loaded, main) : loaded.program(main);
  let changed = false;
  try {
    return store.save('hook', entry.name, nextContents(next, hook), () => {
      transfer.run(); // again: as late as possible, what is written meanwhile is lost
      hook.update(occupant, expected);
      changed = true;
      // packets that are still in the old program must not meet arrays that are emptied with it
      waitForPrograms(store.sys);
    });
  } catch (error) {
    if (changed && expected !== null) hook.update(expected, occupant);
    else if (changed)
      afterSwitch(hook.place, () => {
        throw error;
      });
    throw error;
  }
}

/**
 * The new version runs beside the old one until its generation counts. A process that is killed between leaves
 * two generations with a link each: the store keeps one.
 */
function saveMoved(next: Next): StoreEntry {
  const { job, loaded } = next;
  const { request, main, hook } = job;
  const { store, entry, attach } = request;
  if (attach === undefined) throw bugError([entry.name], 'is moved without a place');
  using moved = attach(loaded, main);
  const saved = store.save('hook', entry.name, nextContents(next, moved));
  afterSwitch(moved.place, () => {
    hook.detach(null); // others may hold the link for a moment
    waitForPrograms(store.sys);
  });
  return saved;
}

function nextContents({ job, loaded, kept }: Next, hook: Hook): Contents {
  const { source, files, time } = job.request;
  const links = new Map([...hookLinks(hook), ...kept.links]);
  const data = nextData(job, hook, kept, loaded);
  return { source, files, time, programs: loaded.programs, maps: loaded.maps, links, data };
}

function nextData(
  { request, main, state, settings, optimize }: Job,
  hook: Hook,
  kept: KeptBindings,
  loaded: LoadedObject,
): JsonObject {
  const { attach, dynamic: _bindings, relink: _slots, ...others } = request.entry.record.data;
  const before = fieldsOf(attach);
  return {
    ...others,
    ...hook.record,
    attach: { ...before, program: main },
    ...encodeEntryState(nextEntryState(state, loaded, settings, optimize)),
    ...kept.data,
    ...request.data,
  };
}

function reportOf(
  { hook, main, state, settings, dropped }: Job,
  {
    transfer,
    ...reported
  }: Pick<ReplacedAttached, 'entry' | 'bindings' | 'notes' | 'optimization'> & {
    readonly transfer?: StateTransfer;
  },
): ReplacedAttached {
  return {
    ...reported,
    place: hook.place,
    program: main,
    state: reportState([...state.decisions.values()], state.dropped, transfer),
    settings,
    droppedSettings: dropped,
  };
}
