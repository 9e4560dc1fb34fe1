/**
 * Data sections of one file in an object of several: under names of their own, and always whole.
 *
 * Their layout then depends on nothing but the file, so that a live map of the file fits in their place.
 */

import type { BpfObject, SectionShell, SymbolIndex } from '../../object/index.ts';
import { globalsKind, markLive, sectionAt } from '../../object/index.ts';

export interface OwnSections {
  readonly sections: readonly SectionShell[];
  /** New name → name in the file. */
  readonly names: ReadonlyMap<string, string>;
}

/** Sections in which those that become maps end in `.LABEL`. */
export function withOwnNames(sections: readonly SectionShell[], label: string): OwnSections {
  const names = new Map<string, string>();
  const renamed = sections.map(shell => {
    if (!becomesMap(shell)) return shell;
    const name = `${shell.name}.${label}`;
    names.set(name, shell.name);
    return { ...shell, name };
  });
  return { sections: renamed, names };
}

/** Whether variables of the section become a map. */
export function becomesMap({ name, role }: SectionShell): boolean {
  return role === 'data' && globalsKind(name) !== undefined;
}

/**
 * What the roots reach, and all of every section of globals of which something is reached. `counts`: only
 * these variables make their section stay (default: all).
 */
export function liveWithSections(
  object: BpfObject,
  roots: readonly SymbolIndex[],
  counts: (index: SymbolIndex) => boolean = () => true,
): readonly boolean[] {
  const all = [...roots];
  for (;;) {
    const { live } = markLive(object, all);
    const added = restOfSections(object, live, counts);
    if (added.length === 0) return live;
    all.push(...added);
  }
}

/** Variables that are not live yet, in a section of globals of which another one is. */
function restOfSections(
  object: BpfObject,
  live: readonly boolean[],
  counts: (index: SymbolIndex) => boolean,
): SymbolIndex[] {
  const used = new Set<number>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'variable' && live[index] === true && counts(index)) used.add(symbol.section);
  });
  return object.symbols.flatMap((symbol, index) => {
    if (symbol.kind !== 'variable' || live[index] === true || !used.has(symbol.section)) return [];
    return globalsKind(sectionAt(object, symbol.section).name) === undefined ? [] : [index];
  });
}
