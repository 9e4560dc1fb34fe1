/**
 * Code that no symbol names and nothing can reach. It is discarded, and reported.
 *
 * Other linkers leave the code of an overridden weak function where it was, without a symbol but with its
 * function information, which now names the other definition. Nothing can call it, so it is discarded; a
 * function whose symbol was stripped looks the same, but has callers, and stays.
 */

import { SHF_MERGE, SHF_STRINGS } from '../../elf/index.ts';
import { ATOM, type Image, REFERENCE, SHELL, SYMBOL, UNIT } from '../../image/index.ts';
import { isDebugSection } from '../model/index.ts';
import { type AtomRow, atomRows, noted } from './atom-rows.ts';
import { READER } from './kernels/index.ts';
import type { Reading } from './reading.ts';

/** Drops nameless functions that no other atom leads to, and strings that only they use; the atoms after them move. */
export function dropHoles(reading: Reading): void {
  const { image, unit } = reading;
  if (noted(image, READER.holes) === 0) return;
  const atoms = atomRows(image, unit);
  if (!atoms.some(atom => isNameless(atom) || isString(image, atom))) return;
  const live = reachable(image, atoms);
  if (live.size === atoms.length) return;
  const moved = new Map<number, number>();
  for (const atom of atoms) if (live.has(atom.row)) moved.set(atom.row, (atoms[0]?.row ?? 0) + moved.size);
  renumber(reading, atoms, moved);
  for (const [from, to] of moved) if (from !== to) copyRow(image, from, to);
  image.set(UNIT.atomCount, unit, moved.size);
}

function isNameless(atom: AtomRow): boolean {
  return atom.isFunction && atom.get(ATOM.name) === 0;
}

const MERGED_STRINGS = SHF_MERGE | SHF_STRINGS;

/** As after reading, where strings that nothing refers to are left out. */
function isString(image: Image, atom: AtomRow): boolean {
  if (!atom.isVariable || atom.get(ATOM.name) !== 0 || isDebugSection(atom.sectionName)) return false;
  const shell = atom.get(ATOM.shell);
  return (
    (image.get(SHELL.flags, shell) & MERGED_STRINGS) === MERGED_STRINGS &&
    image.get(SHELL.entsize, shell) === 1
  );
}

/** Rows of all but nameless functions and strings, which are there in their own right, and of what they lead to. */
function reachable(image: Image, atoms: readonly AtomRow[]): ReadonlySet<number> {
  const byRow = new Map(atoms.map(atom => [atom.row, atom]));
  const work = atoms.filter(atom => !isNameless(atom) && !isString(image, atom));
  const live = new Set(work.map(({ row }) => row));
  for (let atom = work.pop(); atom !== undefined; atom = work.pop()) {
    for (const reference of atom.references) {
      const target = byRow.get(image.get(REFERENCE.atom, reference));
      if (target === undefined || live.has(target.row)) continue;
      live.add(target.row);
      work.push(target);
    }
  }
  return live;
}

/** References, symbols and aliases lead to the rows that atoms will have. */
function renumber(
  { image, unit, faultsOf }: Reading,
  atoms: readonly AtomRow[],
  moved: ReadonlyMap<number, number>,
): void {
  const newRow = (row: number): number => moved.get(row) ?? 0;
  for (const atom of atoms) {
    if (atom.owner !== undefined) {
      atom.set(ATOM.owner, newRow(atom.get(ATOM.owner))); // it shares its references
      continue;
    }
    if (!moved.has(atom.row)) continue;
    for (const row of atom.references) image.set(REFERENCE.atom, row, newRow(image.get(REFERENCE.atom, row)));
  }
  const first = image.get(UNIT.symbols, unit);
  for (let row = first; row < first + image.get(UNIT.symbolCount, unit); row++)
    image.set(SYMBOL.atom, row, newRow(image.get(SYMBOL.atom, row)));
  const faults = [...faultsOf];
  faultsOf.clear();
  for (const [row, found] of faults) if (moved.has(row)) faultsOf.set(newRow(row), found);
}

function copyRow(image: Image, from: number, to: number): void {
  for (let column = ATOM.first; column < ATOM.first + ATOM.width; column++)
    image.set(column, to, image.get(column, from));
}
