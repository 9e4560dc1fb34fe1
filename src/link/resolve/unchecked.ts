/** Names whose types could not be compared. Separate, because these are notes, not mismatches. */

import { elementAt } from '../../bytes/index.ts';
import { quoteAll } from '../../diag/index.ts';
import { type BpfObject, hasKnownType, isCommon } from '../../object/index.ts';
import * as kernels from './checks.kernel.ts';
import { faultsOf, RowPlaces } from './columns.ts';
import { LINK_FAULT } from './faults.ts';
import type { Resolution } from './resolve.ts';
import { inputName, type SymbolAt, symbolAt } from './symbol-at.ts';

/** A definition, and a declaration or another definition of it. */
export type DefinedPair = readonly [winner: SymbolAt, other: SymbolAt];

/** Notes on names whose types could not be compared, because one side has none; one for each two files. */
export function uncheckedNotes(objects: readonly BpfObject[], { columns }: Resolution): string[] {
  const { image, request } = columns;
  const faults = faultsOf(image, LINK_FAULT.unchecked, () => image.run(kernels).findUnchecked(request));
  if (faults.length === 0) return [];
  const places = new RowPlaces(columns);
  return uncheckedPairs(
    objects,
    faults.map(({ a, b }): DefinedPair => [places.at(a), places.at(b)]),
  );
}

/** The same for pairs that were found in another way than by resolving names. */
export function uncheckedPairs(objects: readonly BpfObject[], pairs: readonly DefinedPair[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const [winner, other] of pairs) {
    const untyped = untypedOf(objects, winner, other);
    if (untyped === undefined) continue;
    const typed = untyped === winner ? other : winner;
    const files = `${inputName(objects, untyped.file)}\0${inputName(objects, typed.file)}`;
    const known = names.get(files);
    const { name } = symbolAt(objects, untyped);
    if (known === undefined) names.set(files, new Set([name]));
    else known.add(name);
  }
  return [...names].map(([files, all]) => {
    const [untyped, typed] = files.split('\0');
    return `${untyped} has no BTF for ${quoteAll(all)}: it could not be checked whether ${typed} agrees`;
  });
}

/** The side without a type; undefined when both have one or there is nothing to compare. */
function untypedOf(objects: readonly BpfObject[], winner: SymbolAt, other: SymbolAt): SymbolAt | undefined {
  const isUntyped = (at: SymbolAt): boolean => {
    const symbol = symbolAt(objects, at);
    return !hasKnownType(elementAt(objects, at.file), symbol) && !isCommon(symbol);
  };
  if (winner.file === other.file) return undefined;
  return [winner, other].find(isUntyped);
}
