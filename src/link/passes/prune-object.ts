/** An object reduced to some of its symbols, with references renumbered and unused types dropped. */

import { type BtfId, mergeBtf } from '../../btf/index.ts';
import { elementAt, noElement } from '../../bytes/index.ts';
import {
  asAlias,
  type BpfObject,
  type BpfSymbol,
  isDebugSection,
  movedAliases,
  renumberTypes,
  type SymbolIndex,
  sectionNameOf,
} from '../../object/index.ts';

export interface PrunedObject {
  readonly object: BpfObject;
  /** Old symbol index → new one, -1 where the symbol was dropped. */
  readonly indexOf: Int32Array;
  readonly typesBefore: number;
  readonly typesAfter: number;
}

export interface PruneOptions {
  /** Drop types that no kept symbol or record reaches. */
  readonly pruneTypes: boolean;
  /** Dropped symbol → kept symbol that takes over its references. */
  readonly replacements?: ReadonlyMap<SymbolIndex, SymbolIndex>;
}

/** Keeps the symbols for which `keep` is set. References to dropped symbols must have a replacement. */
export function pruneObject(
  object: BpfObject,
  keep: readonly boolean[],
  options: PruneOptions,
): PrunedObject {
  const indexOf = new Int32Array(object.symbols.length).fill(-1);
  const kept: BpfSymbol[] = [];
  object.symbols.forEach((symbol, index) => {
    if (keep[index] !== true) return;
    indexOf[index] = kept.length;
    kept.push(symbol);
  });
  const aliases = movedAliases(object.symbols, index => elementAt(indexOf, index));
  for (const [from, to] of options.replacements ?? []) indexOf[from] = elementAt(indexOf, to);
  const owners = new Map([...aliases].map(([alias, owner]) => [elementAt(indexOf, alias), owner]));
  const renumbered = kept.map((symbol, index) =>
    asAlias(retarget(object, symbol, indexOf), owners.get(index)),
  );
  const typesBefore = object.btf?.count ?? 0;
  if (object.btf === null)
    return { object: { ...object, symbols: renumbered }, indexOf, typesBefore, typesAfter: 0 };
  const dropped = droppedTypes(object, keep);
  const merged = mergeBtf([
    { btf: object.btf, omit: dropped, ...(options.pruneTypes ? { roots: rootTypes(kept) } : {}) },
  ]);
  const ids = elementAt(merged.ids, 0);
  const symbols = renumbered.map(symbol => renumberTypes(symbol, ids));
  return {
    object: { ...object, btf: merged.btf, symbols },
    indexOf,
    typesBefore,
    typesAfter: merged.btf.count,
  };
}

function retarget(object: BpfObject, symbol: BpfSymbol, indexOf: Int32Array): BpfSymbol {
  if (symbol.kind === 'extern' || symbol.references.length === 0) return symbol;
  const indexFor = (index: SymbolIndex): number => indexOf[index] ?? noElement(indexOf, index);
  const move = <R extends { readonly symbol: SymbolIndex }>(references: readonly R[]): R[] =>
    references.map(reference => ({ ...reference, symbol: indexFor(reference.symbol) }));
  if (symbol.kind === 'function') return { ...symbol, references: move(symbol.references) };
  if (!isDebugSection(sectionNameOf(object, symbol)))
    return { ...symbol, references: move(symbol.references) };
  // DWARF may describe what was dropped: such a place stays 0
  return {
    ...symbol,
    references: move(symbol.references.filter(reference => indexFor(reference.symbol) >= 0)),
  };
}

/** VAR and FUNC types that only dropped symbols have. */
function droppedTypes(object: BpfObject, keep: readonly boolean[]): Set<BtfId> {
  const dropped = new Set<BtfId>();
  object.symbols.forEach((symbol, index) => {
    if (keep[index] !== true && symbol.btfId !== 0) dropped.add(symbol.btfId);
  });
  object.symbols.forEach((symbol, index) => {
    if (keep[index] === true) dropped.delete(symbol.btfId);
  });
  return dropped;
}

/** What the atoms themselves name: their own types and those of CO-RE records. */
export function rootTypes(symbols: readonly BpfSymbol[]): BtfId[] {
  const roots: BtfId[] = [];
  for (const symbol of symbols) {
    if (symbol.btfId !== 0) roots.push(symbol.btfId);
    if (symbol.kind === 'function') for (const record of symbol.coreRecords) roots.push(record.type);
  }
  return roots;
}
