/** Notes on what of a file its object does not have. */

import { elementAt, noElement } from '../../bytes/index.ts';
import { quote, quoteAll } from '../../diag/index.ts';
import { STB_LOCAL, STT_FILE, STT_NOTYPE, STT_SECTION } from '../../elf/index.ts';
import {
  ATOM,
  ATOM_KIND,
  columnOf,
  type Image,
  SECTION,
  SHELL,
  SHELL_ROLE,
  SYMBOL,
  UNIT,
} from '../../image/index.ts';
import { AtomRow, noted } from './atom-rows.ts';
import { READER } from './kernels/index.ts';
import type { Reading } from './reading.ts';

/** Sentences on names of maps, on symbols of sections that are not loaded, and on code without a symbol. */
export function notesOnWhatIsLeftOut({ image, unit, options }: Reading): readonly string[] {
  const names = noted(image, READER.mapNames) === 1 ? mapNamesLeftOut(image, unit) : [];
  const symbols = symbolsLeftOut(image, unit);
  const isWhole = noted(image, READER.holes) === 0 && options.onProblems === undefined;
  return [...names, ...symbols, ...(isWhole ? [] : codeLeftOut(image, unit))];
}

/** Names that a sentence lists; others are counted. */
const MOST_NAMES = 5;

/** Sentences on symbols of sections that loaders do not load, by section. */
function symbolsLeftOut(image: Image, unit: number): readonly string[] {
  const isDropped = droppedSections(image, unit);
  if (!isDropped.includes(1)) return [];
  const [sections, count] = [columnOf(image, SYMBOL.section), image.get(UNIT.symbolCount, unit)];
  const first = image.get(UNIT.symbols, unit);
  const found = new Map<number, { readonly names: string[]; more: number }>();
  for (let row = first; row < first + count; row++) {
    const section = sections[row] ?? noElement(sections, row);
    if (isDropped[section] !== 1 || !isDefinition(image, row)) continue;
    const listed = found.get(section) ?? { names: [], more: 0 };
    found.set(section, listed);
    if (listed.names.length < MOST_NAMES) listed.names.push(image.nameText(image.get(SYMBOL.name, row)));
    else listed.more++;
  }
  return [...found].map(([section, { names, more }]) => {
    const rest = more === 0 ? '' : ` and ${more} more`;
    const name = image.nameText(image.get(SECTION.name, image.get(UNIT.sections, unit) + section));
    return `section ${quote(name)}: ${quoteAll(names)}${rest}: left out, since loaders do not load the section`;
  });
}

/** By ELF section index, 1: not kept, though it is not among what means nothing to loaders. */
function droppedSections(image: Image, unit: number): Uint8Array {
  const first = image.get(UNIT.sections, unit);
  return Uint8Array.from({ length: image.get(UNIT.sectionCount, unit) }, (_, at) => {
    const isKept = at === 0 || image.get(SECTION.shell, first + at) !== 0;
    return isKept || image.get(SECTION.ignored, first + at) === 1 ? 0 : 1;
  });
}

/** Not a label, a section or the name of a source file. */
function isDefinition(image: Image, row: number): boolean {
  const type = image.get(SYMBOL.type, row);
  if (image.get(SYMBOL.name, row) === 0 || type === STT_SECTION || type === STT_FILE) return false;
  return type !== STT_NOTYPE || image.get(SYMBOL.binding, row) !== STB_LOCAL;
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
