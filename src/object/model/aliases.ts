/**
 * Aliases: several symbols at one place.
 *
 * An alias is a symbol with the contents of another one, so that passes treat it like any definition: it may be
 * overridden, renamed, hidden or dropped on its own. Only layout and writer know that both are at one place.
 */

import type { BpfObject, BpfSymbol, SymbolIndex } from './model.ts';

/** The symbol whose place an alias has; undefined for others. */
export function placeOwner(object: BpfObject, symbol: BpfSymbol): SymbolIndex | undefined {
  if (!isAlias(symbol)) return undefined;
  const owner = object.symbols[symbol.aliasOf];
  if (owner === undefined || owner.kind !== symbol.kind || owner.section !== symbol.section) return undefined;
  return symbol.aliasOf;
}

/** Whether a symbol was read as another name of one. */
export function isAlias(symbol: BpfSymbol): symbol is BpfSymbol & { readonly aliasOf: SymbolIndex } {
  return (symbol.kind === 'function' || symbol.kind === 'variable') && symbol.aliasOf !== undefined;
}

/**
 * For the symbols of one object: what each kept alias is an alias of under new indexes. `indexOf`: -1 where a
 * symbol is dropped. The first alias that is kept takes the place of a dropped owner.
 */
export function movedAliases(
  symbols: readonly BpfSymbol[],
  indexOf: (index: SymbolIndex) => SymbolIndex,
): ReadonlyMap<SymbolIndex, SymbolIndex> {
  const moved = new Map<SymbolIndex, SymbolIndex>();
  const heirs = new Map<SymbolIndex, SymbolIndex>();
  symbols.forEach((symbol, index) => {
    if (!isAlias(symbol) || indexOf(index) < 0) return;
    const owner = indexOf(symbol.aliasOf) >= 0 ? symbol.aliasOf : heirs.get(symbol.aliasOf);
    if (owner === undefined) heirs.set(symbol.aliasOf, index);
    else moved.set(index, indexOf(owner));
  });
  return moved;
}

/** The symbol as an alias of `owner`; without one, a symbol of its own. */
export function asAlias(symbol: BpfSymbol, owner: SymbolIndex | undefined): BpfSymbol {
  if (symbol.kind !== 'function' && symbol.kind !== 'variable') return symbol;
  if (owner !== undefined) return { ...symbol, aliasOf: owner };
  if (symbol.aliasOf === undefined) return symbol;
  const { aliasOf: _, ...own } = symbol;
  return own;
}

/** Aliases by the symbol that they are aliases of, as placed. */
export function aliasesOf(object: BpfObject): ReadonlyMap<SymbolIndex, readonly SymbolIndex[]> {
  const aliases = new Map<SymbolIndex, SymbolIndex[]>();
  object.symbols.forEach((symbol, index) => {
    const owner = placeOwner(object, symbol);
    if (owner === undefined) return;
    const known = aliases.get(owner);
    if (known === undefined) aliases.set(owner, [index]);
    else known.push(index);
  });
  return aliases;
}
