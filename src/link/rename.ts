/**
 * Renaming: the symbol and its BTF type, in step.
 *
 * Other linkers let static functions of one name share a FUNC; a renamed one then gets its own.
 */

import { type Btf, BtfBuilder, type BtfId, type BtfType, editBtf } from '../btf/index.ts';
import type { BpfObject } from '../object/index.ts';
import type { Rename } from './names.ts';

/** The object with the renames applied to symbols and to their VAR and FUNC types. */
export function applyRenames(object: BpfObject, renames: readonly Rename[]): BpfObject {
  if (renames.length === 0) return object;
  const symbols = [...object.symbols];
  const users = countUsers(object);
  const edits = new Map<BtfId, BtfType>();
  const copies: Copy[] = [];
  for (const { symbol: index, to } of renames) {
    const symbol = symbols[index];
    if (symbol === undefined) continue;
    symbols[index] = { ...symbol, name: to };
    const type = object.btf === null || symbol.btfId === 0 ? undefined : object.btf.type(symbol.btfId);
    if (type?.kind !== 'func' && type?.kind !== 'var') continue;
    const others = (users.get(symbol.btfId) ?? 1) - 1;
    users.set(symbol.btfId, others);
    if (others > 0) copies.push({ symbol: index, of: symbol.btfId, type: { ...type, name: to } });
    else edits.set(symbol.btfId, { ...type, name: to });
  }
  if (object.btf === null) return { ...object, symbols };
  const { btf, ids } = addCopies(object.btf, copies);
  copies.forEach(({ symbol: index }, position) => {
    const symbol = symbols[index];
    if (symbol !== undefined) symbols[index] = { ...symbol, btfId: ids[position] ?? 0 };
  });
  return { ...object, symbols, btf: editBtf(btf, edits) };
}

interface Copy {
  readonly symbol: number;
  readonly of: BtfId;
  readonly type: BtfType;
}

/** Type → symbols that have it. */
function countUsers(object: BpfObject): Map<BtfId, number> {
  const users = new Map<BtfId, number>();
  for (const { btfId } of object.symbols) users.set(btfId, (users.get(btfId) ?? 0) + 1);
  return users;
}

/** The types with the copies behind them, each with the declaration tags of its original. */
function addCopies(btf: Btf, copies: readonly Copy[]): { readonly btf: Btf; readonly ids: readonly BtfId[] } {
  if (copies.length === 0) return { btf, ids: [] };
  const tags = tagsOf(btf, new Set(copies.map(copy => copy.of)));
  const builder = new BtfBuilder(btf);
  const ids = copies.map(({ type }) => builder.add(type));
  copies.forEach((copy, position) => {
    for (const tag of tags.get(copy.of) ?? []) builder.add({ ...tag, type: ids[position] ?? 0 });
  });
  return { btf: builder.build(), ids };
}

type DeclTag = Extract<BtfType, { readonly kind: 'decl_tag' }>;

function tagsOf(btf: Btf, wanted: ReadonlySet<BtfId>): Map<BtfId, DeclTag[]> {
  const tags = new Map<BtfId, DeclTag[]>();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind !== 'decl_tag' || !wanted.has(type.type)) continue;
    const known = tags.get(type.type);
    if (known === undefined) tags.set(type.type, [type]);
    else known.push(type);
  }
  return tags;
}
