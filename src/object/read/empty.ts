/**
 * Something of size 0 that has a type with a size. libbpf's linker makes this of an extern that it leaves
 * open in a section of data or maps: it is one again. Otherwise it comes from assembly without `.size`: its
 * extent is not known, and guessing it would move data.
 */

import { btfOf, type RawBtf, sizeOfType } from '../../btf/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import { ATOM, ATOM_KIND } from '../../image/index.ts';
import { type AtomRow, atomRows, setName } from './atom-rows.ts';
import type { Reading } from './reading.ts';

/** Throws `object-symbol-size`. */
export function explainEmpty(reading: Reading): void {
  const { image, unit } = reading;
  const btf = btfOf(image, unit);
  for (const atom of atomRows(image, unit)) {
    const isEmpty = (atom.isVariable || atom.isMap) && atom.size === 0 && atom.type !== 0;
    if (isEmpty && atom.get(ATOM.common) === 0) reading.attempt(() => explain(btf, atom));
  }
}

function explain(btf: RawBtf, atom: AtomRow): void {
  const variable = btf.type(atom.type);
  if (variable.kind !== 'var') return;
  if (variable.linkage === 'extern') {
    setName(atom.image, ATOM.section, atom.row, atom.sectionName);
    atom.set(ATOM.kind, ATOM_KIND.extern);
    for (const column of [ATOM.shell, ATOM.offset, ATOM.align, ATOM.at, ATOM.comdat]) atom.set(column, 0);
    return;
  }
  if (atom.isVariable && sizeOfType(btf, variable.type) === 0) return;
  const kind = atom.isMap ? 'map' : 'variable';
  throw inputError(
    'object-symbol-size',
    [`section ${quote(atom.sectionName)}`, `${kind} ${quote(atom.name)}`],
    'has size 0, but its type has not',
    { hint: 'assembly needs .size' },
  );
}
