/** References to a name, with source lines if available. */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';
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

const SHOWN_REFERENCES = 3;

/** The first of the references as details of a problem, and the number of the others. */
export function referenceLines(sites: readonly ReferenceSite[]): string[] {
  const lines = sites
    .slice(0, SHOWN_REFERENCES)
    .map(
      ({ file, symbol, position, source }) =>
        `referred to by ${file}: ${quote(symbol)}, at ${position}${source === null ? '' : `, ${source}`}`,
    );
  const more = sites.length - lines.length;
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
  if (symbol.kind !== 'function') {
    return symbol.references
      .filter(reference => wanted(reference.symbol))
      .map(reference => ({
        file: object.name,
        symbol: symbol.name,
        position: reference.offset,
        source: null,
      }));
  }
  return symbol.references
    .filter(reference => wanted(reference.symbol))
    .map(reference => ({
      file: object.name,
      symbol: symbol.name,
      position: reference.insnIndex,
      source: sourceLine(symbol, reference.insnIndex),
    }));
}
