/** Notes on what of a file its object does not have. */

import { elementAt, noElement } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { ATOM, ATOM_KIND, type Image, SECTION, SHELL, SHELL_ROLE, SYMBOL, UNIT } from '../../image/index.ts';
import { columnOf } from '../model/index.ts';
import { AtomRow, noted } from './atom-rows.ts';
import { READER } from './kernels/index.ts';
import type { Reading } from './reading.ts';

/** Sentences on names of maps, and on code without a symbol. */
export function notesOnWhatIsLeftOut({ image, unit, options }: Reading): readonly string[] {
  const names = noted(image, READER.mapNames) === 1 ? mapNamesLeftOut(image, unit) : [];
  const isWhole = noted(image, READER.holes) === 0 && options.onProblems === undefined;
  return isWhole ? names : [...names, ...codeLeftOut(image, unit)];
}

function mapNamesLeftOut(image: Image, unit: number): readonly string[] {
  const [first, count] = [image.get(UNIT.symbols, unit), image.get(UNIT.symbolCount, unit)];
  const found: string[] = [];
  for (let row = first; row < first + count; row++) {
    const owner = new AtomRow(image, image.get(SYMBOL.atom, row));
    const name = image.nameText(image.get(SYMBOL.name, row));
    if (owner.row === 0 || !owner.isMap || name === '' || name === owner.name) continue;
    found.push(
      `${quote(name)} is another name of map ${quote(owner.name)}, which has one name: it is left out`,
    );
  }
  return found;
}

/** Sentences on code of which the symbols have nothing, by section. */
function codeLeftOut(image: Image, unit: number): readonly string[] {
  const [first, count] = [image.get(UNIT.shells, unit), image.get(UNIT.shellCount, unit)];
  const kept = new Float64Array(count); // bytes, by section
  const [kinds, owners] = [columnOf(image, ATOM.kind), columnOf(image, ATOM.owner)];
  const [shells, sizes] = [columnOf(image, ATOM.shell), columnOf(image, ATOM.size)];
  const atoms = image.get(UNIT.atoms, unit);
  const end = atoms + image.get(UNIT.atomCount, unit);
  for (let atom = atoms; atom < end; atom++) {
    if (kinds[atom] !== ATOM_KIND.function || owners[atom] !== 0) continue;
    const place = (shells[atom] ?? noElement(shells, atom)) - first;
    kept[place] = (kept[place] ?? noElement(kept, place)) + ((sizes[atom] ?? noElement(sizes, atom)) >>> 0);
  }
  const found: string[] = [];
  for (let shell = first; shell < first + count; shell++) {
    const section = image.get(SHELL.section, shell);
    if (section === 0 || image.get(SHELL.role, shell) !== SHELL_ROLE.code) continue;
    const left = image.get(SECTION.size, section) - elementAt(kept, shell - first);
    const name = quote(image.nameText(image.get(SECTION.name, section)));
    if (left > 0)
      found.push(
        `section ${name}: ${left} bytes of code are left out: no symbol names them, and nothing calls them`,
      );
  }
  return found;
}
