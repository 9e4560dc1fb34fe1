/**
 * Code that no symbol names and nothing can reach. It is discarded, and reported.
 *
 * Other linkers leave the code of an overridden weak function where it was, without a symbol but with its
 * function information, which now names the other definition. Nothing can call it, so it is discarded; a
 * function whose symbol was stripped looks the same, but has callers, and stays.
 */

import { elementAt, noElement } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import type { ElfFile } from '../../elf/index.ts';
import { asAlias, type BpfSymbol, isAlias, movedAliases } from '../model/index.ts';
import type { AtomTable } from './draft.ts';

/** The symbols without nameless functions that no other symbol leads to, with references renumbered. */
export function dropHoles(symbols: readonly BpfSymbol[]): readonly BpfSymbol[] {
  if (!symbols.some(isNameless)) return symbols;
  const live = reachable(symbols);
  if (live.every(alive => alive)) return symbols;
  const indexOf = new Int32Array(symbols.length).fill(-1);
  let next = 0;
  live.forEach((alive, index) => {
    if (alive) indexOf[index] = next++;
  });
  const aliases = movedAliases(symbols, index => elementAt(indexOf, index));
  return symbols.flatMap((symbol, index) =>
    live[index] === true ? [asAlias(renumbered(symbol, indexOf), aliases.get(index))] : [],
  );
}

function isNameless(symbol: BpfSymbol): boolean {
  return symbol.kind === 'function' && symbol.name === '';
}

/** Everything but nameless functions is there in its own right. */
function reachable(symbols: readonly BpfSymbol[]): boolean[] {
  const live = symbols.map(symbol => !isNameless(symbol));
  const work = live.flatMap((alive, index) => (alive ? [index] : []));
  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    const symbol = symbols[index];
    if (symbol === undefined || symbol.kind === 'extern') continue;
    for (const reference of symbol.references) {
      if (live[reference.symbol] !== false) continue;
      live[reference.symbol] = true;
      work.push(reference.symbol);
    }
  }
  return live;
}

function renumbered(symbol: BpfSymbol, indexOf: Int32Array): BpfSymbol {
  if (symbol.kind === 'extern' || symbol.references.length === 0) return symbol;
  if (symbol.kind === 'function') {
    const references = symbol.references.map(reference => ({
      ...reference,
      symbol: indexOf[reference.symbol] ?? noElement(indexOf, reference.symbol),
    }));
    return { ...symbol, references };
  }
  const references = symbol.references.map(reference => ({
    ...reference,
    symbol: indexOf[reference.symbol] ?? noElement(indexOf, reference.symbol),
  }));
  return { ...symbol, references };
}

/** Sentences on code of which the symbols have nothing, by section. */
export function codeLeftOut(elf: ElfFile, table: AtomTable, symbols: readonly BpfSymbol[]): string[] {
  const kept = new Array<number>(table.shells.length).fill(0);
  for (const symbol of symbols) {
    if (symbol.kind === 'function' && !isAlias(symbol))
      kept[symbol.section] = elementAt(kept, symbol.section) + symbol.code.length;
  }
  return [...table.bySection.values()].flatMap(({ role, elfSection, shell, name }) => {
    const left = role === 'code' ? elementAt(elf.sections, elfSection).size - elementAt(kept, shell) : 0;
    if (left <= 0) return [];
    return [
      `section ${quote(name)}: ${left} bytes of code are left out: no symbol names them, and nothing calls them`,
    ];
  });
}
