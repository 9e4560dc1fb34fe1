/** What decides where the symbols of an object are, as columns: layout needs no more of an object than this. */

import { inputError, quote } from '../../diag/index.ts';
import { ATOM, ATOM_KIND, type Image, SHELL, UNIT } from '../../image/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isAlias,
  isCommon,
  sectionAt,
  sizeOfSymbol,
} from '../model/index.ts';

/** Largest size of a symbol: columns have 32 bits. */
const MAX_SIZE = 0x7fffffff;

/** Adds the rows of SHELL and ATOM of a unit; of ATOM, kind, section, size, alignment, owner and `common` are set. */
export function importPlaces(image: Image, unit: number, object: BpfObject): void {
  const shells = image.addRows(SHELL, object.sections.length);
  image.set(UNIT.shells, unit, shells);
  image.set(UNIT.shellCount, unit, object.sections.length);
  object.sections.forEach(({ align }, index) => {
    image.set(SHELL.unit, shells + index, unit);
    image.set(SHELL.align, shells + index, Math.max(align, 1));
  });
  const atoms = image.addRows(ATOM, object.symbols.length);
  image.set(UNIT.atoms, unit, atoms);
  image.set(UNIT.atomCount, unit, object.symbols.length);
  object.symbols.forEach((symbol, index) => {
    importPlace(image, object, symbol, { row: atoms + index, atoms, shells });
  });
}

function importPlace(
  image: Image,
  object: BpfObject,
  symbol: BpfSymbol,
  { row, atoms, shells }: { readonly row: number; readonly atoms: number; readonly shells: number },
): void {
  image.set(ATOM.kind, row, ATOM_KIND[symbol.kind]);
  if (symbol.kind === 'extern') return;
  sectionAt(object, symbol.section);
  image.set(ATOM.shell, row, shells + symbol.section);
  image.set(ATOM.size, row, requireSize(sizeOfSymbol(symbol), symbol));
  image.set(ATOM.align, row, symbol.kind === 'function' ? INSN_SIZE : symbol.align);
  image.set(ATOM.common, row, isCommon(symbol) ? 1 : 0);
  if (isAlias(symbol) && object.symbols[symbol.aliasOf] !== undefined)
    image.set(ATOM.owner, row, atoms + symbol.aliasOf);
}

function requireSize(size: number, symbol: BpfSymbol): number {
  if (size <= MAX_SIZE) return size;
  const where = [`symbol ${quote(symbol.name)}`];
  throw inputError('object-symbol-size', where, `has ${size} bytes, more than ${MAX_SIZE}`);
}
