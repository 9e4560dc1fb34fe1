/** Applies the renames of a pass to symbols and their BTF types. */

import type { BpfObject } from '../../object/index.ts';
import { editSymbols } from './edit-symbols.ts';
import type { Rename } from './names.ts';

/** The object with the renames applied to symbols and to their VAR and FUNC types. */
export function applyRenames(object: BpfObject, renames: readonly Rename[]): BpfObject {
  if (renames.length === 0) return object;
  return editSymbols(object, new Map(renames.map(({ symbol, to }) => [symbol, { name: to }])));
}
