/**
 * Merges identical definitions of several files, on request.
 *
 * A definition in a header without `static` or `__weak` is a duplicate definition to a linker. If all
 * definitions are the same (code, data or map definition, types by the strict rules, targets of references)
 * the first can replace all. Static functions and read-only data of one name, which every file has its own
 * copy of, are folded in the same way; static data that can be written never is.
 *
 * Differs from identical code folding of other linkers: only definitions of one name are merged, so functions
 * with distinct names keep distinct addresses.
 */

import { type CompareSession, compareSession } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { type Problem, RootletError } from '../../diag/index.ts';
import { SHF_STRINGS } from '../../elf/index.ts';
import { type BpfObject, type BpfSymbol, isCommon, sectionOf, symbolOf } from '../../object/index.ts';
import { isSingle, type SymbolAt } from '../resolve/index.ts';
import { classifyStatics, type StaticClasses } from './fold-identical-classes.ts';
import { whyDifferent } from './fold-identical-explain.ts';

export interface Identical {
  /** Names with several strong definitions that are equal, so resolution may choose the first. */
  readonly names: ReadonlySet<string>;
  /** The first difference of the other names with several strong definitions. */
  readonly differences: ReadonlyMap<string, readonly string[]>;
  /** Static symbols that an identical one replaces. */
  readonly bindings: readonly { readonly loser: SymbolAt; readonly winner: SymbolAt }[];
  /** What prevents a comparison. */
  readonly problems: readonly Problem[];
}

/** Finds what can be folded in objects that share one scope of names. */
export function findIdentical(objects: readonly BpfObject[]): Identical {
  try {
    return compareDefinitions(objects);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    // types that cannot be walked
    return { names: new Set(), differences: new Map(), bindings: [], problems: error.problems };
  }
}

function compareDefinitions(objects: readonly BpfObject[]): Identical {
  const session = compareSession();
  const classes = classifyStatics(objects, session);
  const names = new Set<string>();
  const differences = new Map<string, readonly string[]>();
  for (const [name, definitions] of strongDuplicates(objects)) {
    const why = firstDifference(objects, classes, definitions, session);
    if (why === null) names.add(name);
    else differences.set(name, why);
  }
  return { names, differences, bindings: staticBindings(objects, classes), problems: [] };
}

function strongDuplicates(objects: readonly BpfObject[]): Map<string, SymbolAt[]> {
  const all = new Map<string, SymbolAt[]>();
  objects.forEach((object, file) => {
    object.symbols.forEach((symbol, index) => {
      if (!isStrong(object, symbol)) return;
      const known = all.get(symbol.name);
      if (known === undefined) all.set(symbol.name, [{ file, index }]);
      else known.push({ file, index });
    });
  });
  return new Map([...all].filter(([, definitions]) => definitions.length > 1));
}

function isStrong(object: BpfObject, symbol: BpfSymbol): boolean {
  if (symbol.kind === 'extern' || symbol.binding !== 'global') return false;
  if (symbol.kind !== 'variable') return true;
  return !isCommon(symbol) && !isSingle(object, symbol);
}

/** Why one of the definitions is not equal to the first; null if all are. */
function firstDifference(
  objects: readonly BpfObject[],
  classes: StaticClasses,
  [first, ...others]: readonly SymbolAt[],
  session: CompareSession,
): readonly string[] | null {
  if (first === undefined) return null;
  for (const other of others) {
    const why = whyDifferent(objects, classes.keyOf, first, other, session);
    if (why !== null) return why;
  }
  return null;
}

/** Anonymous strings are merged by another pass, in every link. */
function staticBindings(objects: readonly BpfObject[], classes: StaticClasses): Identical['bindings'] {
  return classes.equal.flatMap(([winner, ...losers]) => {
    if (winner === undefined) return [];
    const object = elementAt(objects, winner.file);
    const symbol = symbolOf(object, winner.index);
    const section = sectionOf(object, symbol);
    if (symbol.name === '' && section !== undefined && (section.flags & SHF_STRINGS) !== 0) return [];
    return losers.map(loser => ({ loser, winner }));
  });
}
