/**
 * Which functions have to be compiled: those that the programs reach by calls, callbacks, and pointers in
 * data.
 */

import { inputError, quote, RootletError } from '../../../diag/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  faultsIn,
  markLive,
  NO_NEEDS,
  type SymbolIndex,
} from '../../../object/index.ts';
import { type CodeUnit, codeUnit } from './unit.ts';

/** Units of all functions that any of `roots` reaches, in the order of their symbols. */
export function reachableUnits(object: BpfObject, roots: readonly SymbolIndex[]): readonly CodeUnit[] {
  const { live } = markLive(object, roots, NO_NEEDS);
  return object.symbols.flatMap((symbol, index): CodeUnit[] => {
    if (live[index] !== true || symbol.kind === 'extern') return [];
    const missing = symbol.references.find(reference => object.symbols[reference.symbol] === undefined);
    if (missing !== undefined)
      throw inputError(
        'vm-symbol-index',
        [object.name],
        `refers to symbol ${missing.symbol}, which does not exist`,
      );
    return symbol.kind === 'function' ? [checkedUnit(object, index, symbol)] : [];
  });
}

function checkedUnit(object: BpfObject, index: SymbolIndex, symbol: FunctionSymbol): CodeUnit {
  const faults = faultsIn([symbol]);
  if (faults.length > 0) throw new RootletError(faults);
  if (symbol.code.length % 8 !== 0) {
    const where = [object.name, `function ${quote(symbol.name)}`];
    throw inputError(
      'vm-code-cut',
      where,
      `has ${symbol.code.length} bytes, which is not a whole number of instructions`,
    );
  }
  return codeUnit(object, index, symbol);
}
