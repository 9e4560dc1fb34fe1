/** Renaming: the symbol and its BTF type, in step. */

import { type BtfId, type BtfType, editBtf } from '../btf/index.ts';
import type { BpfObject } from '../object/index.ts';
import type { Rename } from './names.ts';

/** The object with the renames applied to symbols and to their VAR and FUNC types. */
export function applyRenames(object: BpfObject, renames: readonly Rename[]): BpfObject {
  if (renames.length === 0) return object;
  const symbols = [...object.symbols];
  const edits = new Map<BtfId, BtfType>();
  for (const rename of renames) {
    const symbol = symbols[rename.symbol];
    if (symbol === undefined) continue;
    symbols[rename.symbol] = { ...symbol, name: rename.to };
    const type = object.btf === null || symbol.btfId === 0 ? undefined : object.btf.type(symbol.btfId);
    if (type?.kind === 'func' || type?.kind === 'var') edits.set(symbol.btfId, { ...type, name: rename.to });
  }
  return { ...object, symbols, btf: object.btf === null ? null : editBtf(object.btf, edits) };
}
