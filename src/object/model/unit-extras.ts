/**
 * What few units have and columns do not: sentences about reading, and problems of objects and functions that were
 * kept. It belongs to the image and goes with it.
 */

import type { Problem } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';

export interface UnitExtras {
  /** `BpfObject.notes`; empty: none. */
  readonly notes: readonly string[];
  /** `BpfObject.faults`; empty: none. */
  readonly faults: readonly Problem[];
  /** `FunctionSymbol.faults` by row of ATOM. */
  readonly faultsOf: ReadonlyMap<number, readonly Problem[]>;
}

const NOTHING: UnitExtras = { notes: [], faults: [], faultsOf: new Map() };

const extras = new WeakMap<Image, Map<number, UnitExtras>>();

/** Adds to a unit what its object has beside the columns. */
export function setExtras(image: Image, unit: number, found: UnitExtras): void {
  const known = extras.get(image);
  if (known === undefined) extras.set(image, new Map([[unit, found]]));
  else known.set(unit, found);
}

export function extrasOf(image: Image, unit: number): UnitExtras {
  return extras.get(image)?.get(unit) ?? NOTHING;
}
