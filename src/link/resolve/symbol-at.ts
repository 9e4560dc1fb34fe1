/** A symbol of one of several objects. */

import type { SymbolIndex } from '../../object/index.ts';

/** One symbol of one input. */
export interface SymbolAt {
  readonly file: number;
  readonly index: SymbolIndex;
}
