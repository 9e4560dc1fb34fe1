/**
 * State across generations: which maps of a new generation are those of the old one.
 *
 * Every component (and the rootlet) has data sections under a name of their own and always whole, so that their layouts
 * depend on its file alone and not on who else is plugged in: the map of an unchanged component is always the same map,
 * and replacing a neighbour loses not even one update. Where a new version of a component has another layout, its
 * variables are copied by name and type just before the switch; what packets write between copy and switch is lost then.
 * What a map is like is asked of the kernel, which keeps its types; no other memory of the old generation is needed.
 */

import { type Btf, type BtfDataSec, type BtfId, compareTypes, parseBtf } from '../btf/index.ts';
import { quote } from '../diag/index.ts';
import { openById, readBtfBytes } from '../kernel/info.ts';
import type { BpfMap } from '../kernel/map.ts';
import { HOST_ORDER } from '../kernel/uapi.ts';
import { type LoadPlan, type MapPlan, shapeDifferences } from '../load/index.ts';
import { globalsKind } from '../load/plan-maps.ts';

/** Program array of a rootlet with tail-call slots. */
export const SLOT_ARRAY = 'rootlet_slots';

/** Whose a map is, and what its owner calls it. */
export interface StateRecord {
  /** Name in the plan of the load. */
  readonly map: string;
  /** Component (`componentOf`); null for the rootlet. */
  readonly owner: string | null;
  /** Name of the map or data section in its owner's file. */
  readonly original: string;
}

/** A map of the generation that runs. */
export interface OldState {
  readonly record: StateRecord;
  readonly map: BpfMap;
}

/** A variable whose value goes from an old map to a new one. */
export interface CarriedVariable {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

export type Inheritance =
  /** The old map is used. */
  | { readonly kind: 'same'; readonly map: BpfMap }
  /** A new map gets the values of some variables. `lost`: variables of the old one that have no successor. */
  | {
      readonly kind: 'copied';
      readonly map: BpfMap;
      readonly variables: readonly CarriedVariable[];
      readonly lost: readonly string[];
    }
  /** Constants of an unchanged file: a new map begins with the values of the old one. */
  | { readonly kind: 'constants'; readonly map: BpfMap }
  /** There is nothing to inherit, or it does not fit (`differs`). */
  | { readonly kind: 'new'; readonly reason: string; readonly differs?: boolean };

/** What a map inherits from, and whether it is the same file's as before. */
export interface Predecessor extends OldState {
  readonly unchanged: boolean;
}

/** How each map of the new generation begins, by its name in the plan. Only maps with a record inherit. */
export function inheritState(
  plan: LoadPlan,
  records: readonly StateRecord[],
  predecessorOf: (record: StateRecord) => Predecessor | undefined,
): Map<string, Inheritance> {
  const types = new MapTypes();
  const inherited = new Map<string, Inheritance>();
  for (const map of plan.maps) {
    const record = records.find(candidate => candidate.map === map.name);
    if (record === undefined) continue;
    inherited.set(map.name, inheritOne(plan, map, predecessorOf(record), types));
  }
  return inherited;
}

function inheritOne(
  plan: LoadPlan,
  map: MapPlan,
  old: Predecessor | undefined,
  types: MapTypes,
): Inheritance {
  if (old === undefined) return { kind: 'new', reason: 'nothing was there before' };
  if (map.frozen) {
    const same = old.unchanged && old.map.valueSize === map.valueSize;
    return same
      ? { kind: 'constants', map: old.map }
      : { kind: 'new', reason: 'constants belong to the code' };
  }
  if (map.initial.some(({ target }) => target.kind === 'program'))
    return { kind: 'new', reason: 'it holds programs of its own generation' };
  if (globalsKind(map.name) !== undefined) return inheritVariables(plan, map, old.map, types);
  // a size that was given when the rootlet was attached stays
  const planned = old.unchanged ? { ...map, maxEntries: old.map.maxEntries } : map;
  return inheritMap(plan, planned, old.map, types);
}

// --- maps ---------------------------------------------------------------------------------------------------------

function inheritMap(plan: LoadPlan, map: MapPlan, old: BpfMap, types: MapTypes): Inheritance {
  const differences = shapeDifferences(old, map);
  const there = types.of(old);
  if (differences.length === 0 && there !== undefined && plan.types !== null && map.typed) {
    for (const [what, idThere, idHere] of [
      ['key', there.key, map.keyType],
      ['value', there.value, map.valueType],
    ] as const) {
      const mismatch =
        idThere === 0 || idHere === 0
          ? null
          : compareTypes(there.btf, idThere, plan.types, idHere, { strict: true });
      if (mismatch !== null) {
        const path = mismatch.path === '' ? '' : ` at ${mismatch.path}`;
        differences.push(`type of ${what} was ${mismatch.left} and is ${mismatch.right}${path}`);
      }
    }
  }
  if (differences.length === 0) return { kind: 'same', map: old };
  return { kind: 'new', reason: `it is another map: ${differences.join(', ')}`, differs: true };
}

// --- variables ----------------------------------------------------------------------------------------------------

interface Placed {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly type: BtfId;
}

function inheritVariables(plan: LoadPlan, map: MapPlan, old: BpfMap, types: MapTypes): Inheritance {
  const there = types.of(old);
  const before = there === undefined ? undefined : variablesOf(there.btf, there.value);
  const now = plan.types === null ? undefined : variablesOf(plan.types, map.valueType);
  if (there === undefined || before === undefined || plan.types === null || now === undefined) {
    const same = before === now && shapeDifferences(old, map).length === 0;
    return same
      ? { kind: 'same', map: old }
      : { kind: 'new', reason: 'the types of its variables are not known' };
  }
  const agree = (a: Placed, b: Placed): boolean =>
    a.size === b.size &&
    compareTypes(there.btf, a.type, plan.types as Btf, b.type, { strict: true }) === null; // not null, see above
  const sameLayout =
    shapeDifferences(old, map).length === 0 &&
    before.length === now.length &&
    before.every((a, at) => {
      const b = now[at];
      return b !== undefined && a.name === b.name && a.offset === b.offset && agree(a, b);
    });
  if (sameLayout) return { kind: 'same', map: old };
  const variables = now.flatMap((b): CarriedVariable[] => {
    const candidates = before.filter(({ name }) => name === b.name);
    const [a] = candidates;
    const isUnique = candidates.length === 1 && now.filter(({ name }) => name === b.name).length === 1;
    if (a === undefined || !isUnique || !agree(a, b)) return [];
    return [{ name: b.name, from: a.offset, to: b.offset, size: b.size }];
  });
  const carried = new Set(variables.map(({ name }) => name));
  const lost = before.flatMap(({ name }) => (carried.has(name) ? [] : [name]));
  if (variables.length === 0)
    return {
      kind: 'new',
      reason: `none of its variables is as it was: ${lost.map(quote).join(', ')}`,
      differs: true,
    };
  return { kind: 'copied', map: old, variables, lost };
}

function variablesOf(btf: Btf, section: BtfId): Placed[] | undefined {
  const type = section === 0 || section > btf.count ? undefined : btf.type(section);
  if (type?.kind !== 'datasec') return undefined;
  return placedIn(btf, type);
}

function placedIn(btf: Btf, section: BtfDataSec): Placed[] {
  return section.vars
    .flatMap(({ type, offset, size }): Placed[] => {
      const variable = btf.type(type);
      return variable.kind === 'var' ? [{ name: variable.name, offset, size, type: variable.type }] : [];
    })
    .sort((a, b) => a.offset - b.offset);
}

/** Copies values into a map that no program uses yet. */
export function carryValues(from: BpfMap, to: BpfMap, variables: readonly CarriedVariable[]): void {
  const key = new Uint8Array(4);
  const old = from.lookup(key);
  const value = to.lookup(key);
  if (old === undefined || value === undefined) return;
  for (const { from: at, to: place, size } of variables) value.set(old.subarray(at, at + size), place);
  to.update(key, value);
}

// --- types that the kernel keeps ----------------------------------------------------------------------------------

interface KeptTypes {
  readonly btf: Btf;
  readonly key: BtfId;
  readonly value: BtfId;
}

/** Types of maps, each BTF object read once. */
class MapTypes {
  readonly #btf = new Map<number, Btf | undefined>();

  /** Undefined when the map was made without types. */
  of(map: BpfMap): KeptTypes | undefined {
    const { btfId, keyTypeId, valueTypeId } = map.info();
    if (btfId === 0) return undefined;
    if (!this.#btf.has(btfId)) this.#btf.set(btfId, readBtf(map, btfId));
    const btf = this.#btf.get(btfId);
    return btf === undefined ? undefined : { btf, key: keyTypeId, value: valueTypeId };
  }
}

function readBtf(map: BpfMap, id: number): Btf | undefined {
  const fd = openById(map.sys, 'btf', id);
  if (fd === undefined) return undefined;
  try {
    return parseBtf(readBtfBytes(map.sys, fd.number), HOST_ORDER);
  } finally {
    fd.close();
  }
}
