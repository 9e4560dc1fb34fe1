/**
 * BTF for tentative definitions (`-fcommon`).
 *
 * clang describes no variable for them, so other linkers refuse the object ("failed to find BTF info"). Size
 * and alignment are in the symbol; the type becomes an array of bytes or, where the size is that of an
 * integer, an unsigned integer.
 */

import { type Btf, BtfBuilder, type BtfId } from '../../btf/index.ts';
import type { AtomDraft, AtomTable } from './draft.ts';

/** `btf` with a VAR for every tentative definition that had none; the drafts get its id. */
export function describeCommon(table: AtomTable, btf: Btf): Btf {
  const untyped = table.drafts.filter(draft => draft.common && draft.btfId === 0);
  if (untyped.length === 0) return btf;
  const builder = new BtfBuilder(btf);
  const types = new Map<number, BtfId>();
  for (const draft of untyped) {
    const type = types.get(draft.size) ?? storageType(builder, draft);
    types.set(draft.size, type);
    draft.btfId = builder.add({ kind: 'var', name: draft.name, type, linkage: 'global' });
  }
  return builder.build();
}

const INTEGERS: ReadonlyMap<number, string> = new Map([
  [1, 'unsigned char'],
  [2, 'unsigned short'],
  [4, 'unsigned int'],
  [8, 'unsigned long'],
]);

function storageType(builder: BtfBuilder, draft: AtomDraft): BtfId {
  const name = INTEGERS.get(draft.size);
  if (name !== undefined && draft.align === draft.size) return addInteger(builder, name, draft.size);
  const element = addInteger(builder, 'unsigned char', 1);
  const index = addInteger(builder, 'unsigned int', 4);
  return builder.add({ kind: 'array', element, index, length: draft.size });
}

function addInteger(builder: BtfBuilder, name: string, size: number): BtfId {
  return builder.add({
    kind: 'int',
    name,
    size,
    bits: size * 8,
    bitOffset: 0,
    signed: false,
    char: false,
    bool: false,
  });
}
