/**
 * Whether an old map is what the next version would have created: definition, and types of keys and values.
 */

import { compareTypes, formatType } from '../btf/index.ts';
import type { BpfMap } from '../kernel/index.ts';
import { type LoadPlan, type MapPlan, shapeDifferences } from '../load/index.ts';
import type { PreviousMap } from './decision.ts';
import type { MapTypes } from './map-types.ts';

/** The differences, as text; empty when the old map can be used in place of a new one. */
export function mapDifferences(
  plan: LoadPlan,
  map: MapPlan,
  { map: old, state }: PreviousMap,
  types: MapTypes,
): string[] {
  const differences = shapeDifferences(old, map).map(
    ({ field, existing, wanted }) => `${field} was ${existing} and is ${wanted}`,
  );
  const inner = innerDefinition(plan, map);
  if (state.inner !== null && inner !== null && state.inner !== inner)
    differences.push(`inner maps were ${state.inner} and are ${inner}`);
  return differences.length > 0 ? differences : typeDifferences(plan, map, old, types);
}

function typeDifferences(plan: LoadPlan, map: MapPlan, old: BpfMap, types: MapTypes): string[] {
  const there = types.of(old);
  const here = plan.types;
  if (there === undefined || here === null || !map.typed) return [];
  const sides = [
    ['key', there.key, map.keyType],
    ['value', there.value, map.valueType],
  ] as const;
  return sides.flatMap(([what, before, after]) => {
    if (before === 0 || after === 0) return [];
    const mismatch = compareTypes(there.btf, before, here, after, { strict: true });
    if (mismatch === null) return [];
    const path = mismatch.path === '' ? '' : ` at ${mismatch.path}`;
    return [`type of ${what} was ${mismatch.left} and is ${mismatch.right}${path}`];
  });
}

/**
 * Definition of the inner maps of a map of maps, with the types of keys and values as C; null for other maps.
 */
export function innerDefinition(plan: LoadPlan, { inner }: MapPlan): string | null {
  if (inner === null) return null;
  const { type, keySize, valueSize, maxEntries, flags, keyType, valueType } = inner;
  const named = (id: number): string =>
    plan.types === null || id === 0 ? '' : ` ${formatType(plan.types, id)}`;
  return `type ${type} key ${keySize}${named(keyType)} value ${valueSize}${named(valueType)} entries ${maxEntries} flags ${flags}`;
}
