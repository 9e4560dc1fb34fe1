/**
 * Aliases: contents and types of the symbols that they are other names of.
 *
 * Compilers describe one of several names of a place in BTF. Each alias gets a FUNC or VAR of its own, so that it
 * can be compared, renamed and made static like any other symbol.
 */

import {
  type Btf,
  BtfBuilder,
  type BtfExt,
  type BtfId,
  forEachVariable,
  type RawBtf,
} from '../../btf/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { type AtomDraft, type AtomTable, draftAt } from './draft.ts';

/** Gives aliases the contents of their owners, once those are complete. */
export function completeAliases(table: AtomTable): void {
  for (const draft of table.drafts) {
    if (draft.aliasOf < 0) continue;
    const owner = draftAt(table, draft.aliasOf);
    draft.codeReferences = owner.codeReferences;
    draft.dataReferences = owner.dataReferences;
    draft.coreRecords = owner.coreRecords;
    draft.lines = owner.lines;
    draft.faults = owner.faults;
  }
}

/** The symbol of a static function that has an alias only: BTF describes the function under its own name. */
function isRenamedStatic(draft: AtomDraft, btf: Btf): boolean {
  if (draft.kind !== 'function' || draft.binding === 'local' || draft.btfId === 0) return false;
  const type = btf.type(draft.btfId);
  return type.kind === 'func' && type.linkage === 'static' && type.name !== draft.name;
}

/** `btf` with a FUNC or VAR for every alias that had none. */
export function describeAliases(table: AtomTable, btf: Btf): Btf {
  const aliases = table.drafts.filter(draft => draft.aliasOf >= 0 || isRenamedStatic(draft, btf));
  if (aliases.length === 0) return btf;
  const known = idsOf(btf, new Set(aliases.map(({ name }) => name)));
  const builder = new BtfBuilder(btf);
  for (const draft of aliases) {
    const owner = draft.aliasOf < 0 ? draft : draftAt(table, draft.aliasOf);
    const original = owner.btfId === 0 ? undefined : btf.type(owner.btfId);
    if (original?.kind !== 'func' && original?.kind !== 'var') continue;
    // types that rootlet gave to functions without types are static, whatever their symbols are
    const isAssumed =
      original.kind === 'func' && original.linkage === 'static' && original.name === owner.name;
    const linkage = draft.binding === 'local' || isAssumed ? 'static' : 'global';
    const same = known.get(draft.name)?.find(id => {
      const type = btf.type(id);
      return type.kind === original.kind && type.type === original.type && type.linkage === linkage;
    });
    draft.btfId = same ?? builder.add({ ...original, name: draft.name, linkage });
  }
  return builder.build();
}

function idsOf(btf: Btf, names: ReadonlySet<string>): Map<string, BtfId[]> {
  const found = new Map<string, BtfId[]>();
  for (let id = 1; id <= btf.count; id++) {
    const kind = btf.kindOf(id);
    const name = kind === BTF_KIND.FUNC || kind === BTF_KIND.VAR ? btf.nameOf(id) : '';
    if (name === '' || !names.has(name)) continue;
    const ids = found.get(name);
    if (ids === undefined) found.set(name, [id]);
    else ids.push(id);
  }
  return found;
}

/** Whether BTF describes a symbol of a section as the function or variable at an offset. */
export type IsDescribed = (section: string, offset: number, name: string) => boolean;

/** By function information, which names the function at each place, and by the DATASECs, which list variables. */
export function describedPlaces(btf: RawBtf | null, ext: BtfExt | null): IsDescribed {
  let described: Set<string> | undefined; // collected when first asked for
  return (section, offset, name) => {
    described ??= btf === null ? new Set() : keysOf(btf, ext);
    return described.has(`${section} ${name}`) || described.has(`${section} ${offset} ${name}`);
  };
}

function keysOf(btf: RawBtf, ext: BtfExt | null): Set<string> {
  const keys = new Set<string>();
  const funcs = ext === null ? [] : ext.funcs;
  for (const { section, byteOffset, type } of funcs) keys.add(`${section} ${byteOffset} ${btf.nameOf(type)}`);
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DATASEC) continue;
    forEachVariable(btf, id, member => keys.add(`${btf.nameOf(id)} ${btf.nameOf(member)}`));
  }
  return keys;
}
