/** Which functions have to be compiled: those that the programs reach by calls, call-backs, and pointers in data. */

import { inputError, quote } from '../../diag/index.ts';
import type { BpfObject, SymbolIndex } from '../../object/index.ts';
import { type CodeUnit, codeUnit } from './unit.ts';

/** Units of all functions that any of `roots` reaches, in the order of their symbols. */
export function reachableUnits(object: BpfObject, roots: readonly SymbolIndex[]): readonly CodeUnit[] {
  const found = new Map<SymbolIndex, CodeUnit>();
  const seen = new Set<SymbolIndex>(roots);
  for (const index of seen) {
    const symbol = object.symbols[index];
    if (symbol === undefined) {
      throw inputError('vm-symbol-index', [object.name], `refers to symbol ${index}, which does not exist`);
    }
    if (symbol.kind === 'extern') continue;
    if (symbol.kind === 'function') found.set(index, checkedUnit(object, index));
    for (const reference of symbol.references) {
      seen.add(reference.symbol);
    }
  }
  return [...found.values()].sort((a, b) => a.symbol - b.symbol);
}

function checkedUnit(object: BpfObject, index: SymbolIndex): CodeUnit {
  const symbol = object.symbols[index];
  if (symbol?.kind !== 'function') throw inputError('vm-symbol-index', [object.name], 'is no function');
  if (symbol.code.length % 8 !== 0) {
    const where = [object.name, `function ${quote(symbol.name)}`];
    throw inputError(
      'vm-code-cut',
      where,
      `has ${symbol.code.length} bytes, which are no whole instructions`,
    );
  }
  return codeUnit(object, index, symbol);
}

/** Functions that `unit` calls, or whose address it takes. */
export function calleesOf(object: BpfObject, unit: CodeUnit): readonly SymbolIndex[] {
  return unit.function.references
    .map(reference => reference.symbol)
    .filter(symbol => object.symbols[symbol]?.kind === 'function');
}

/** For each function, the roots that reach it through code alone. */
export function reachedBy(
  object: BpfObject,
  units: readonly CodeUnit[],
  roots: readonly SymbolIndex[],
): ReadonlyMap<SymbolIndex, readonly SymbolIndex[]> {
  const callees = new Map(units.map(unit => [unit.symbol, calleesOf(object, unit)]));
  const result = new Map<SymbolIndex, SymbolIndex[]>(units.map(unit => [unit.symbol, []]));
  for (const root of roots) {
    const seen = new Set([root]);
    for (const symbol of seen) {
      result.get(symbol)?.push(root);
      for (const callee of callees.get(symbol) ?? []) seen.add(callee);
    }
  }
  return result;
}
