/**
 * Symbols and their BTF types changed in step: name, binding, visibility.
 *
 * Other linkers let static functions of one name share a FUNC; a symbol that leaves the others then gets one
 * of its own, with the declaration tags of the old one. Tags that name a function (`exception_callback:NAME`)
 * follow its name.
 */

import { type Btf, BtfBuilder, type BtfDeclTag, type BtfId, type BtfType, editBtf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import {
  type Binding,
  type BpfObject,
  type BpfSymbol,
  callbackOf,
  declTags,
  type SymbolIndex,
  type Visibility,
  withCallback,
} from '../../object/index.ts';

export interface SymbolEdit {
  readonly name?: string;
  readonly binding?: Binding;
  readonly visibility?: Visibility;
}

/** The object with the edits applied to symbols and to their VAR and FUNC types. */
export function editSymbols(object: BpfObject, edits: ReadonlyMap<SymbolIndex, SymbolEdit>): BpfObject {
  if (edits.size === 0) return object;
  const symbols = [...object.symbols];
  for (const [index, edit] of edits) {
    symbols[index] = editSymbol(elementAt(symbols, index), edit);
  }
  if (object.btf === null) return { ...object, symbols };
  const users = countUsers(object);
  const changed = new Map<BtfId, BtfType>();
  const copies: Copy[] = [];
  for (const [index, edit] of edits) {
    const symbol = elementAt(symbols, index);
    const type = editedType(object.btf, symbol, edit);
    if (type === null) continue;
    const others = (users.get(symbol.btfId) ?? 1) - 1;
    users.set(symbol.btfId, others);
    if (others > 0) copies.push({ symbol: index, of: symbol.btfId, type });
    else changed.set(symbol.btfId, type);
  }
  const { btf, ids } = addCopies(object.btf, copies);
  copies.forEach(({ symbol: index }, position) => {
    symbols[index] = { ...elementAt(symbols, index), btfId: elementAt(ids, position) };
  });
  followTags(btf, renamedFunctions(object, edits), changed);
  return { ...object, symbols, btf: editBtf(btf, changed) };
}

/** Only global definitions can be tentative: any other is allocated. */
function editSymbol(symbol: BpfSymbol, edit: SymbolEdit): BpfSymbol {
  if (symbol.kind !== 'variable' || symbol.common !== true || (edit.binding ?? 'global') === 'global')
    return { ...symbol, ...edit };
  const { common: _allocated, ...variable } = symbol;
  return { ...variable, ...edit };
}

/** The symbol's VAR or FUNC as it has to be, or null when it stays. */
function editedType(btf: Btf, symbol: BpfSymbol, edit: SymbolEdit): BtfType | null {
  const type = symbol.btfId === 0 ? undefined : btf.type(symbol.btfId);
  if (type?.kind !== 'func' && type?.kind !== 'var') return null;
  const linkage =
    type.linkage === 'extern' || edit.binding === undefined
      ? type.linkage
      : edit.binding === 'local'
        ? 'static'
        : 'global';
  const name = edit.name ?? type.name;
  return name === type.name && linkage === type.linkage ? null : { ...type, name, linkage };
}

/** A type of its own for a symbol that shared one. */
export interface Copy {
  readonly symbol: SymbolIndex;
  readonly of: BtfId;
  readonly type: BtfType;
}

/** Type → symbols that have it. */
function countUsers(object: BpfObject): Map<BtfId, number> {
  const users = new Map<BtfId, number>();
  for (const { btfId } of object.symbols) users.set(btfId, (users.get(btfId) ?? 0) + 1);
  return users;
}

/** The types with the copies after them, each with the declaration tags of its original. */
export function addCopies(
  btf: Btf,
  copies: readonly Copy[],
): { readonly btf: Btf; readonly ids: readonly BtfId[] } {
  if (copies.length === 0) return { btf, ids: [] };
  const wanted = new Set(copies.map(copy => copy.of));
  const tags = new Map<BtfId, BtfDeclTag[]>();
  for (const { tag } of declTags(btf)) {
    if (wanted.has(tag.type)) tags.set(tag.type, [...(tags.get(tag.type) ?? []), tag]);
  }
  const builder = new BtfBuilder(btf);
  const ids = copies.map(({ type }) => builder.add(type));
  copies.forEach((copy, position) => {
    for (const tag of tags.get(copy.of) ?? []) builder.add({ ...tag, type: elementAt(ids, position) });
  });
  return { btf: builder.build(), ids };
}

// --- callbacks that tags name -----------------------------------------------------------------------------------

function renamedFunctions(
  object: BpfObject,
  edits: ReadonlyMap<SymbolIndex, SymbolEdit>,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const [index, { name }] of edits) {
    const symbol = object.symbols[index];
    const isFunction = symbol?.kind === 'function' && symbol.binding !== 'local';
    if (isFunction && name !== undefined) names.set(symbol.name, name);
  }
  return names;
}

function followTags(btf: Btf, names: ReadonlyMap<string, string>, changed: Map<BtfId, BtfType>): void {
  if (names.size === 0) return;
  for (const { id, tag } of declTags(btf)) {
    const callback = callbackOf(tag);
    const to = callback === undefined ? undefined : names.get(callback);
    if (to !== undefined) changed.set(id, withCallback(tag, to));
  }
}
