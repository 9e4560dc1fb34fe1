/** What is kept of the old program when that of an attachment is exchanged. */

import { compareTypes, parseBtf } from '../src/btf/index.ts';
import { fieldsOf } from '../src/hooks/fields.ts';
import { openById, readBtfBytes } from '../src/kernel/info.ts';
import type { BpfMap } from '../src/kernel/map.ts';
import type { Sys } from '../src/kernel/sys.ts';
import { HOST_ORDER } from '../src/kernel/uapi.ts';
import { type LoadPlan, type MapPlan, shapeDifferences } from '../src/load/index.ts';
import type { Store, StoreEntry } from '../src/store/index.ts';

/** What became of a map of the old generation. */
export interface KeptMap {
  readonly name: string;
  readonly kept: boolean;
  /** Why not; '' when it was kept. */
  readonly why: string;
}

/** Chooses the maps that a new generation takes over: those of equal name and definition. Constants are always new. */
export class StateKeeper {
  readonly #store: Store;
  readonly #entry: StoreEntry;
  readonly #plan: LoadPlan;
  readonly results: KeptMap[] = [];

  constructor(store: Store, entry: StoreEntry, plan: LoadPlan) {
    this.#store = store;
    this.#entry = entry;
    this.#plan = plan;
  }

  /** The old map for a planned one; undefined when there is none, or it is another one. */
  reuse(plan: MapPlan): BpfMap | undefined {
    const known = this.#entry.record.maps.some(({ name }) => name === plan.name);
    if (!known || plan.frozen || plan.operations !== undefined || plan.name === '.kconfig') return undefined;
    const map = this.#store.openMap(this.#entry, plan.name);
    const why = this.#difference(map, plan);
    this.results.push({ name: plan.name, kept: why === '', why });
    if (why === '') return map;
    map.close();
    return undefined;
  }

  #difference(map: BpfMap, plan: MapPlan): string {
    const [shape] = shapeDifferences(map, plan);
    if (shape !== undefined) return shape;
    if (!plan.name.startsWith('.')) return typeDifference(this.#store.sys, map, plan, this.#plan);
    const { variables: laidOut } = this.#entry.record.data;
    const old = fieldsOf(laidOut)[plan.name] ?? [];
    const variables = this.#plan.globals.filter(({ section }) => section === plan.name);
    const layout = variables.map(({ name, offset, size }) => [name, offset, size]);
    return JSON.stringify(old) === JSON.stringify(layout) ? '' : 'its variables are others, or lie elsewhere';
  }
}

/** In words; '' when keys and values have the same types, or their types are not known. */
function typeDifference(sys: Sys, map: BpfMap, plan: MapPlan, { types }: LoadPlan): string {
  const info = map.info();
  if (types === null || info.btfId === 0 || plan.keyType === 0) return '';
  const fd = openById(sys, 'btf', info.btfId);
  if (fd === undefined) return '';
  try {
    const old = parseBtf(readBtfBytes(sys, fd.number), HOST_ORDER);
    for (const [what, before, after] of [
      ['key', info.keyTypeId, plan.keyType],
      ['value', info.valueTypeId, plan.valueType],
    ] as const) {
      const mismatch =
        before === 0 || after === 0 ? null : compareTypes(old, before, types, after, { strict: true });
      if (mismatch !== null) return `${what}: ${mismatch.left} became ${mismatch.right}`;
    }
    return '';
  } finally {
    fd.close();
  }
}
