/**
 * Carrying out decisions about state: a plan with maps that exist already, and the values that new maps get
 * of old ones.
 *
 * Nothing that the running generation uses is written here. Values are copied into maps that no attached
 * program uses yet; they may be copied again as late as possible, since what programs write between copy and
 * switch is lost.
 */

import { elementAt } from '../bytes/index.ts';
import { bugError } from '../diag/index.ts';
import { BpfMap } from '../kernel/index.ts';
import {
  DEFAULT_PIN_ROOT,
  type ExecuteOptions,
  isPinned,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  type MapPlan,
  pinMap,
  pinPathOf,
} from '../load/index.ts';
import { type CarriedEntries, ContentsMerge, type Successors, staticContents } from './contents.ts';
import type { CarriedVariable, Decision, MapDecision, StoredState } from './decision.ts';
import { innerDefinition } from './definitions.ts';
import { mapKey } from './identity.ts';
import type { PlannedState } from './plan.ts';

/** Another descriptor of the same map, owned by the caller. */
export function duplicateMap(map: BpfMap): BpfMap {
  return BpfMap.adopt(map.sys, map.fd.duplicate());
}

/** The plan in which maps that are reused have no contents to write. Kernel names and pins stay. */
export function planWithState(plan: LoadPlan, decisions: ReadonlyMap<string, MapDecision>): LoadPlan {
  const maps = plan.maps.map(map => {
    const decision = decisions.get(map.name)?.decision;
    return decision?.kind === 'reuse' ? reusedPlan(map, decision) : map;
  });
  return { ...plan, maps };
}

function reusedPlan(map: MapPlan, { previous }: Extract<Decision, { readonly kind: 'reuse' }>): MapPlan {
  return { ...map, maxEntries: previous.map.maxEntries, contents: null, initial: [] };
}

/** For `ExecuteOptions.reuse`: the maps that decisions reuse. */
export function reuseOf(decisions: ReadonlyMap<string, MapDecision>): NonNullable<ExecuteOptions['reuse']> {
  return ({ name }) => {
    const decision = decisions.get(name)?.decision;
    return decision?.kind === 'reuse' ? duplicateMap(decision.previous.map) : undefined;
  };
}

/** Where maps are pinned by name; null: nowhere. */
export function pinRootOf({ pinRoot }: Pick<LoadOptions, 'pinRoot'>): string | null {
  return pinRoot === undefined ? DEFAULT_PIN_ROOT : pinRoot;
}

/** Pins reused maps whose pin by name was removed. Returns what removes the pins again. */
export function pinReused(
  loaded: LoadedObject,
  decisions: ReadonlyMap<string, MapDecision>,
  pinRoot: string | null,
): () => void {
  const undo: (() => void)[] = [];
  for (const plan of loaded.plan.maps) {
    const path = pinRoot === null ? undefined : pinPathOf(plan, pinRoot, loaded.plan.source);
    const map = loaded.maps.get(plan.name);
    if (path === undefined || map === undefined || decisions.get(plan.name)?.decision.kind !== 'reuse')
      continue;
    if (!isPinned(map.sys, path)) undo.push(pinMap(map, path));
  }
  return () => {
    for (const step of undo.reverse()) step();
  };
}

/**
 * What a generation remembers of the maps of a loaded object. Reused maps keep what was remembered of them.
 */
export function storedStates(
  loaded: LoadedObject,
  states: readonly PlannedState[],
  decisions: ReadonlyMap<string, MapDecision>,
): Map<string, { readonly state: StoredState; readonly map: BpfMap }> {
  const stored = new Map<string, { readonly state: StoredState; readonly map: BpfMap }>();
  for (const { map: name, ...identity } of states) {
    const map = loaded.maps.get(name);
    const plan = loaded.plan.maps.find(candidate => candidate.name === name);
    if (map === undefined || plan === undefined) continue;
    const decision = decisions.get(name)?.decision;
    const kept = decision?.kind === 'reuse' ? decision.previous.state : undefined;
    const contents = kept === undefined ? writtenContents(loaded, plan) : kept.contents;
    const inner = innerDefinition(loaded.plan, plan);
    const pinned = plan.pinning === 0 ? {} : ({ pinned: true } as const);
    stored.set(mapKey(identity), { state: { ...identity, contents, inner, ...pinned }, map });
  }
  return stored;
}

function writtenContents(loaded: LoadedObject, { initial }: MapPlan): StoredState['contents'] {
  return staticContents(
    initial.map(({ index, target }) => {
      const made = target.kind === 'program' ? loaded.program(target.program) : mapAt(loaded, target.map);
      return [index, made.info().id] as const;
    }),
  );
}

function mapAt(loaded: LoadedObject, index: number): BpfMap {
  const map = loaded.maps.get(elementAt(loaded.plan.maps, index).name);
  if (map === undefined) throw bugError([loaded.plan.source], `no map ${index}`);
  return map;
}

// --- values -------------------------------------------------------------------------------------------------------

/** Copies values from the running generation into the next one. */
export class StateTransfer {
  readonly #variables: (() => void)[] = [];
  readonly #merges = new Map<string, ContentsMerge>();
  readonly #entries = new Map<string, CarriedEntries>();

  /** `successors`: what programs and maps of the old generation become, for arrays that hold them. */
  add(loaded: LoadedObject, decisions: ReadonlyMap<string, MapDecision>, successors: Successors): void {
    for (const [name, { identity, decision }] of decisions) {
      const to = loaded.maps.get(name);
      if (to === undefined) continue;
      if (decision.kind === 'migrate')
        this.#variables.push(() => carryValues(decision.previous.map, to, decision.variables));
      if (decision.kind === 'rebuild')
        this.#merges.set(
          mapKey(identity),
          new ContentsMerge(decision.previous, to, initialOf(loaded, name), successors),
        );
    }
  }

  /** May be repeated until the switch. */
  run(): void {
    for (const copy of this.#variables) copy();
    for (const [key, merge] of this.#merges) this.#entries.set(key, merge.apply());
  }

  /** Entries of the last run, by `mapKey`. */
  get entries(): ReadonlyMap<string, CarriedEntries> {
    return this.#entries;
  }
}

function initialOf(loaded: LoadedObject, name: string): Map<number, number> {
  const plan = loaded.plan.maps.findIndex(map => map.name === name);
  return new Map(
    elementAt(loaded.plan.maps, plan).initial.map(({ index, target }) => {
      const made = target.kind === 'program' ? loaded.program(target.program) : mapAt(loaded, target.map);
      return [index, made.fd.number] as const;
    }),
  );
}

/** Copies values into a map that no attached program uses yet. */
export function carryValues(from: BpfMap, to: BpfMap, variables: readonly CarriedVariable[]): void {
  const key = new Uint8Array(4);
  const old = from.lookup(key);
  const value = to.lookup(key);
  if (old === undefined || value === undefined) return;
  for (const { from: at, to: place, size } of variables) value.set(old.subarray(at, at + size), place);
  to.update(key, value);
}
