/**
 * The one planner of state: what happens to every map and data section of an object when code changes.
 *
 * It decides from the plan of the load, from what the running generation has, and from a policy. It creates
 * and changes nothing. Attached programs, slots of rootlets and loaded objects all use it, so that one rule
 * holds for all of them.
 */

import { elementAt } from '../bytes/index.ts';
import { RootletError } from '../diag/index.ts';
import type { Sys } from '../kernel/index.ts';
import { type LoadPlan, type MapPlan, openPinnedMap, pinPathOf } from '../load/index.ts';
import { globalsKind } from '../object/index.ts';
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_PROG_ARRAY } from '../uapi/index.ts';
import type { Decision, MapDecision, PreviousMap } from './decision.ts';
import { mapDifferences } from './definitions.ts';
import type { MapIdentity } from './identity.ts';
import { MapTypes } from './map-types.ts';
import { decideVariables } from './variables.ts';

/** A map of a load plan that is state, and whose it is. Merged maps have several owners. */
export interface PlannedState extends MapIdentity {
  /** Name in the plan. */
  readonly map: string;
}

export interface StateRequest {
  readonly sys: Sys;
  readonly plan: LoadPlan;
  readonly states: readonly PlannedState[];
  /** The map of the running generation that one inherits from. */
  readonly previous: (identity: MapIdentity) => PreviousMap | undefined;
  /** Whether the file and the settings of an owner are those of the running generation. */
  readonly unchanged: (identity: MapIdentity) => boolean;
  /** Whether its arrays keep the very programs that they hold, which are not loaded again. */
  readonly keepsPrograms: (identity: MapIdentity) => boolean;
  /** Whether the caller requests new contents. */
  readonly fresh: (identity: MapIdentity) => boolean;
  /** The same for one variable of a section. */
  readonly freshVariable: (identity: MapIdentity, variable: string) => boolean;
  /** Whether a variable is given a value now, which goes before what it holds. */
  readonly givenVariable: (identity: MapIdentity, variable: string) => boolean;
  /** Directory of maps that are pinned by name; null: none is. */
  readonly pinRoot: string | null;
}

/**
 * Decisions by the name of the map in the plan. Maps without an owner, such as `.kconfig`, are always new.
 */
export function planState(request: StateRequest): ReadonlyMap<string, MapDecision> {
  const types = new MapTypes();
  const decided = new Map<string, MapDecision>();
  for (const map of innerFirst(request.plan.maps)) {
    const identity = request.states.find(state => state.map === map.name);
    if (identity === undefined || map.operations !== undefined) continue;
    decided.set(map.name, { identity, decision: decide(request, map, identity, { types, decided }) });
  }
  return new Map(request.plan.maps.flatMap(({ name }) => entryOf(decided, name)));
}

/** Maps that hold others come after them. */
function innerFirst(maps: readonly MapPlan[]): MapPlan[] {
  const holdsMaps = ({ initial }: MapPlan): boolean => initial.some(({ target }) => target.kind === 'map');
  return [...maps.filter(map => !holdsMaps(map)), ...maps.filter(holdsMaps)];
}

function entryOf(decided: ReadonlyMap<string, MapDecision>, name: string): [string, MapDecision][] {
  const one = decided.get(name);
  return one === undefined ? [] : [[name, one]];
}

interface Known {
  readonly types: MapTypes;
  /** Decisions on the maps that one can hold. */
  readonly decided: ReadonlyMap<string, MapDecision>;
}

function decide(request: StateRequest, map: MapPlan, identity: MapIdentity, known: Known): Decision {
  const { types } = known;
  const pinned = decidePinned(request, map);
  if (pinned !== undefined) return pinned;
  const previous = request.previous(identity);
  if (previous === undefined) return { kind: 'new', reason: 'there was none' };
  if (map.frozen) return decideConstants(map, previous);
  if (previous.state.pinned === true && map.pinning === 0)
    return {
      kind: 'reset',
      previous,
      reason: 'it is no longer pinned by name, and others use the pinned map',
    };
  if (request.fresh(identity)) return { kind: 'reset', previous, reason: 'as requested with --fresh' };
  const unchanged = request.unchanged(identity);
  if (hasStaticContents(map, previous)) return decideContents(request, map, identity, previous, known);
  if (globalsKind(map.name) !== undefined)
    return decideVariables(request.plan, map, previous, types, unchanged, {
      fresh: variable => request.freshVariable(identity, variable),
      given: variable => request.givenVariable(identity, variable),
    });
  if (!unchanged && map.type === BPF_MAP_TYPE_ARENA && map.contents !== null)
    return { kind: 'reset', previous, reason: 'the variables in the arena may have moved' };
  const differences = mapDifferences(request.plan, map, previous, types);
  if (differences.length === 0) return { kind: 'reuse', previous };
  return { kind: 'reset', previous, reason: differences.join(', ') };
}

/** A map that is pinned by name is what is pinned there, whatever the running generation has. */
function decidePinned({ sys, pinRoot, plan }: StateRequest, map: MapPlan): Decision | undefined {
  const path = pinRoot === null ? undefined : pinPathOf(map, pinRoot, plan.source);
  if (path === undefined) return undefined;
  try {
    const there = openPinnedMap(sys, path, map);
    there?.close();
    return there === undefined ? undefined : { kind: 'pinned', path };
  } catch (error) {
    if (!(error instanceof RootletError) || error.code !== 'load-map-mismatch') throw error;
    return { kind: 'refuse', reason: elementAt(error.problems, 0).message };
  }
}

/**
 * Constants are what the file and the settings say. Equal ones stay in their map, so that it keeps its id.
 */
function decideConstants(map: MapPlan, previous: PreviousMap): Decision {
  const fits = previous.map.valueSize === map.valueSize && previous.map.flags === map.flags;
  const before = fits ? previous.map.lookup(new Uint8Array(4)) : undefined;
  const now = map.contents ?? new Uint8Array(map.valueSize);
  const same = before?.every((byte, at) => byte === now[at]) === true;
  return same ? { kind: 'reuse', previous } : { kind: 'new', reason: 'constants belong to the code' };
}

/** Whether the old or the new map is filled from the object: such a map belongs to its generation. */
function hasStaticContents(map: MapPlan, previous: PreviousMap): boolean {
  return map.initial.length > 0 || (previous.state.contents?.size ?? 0) > 0;
}

function decideContents(
  request: StateRequest,
  map: MapPlan,
  identity: MapIdentity,
  previous: PreviousMap,
  { types, decided }: Known,
): Decision {
  const holdsPrograms = map.type === BPF_MAP_TYPE_PROG_ARRAY;
  const same = holdsPrograms
    ? request.keepsPrograms(identity)
    : request.unchanged(identity) && keepsInner(request.plan, map, decided);
  const differences = mapDifferences(request.plan, map, previous, types);
  if (same && differences.length === 0) return { kind: 'reuse', previous };
  const { map: old } = previous;
  return old.type === map.type && old.keySize === map.keySize
    ? { kind: 'rebuild', previous }
    : { kind: 'reset', previous, reason: differences.join(', ') };
}

/** Whether all maps that one holds from the beginning are those of the running generation. */
function keepsInner({ maps }: LoadPlan, { initial }: MapPlan, decided: Known['decided']): boolean {
  return initial.every(({ target }) => {
    if (target.kind !== 'map') return true;
    return decided.get(elementAt(maps, target.map).name)?.decision.kind === 'reuse';
  });
}
