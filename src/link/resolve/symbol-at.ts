/**
 * A symbol of one of several objects, and its look-up. Positions that an input does not have are broken
 * invariants.
 */

import { elementAt, noElement } from '../../bytes/index.ts';
import { type BpfObject, type BpfSymbol, type SymbolIndex, symbolOf } from '../../object/index.ts';

/** One symbol of one input. */
export interface SymbolAt {
  readonly file: number;
  readonly index: SymbolIndex;
}

/** The symbol. Throws `bug-index` when there is none. */
export function symbolAt(objects: readonly BpfObject[], { file, index }: SymbolAt): BpfSymbol {
  return symbolOf(objects[file] ?? noElement(objects, file), index);
}

/** Name of an input, for messages. Throws `bug-index` when there is no such input. */
export function inputName(inputs: readonly { readonly name: string }[], file: number): string {
  return elementAt(inputs, file).name;
}

/**
 * The entry of a symbol in tables that have one list for each input. Throws `bug-index` when there is none.
 */
export function entryAt(tables: readonly Int32Array[], { file, index }: SymbolAt): number {
  const table = tables[file] ?? noElement(tables, file);
  return table[index] ?? noElement(table, index);
}
