/**
 * Jump tables of indirect jumps (`gotox`): variables of the section `.jumptables`, whose entries of 8 bytes
 * lead to instructions of the function that loads the table's address.
 */

import { INSN_SIZE } from '../../uapi/index.ts';
import { type BpfObject, type SymbolIndex, sectionNameOf, type VariableSymbol } from './model.ts';

export const JUMP_TABLES = '.jumptables';

/** Bytes of an entry. */
export const JUMP_TABLE_ENTRY = 8;

/** The table that a symbol is; undefined for any other symbol. */
export function jumpTableAt(object: BpfObject, symbol: SymbolIndex): VariableSymbol | undefined {
  const found = object.symbols[symbol];
  return found?.kind === 'variable' && sectionNameOf(object, found) === JUMP_TABLES ? found : undefined;
}

/** Instructions of the function that its own tables lead to, in order, each once. */
export function jumpTargets(object: BpfObject, symbol: SymbolIndex): readonly number[] {
  const user = object.symbols[symbol];
  if (user?.kind !== 'function') return [];
  const tables = user.references.flatMap(reference => {
    const table = jumpTableAt(object, reference.symbol);
    return table === undefined ? [] : [table];
  });
  const own = tables.flatMap(table =>
    table.references.filter(entry => entry.kind === 'code-offset' && entry.symbol === symbol),
  );
  return [...new Set(own.map(({ addend }) => addend / INSN_SIZE))].sort((a, b) => a - b);
}
