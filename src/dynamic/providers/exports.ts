/** Exports of an object: its global functions, variables and maps that are not hidden. */

import { SINGLE_SECTIONS } from '../../link/index.ts';
import { type BpfObject, isCommon, type SymbolIndex, sectionNameOf } from '../../object/index.ts';

export interface Export {
  readonly name: string;
  readonly kind: 'function' | 'variable' | 'map';
  readonly index: SymbolIndex;
  readonly weak: boolean;
}

/** In symbol order. */
export function exportsOf(object: BpfObject): Export[] {
  return object.symbols.flatMap((symbol, index): Export[] => {
    if (symbol.kind === 'extern' || symbol.binding === 'local' || symbol.visibility === 'hidden') return [];
    if (symbol.name === '' || isCommon(symbol)) return [];
    if (SINGLE_SECTIONS.has(sectionNameOf(object, symbol))) return [];
    return [{ name: symbol.name, kind: symbol.kind, index, weak: symbol.binding === 'weak' }];
  });
}

export function findExport(object: BpfObject, name: string): Export | undefined {
  return exportsOf(object).find(candidate => candidate.name === name);
}
