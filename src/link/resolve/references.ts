/** References to a name, with source lines if available. */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import type { BpfObject, BpfSymbol, DefinedSymbol } from '../../object/index.ts';
import { sourceLine } from './problems.ts';
import type { Resolution } from './resolve.ts';

/** A reference to a name. */
export interface ReferenceSite {
  readonly file: string;
  /** Function or variable that holds the reference. */
  readonly symbol: string;
  /** Instruction in a function, byte offset in data. */
  readonly position: number;
  /** `file:line: text`, when there is line information. */
  readonly source: string | null;
}

/** Every reference to the group (row of GROUP), in input order. */
export function referencesTo(
  objects: readonly BpfObject[],
  resolution: Resolution,
  group: number,
): ReferenceSite[] {
  return objects.flatMap((_, file) =>
    referencesFrom(objects, file, index => resolution.groupRow({ file, index }) === group),
  );
}

/** The first references to a name, and the number of all. */
export interface SomeReferences {
  readonly sites: readonly ReferenceSite[];
  readonly count: number;
}

const SHOWN_REFERENCES = 3;

/** References to each group (row of GROUP) that has any, in input order; all inputs are looked at once. */
export function referencesByGroup(
  objects: readonly BpfObject[],
  resolution: Resolution,
): ReadonlyMap<number, SomeReferences> {
  const found = new Map<number, { readonly sites: ReferenceSite[]; count: number }>();
  for (const [file, object] of objects.entries()) {
    for (const symbol of object.symbols) {
      if (symbol.kind === 'extern') continue;
      for (const reference of symbol.references) {
        const group = resolution.groupRow({ file, index: reference.symbol });
        const known = found.get(group) ?? { sites: [], count: 0 };
        if (known.count === 0) found.set(group, known);
        if (known.sites.length < SHOWN_REFERENCES) known.sites.push(siteOf(object, symbol, reference));
        known.count++;
      }
    }
  }
  return found;
}

/** The first of the references as details of a problem, and the number of the others; none for no references. */
export function referenceLines(references: SomeReferences | undefined): string[] {
  if (references === undefined) return [];
  const { sites, count } = references;
  const lines = sites
    .slice(0, SHOWN_REFERENCES)
    .map(
      ({ file, symbol, position, source }) =>
        `referred to by ${file}: ${quote(symbol)}, at ${position}${source === null ? '' : `, ${source}`}`,
    );
  const more = count - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more references`];
}

/** References in one input to the symbols for which `wanted` holds. */
export function referencesFrom(
  objects: readonly BpfObject[],
  file: number,
  wanted: (index: number) => boolean,
): ReferenceSite[] {
  const object = elementAt(objects, file);
  return object.symbols.flatMap(symbol => sitesIn(object, symbol, wanted));
}

function sitesIn(object: BpfObject, symbol: BpfSymbol, wanted: (index: number) => boolean): ReferenceSite[] {
  if (symbol.kind === 'extern') return [];
  const references: readonly Reference[] = symbol.references;
  return references
    .filter(reference => wanted(reference.symbol))
    .map(reference => siteOf(object, symbol, reference));
}

type Reference = DefinedSymbol['references'][number];

function siteOf(object: BpfObject, symbol: DefinedSymbol, reference: Reference): ReferenceSite {
  const position = 'insnIndex' in reference ? reference.insnIndex : reference.offset;
  return {
    file: object.name,
    symbol: symbol.name,
    position,
    source: symbol.kind === 'function' ? sourceLine(symbol, position) : null,
  };
}
