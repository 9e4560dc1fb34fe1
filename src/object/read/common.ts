/**
 * BTF for tentative definitions (`-fcommon`).
 *
 * clang describes no variable for them, so other linkers refuse the object ("failed to find BTF info"). Size
 * and alignment are in the symbol; the type becomes an array of bytes or, where the size is that of an
 * integer, an unsigned integer.
 */

import { type Btf, BtfBuilder, type BtfId } from '../../btf/index.ts';
import { ATOM, type Image } from '../../image/index.ts';
import { type AtomRow, atomRows } from './atom-rows.ts';

/** `btf` with a VAR for every tentative definition that had none; the atoms get its id. */
export function describeCommon(image: Image, unit: number, btf: Btf): Btf {
  const untyped = atomRows(image, unit).filter(atom => atom.get(ATOM.common) === 1 && atom.type === 0);
  if (untyped.length === 0) return btf;
  const builder = new BtfBuilder(btf);
  const types = new Map<number, BtfId>();
  for (const atom of untyped) {
    const type = types.get(atom.size) ?? storageType(builder, atom);
    types.set(atom.size, type);
    atom.type = builder.add({ kind: 'var', name: atom.name, type, linkage: 'global' });
  }
  return builder.build();
}

const INTEGERS: ReadonlyMap<number, string> = new Map([
  [1, 'unsigned char'],
  [2, 'unsigned short'],
  [4, 'unsigned int'],
  [8, 'unsigned long'],
]);

function storageType(builder: BtfBuilder, atom: AtomRow): BtfId {
  const name = INTEGERS.get(atom.size);
  if (name !== undefined && atom.get(ATOM.align) === atom.size) return addInteger(builder, name, atom.size);
  const element = addInteger(builder, 'unsigned char', 1);
  const index = addInteger(builder, 'unsigned int', 4);
  return builder.add({ kind: 'array', element, index, length: atom.size });
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
