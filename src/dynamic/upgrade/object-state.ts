/**
 * State of an entry that is one object (loaded, or attached without components) when its code changes: the
 * planner's request, what is copied, and what the record remembers afterwards.
 */

import { given } from '../../bytes/index.ts';
import type { BpfMap, BpfProgram, Sys } from '../../kernel/index.ts';
import type { OptimizeSetting } from '../../load/index.ts';
import {
  type Cleanup,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  prepareLoad,
} from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { globalsKind } from '../../object/index.ts';
import {
  type DroppedMap,
  decodeEntryState,
  duplicateMap,
  type EntryState,
  FreshNames,
  type MapDecision,
  mapNames,
  type PlannedState,
  pinRootOf,
  planState,
  type Settings,
  StateTransfer,
  type StoredState,
  sameBytes,
  settingsFor,
  storedStates,
  variableNames,
} from '../../state/index.ts';
import type { RecordFiles, Store, StoreEntry } from '../../store/index.ts';
import { type FullContents, OBJECT_FILE, objectOf, openContents } from '../entries/index.ts';
import { assignSettings, carrySettings, settingsOf } from '../slots/index.ts';

/** What runs, opened. The caller owns it, for longer than what is planned from it. */
export interface RunningObject {
  /** Maps and data sections that its object defines; the other maps belong to objects that it is bound to. */
  readonly own: ReadonlySet<string>;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly state: EntryState;
}

/** Programs and maps of an entry, open until `cleanup` closes them. */
export function openRunning(store: Store, entry: StoreEntry, cleanup: Cleanup): RunningObject {
  return runningObject(objectOf(store, entry), openContents(store, entry, cleanup));
}

/** The same of contents that are open already. */
export function runningObject(object: BpfObject, contents: FullContents): RunningObject {
  const { programs, maps, data } = contents;
  const sections = object.sections.flatMap(({ name }) => (globalsKind(name) === undefined ? [] : [name]));
  return { own: new Set([...mapNames(object), ...sections]), programs, maps, state: decodeEntryState(data) };
}

export interface ObjectStateRequest {
  readonly sys: Sys;
  readonly running: RunningObject;
  readonly object: BpfObject;
  /** With all values and sizes that are in force. */
  readonly options: LoadOptions;
  /** What the caller gives now. */
  readonly given: Settings;
  readonly fresh: FreshNames;
  /** The code is the same; it is loaded again for another reason. */
  readonly unchanged: boolean;
}

/** Decisions about the maps of one object. */
export interface ObjectState {
  readonly request: ObjectStateRequest;
  /** Of the maps; without programs. */
  readonly plan: LoadPlan;
  readonly decisions: ReadonlyMap<string, MapDecision>;
  readonly states: readonly PlannedState[];
  readonly dropped: readonly DroppedMap[];
}

/** Nothing is created, and no extern is looked up. */
export function planObjectState(request: ObjectStateRequest): ObjectState {
  const { sys, running, object, options, fresh, given } = request;
  const { plan } = prepareLoad(object, sys, { ...options, mapsOnly: true });
  const states = plan.maps.map(({ name }) => ({ map: name, owner: null, name }));
  const decisions = planState({
    sys,
    plan,
    states,
    previous: ({ name }) => {
      const map = running.maps.get(name);
      return map === undefined ? undefined : { map, state: stateIn(running, name) };
    },
    unchanged: () => request.unchanged,
    keepsPrograms: () => false,
    fresh: fresh.covers,
    freshVariable: (_, variable) => fresh.coversVariable(null, variable),
    givenVariable: (_, variable) =>
      [...given.globals.keys()].some(name => name === variable || name.endsWith(`:${variable}`)),
    pinRoot: pinRootOf(options),
  });
  return { request, plan, decisions, states, dropped: droppedMaps(running, decisions) };
}

/** An entry of another version of rootlet remembers nothing of what was written into its maps. */
function stateIn({ state }: RunningObject, name: string): StoredState {
  return state.states.get(name) ?? { owner: null, name, contents: null, inner: null };
}

function droppedMaps(running: RunningObject, decisions: ReadonlyMap<string, MapDecision>): DroppedMap[] {
  return [...running.maps.keys()].flatMap((name): DroppedMap[] => {
    const isState = running.own.has(name) && globalsKind(name) !== 'rodata';
    if (decisions.has(name) || !isState) return [];
    return [{ identity: { owner: null, name }, reason: 'the new version has no such map' }];
  });
}

/** A new version of an entry's object, before it is loaded. */
export interface PlannedVersion {
  readonly state: ObjectState;
  /** Values and sizes in force. */
  readonly settings: Settings;
  /** Settings that no longer fit, one sentence each. */
  readonly dropped: readonly string[];
  /** How its code is optimized, where that was given now or before. */
  readonly optimize: OptimizeSetting | undefined;
}

export interface VersionRequest {
  readonly store: Store;
  readonly entry: StoreEntry;
  readonly object: BpfObject;
  /** What the record will keep. */
  readonly files: RecordFiles;
  readonly options: LoadOptions;
  /** `FreshNames`. */
  readonly fresh: readonly string[];
  /** All settings from now on. Default: those that the entry has, and what `options` gives. */
  readonly settings?: Settings;
}

/**
 * Plans state and settings of a new version. What is opened stays open until `cleanup`. `code`: a map that is
 * not state.
 */
export function planVersion(request: VersionRequest, cleanup: Cleanup, code?: string): PlannedVersion {
  const { store, entry, object, files, options } = request;
  const all = openRunning(store, entry, cleanup);
  const running = { ...all, maps: new Map([...all.maps].filter(([name]) => name !== code)) };
  const targets = [{ owner: '', object, putIn: true }];
  const given = assignSettings(settingsOf(options), targets);
  const before = request.settings === undefined ? running.state.settings : new Map([['', request.settings]]);
  const carried = carrySettings(before, given, targets, owner => owner);
  const settings = settingsFor(carried.settings, '');
  const fresh = new FreshNames(request.fresh);
  fresh.require(new Set([...running.own, ...mapNames(object)]), variableNames(object));
  const [bytes, next] = [store.files(entry).get(OBJECT_FILE), files.get(OBJECT_FILE)];
  const state = planObjectState({
    sys: store.sys,
    running,
    object,
    options: { ...options, ...settings },
    given: settingsFor(given, ''),
    fresh,
    unchanged: bytes !== undefined && next !== undefined && sameBytes(bytes, next),
  });
  const optimize = options.optimize ?? running.state.optimize;
  return { state, settings, dropped: carried.dropped, optimize };
}

/** For `LoadOptions.reuse`: the map of the running object, where it continues. */
export function reusedMap({ decisions }: ObjectState, name: string): BpfMap | undefined {
  const decision = decisions.get(name)?.decision;
  return decision?.kind === 'reuse' ? duplicateMap(decision.previous.map) : undefined;
}

/** Copies values and entries of the running object into the loaded one, which nothing runs yet. */
export function objectTransfer({ request, decisions }: ObjectState, loaded: LoadedObject): StateTransfer {
  const { programs, maps } = request.running;
  const own = new Map<number, number | null>();
  for (const [name, program] of programs)
    own.set(program.info().id, loaded.programs.get(name)?.fd.number ?? null);
  for (const [name, map] of maps) own.set(map.info().id, loaded.maps.get(name)?.fd.number ?? null);
  const transfer = new StateTransfer();
  transfer.add(loaded, decisions, { of: id => own.get(id) });
  return transfer;
}

/** What the record of the next version remembers. */
export function nextEntryState(
  { states, decisions }: Pick<ObjectState, 'states' | 'decisions'>,
  loaded: LoadedObject,
  settings: Settings,
  optimize?: OptimizeSetting,
): EntryState {
  const stored = storedStates(loaded, states, decisions);
  const { optimized } = loaded.plan;
  return {
    states: new Map([...stored].map(([key, { state }]) => [key, state])),
    settings: new Map([['', settings]]),
    ...given({ optimize, optimized }),
  };
}

/** Of an object that was loaded for the first time. */
export function firstEntryState(
  loaded: LoadedObject,
  settings: Settings,
  optimize?: OptimizeSetting,
): EntryState {
  const states = [...loaded.maps.keys()].map(name => ({ map: name, owner: null, name }));
  return nextEntryState({ states, decisions: new Map() }, loaded, settings, optimize);
}

/** Writes values that are given now into maps that continue. Only after the switch. */
export function setGivenValues({ request, decisions }: ObjectState, loaded: LoadedObject): void {
  for (const [name, value] of request.given.globals) {
    const global = loaded.plan.globals.find(
      one => one.name === name || `${one.section}:${one.name}` === name,
    );
    const reused = global !== undefined && decisions.get(global.section)?.decision.kind === 'reuse';
    if (reused && !global.constant) loaded.variables.set(name, value);
  }
}
