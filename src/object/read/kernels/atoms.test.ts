/** Atoms by place, in every form of the kernels: sections with gaps, aliases and offsets beyond 2^31. */

import { expect, test } from 'vitest';
import { ATOM_KIND } from '../../../image/codes.ts';
import type { Image } from '../../../image/image.ts';
import { ATOM, SECTION, UNIT } from '../../../image/layout.ts';
import { inEachForm } from '../../../image/testing.ts';
import * as atoms from './atoms.kernel.ts';
import * as state from './state.kernel.ts';

/** Offsets and sizes of the atoms of a section; the third is followed by an alias of it. */
const PLACES = [
  [0, 8],
  [8, 0],
  [16, 16],
  [0x8000_0000, 4],
] as const;

function sectionWithAtoms(image: Image): { section: number; rows: readonly number[]; alias: number } {
  const unit = image.addUnit('a.o');
  const first = image.addRows(SECTION, 3);
  image.set(UNIT.sections, unit, first);
  image.set(UNIT.sectionCount, unit, 3);
  for (let row = first; row < first + 3; row++) image.set(SECTION.unit, row, unit);
  const { makeReader, startUnit } = image.run(state);
  makeReader();
  startUnit(unit);
  const section = first + 1;
  const { beginAtoms, placedAtom, newAlias } = image.run(atoms);
  beginAtoms(section);
  const rows: number[] = [];
  let alias = 0;
  for (const [offset, size] of PLACES) {
    rows.push(placedAtom(unit, section, ATOM_KIND.variable, 0, offset | 0, size));
    if (offset === 16) alias = newAlias(unit, section, 0, rows[rows.length - 1] ?? 0);
  }
  beginAtoms(section + 1);
  return { section, rows, alias };
}

/** Offset; positions in PLACES of the atom that begins there, of the one that covers it or ends there. */
const LOOKUPS = [
  [0, 0, 0],
  [4, -1, 0],
  [8, 1, 1],
  [9, -1, -1],
  [16, 2, 2],
  [31, -1, 2],
  [32, -1, 2],
  [33, -1, -1],
  [0x7fff_ffff, -1, -1],
  [0x8000_0000, 3, 3],
  [0x8000_0004, -1, 3],
  [0x8000_0005, -1, -1],
  [0xffff_ffff, -1, -1],
] as const;

test('atoms are found by place', () => {
  inEachForm(image => {
    const { section, rows, alias } = sectionWithAtoms(image);
    const { atomAt, atomCovering, atomFrom, firstAtom, endOfAtoms } = image.run(atoms);
    const rowOf = (position: number): number => rows[position] ?? 0;
    for (const [offset, at, covering] of LOOKUPS) {
      expect(atomAt(section, offset | 0), `at ${offset}`).toBe(rowOf(at));
      expect(atomCovering(section, offset | 0), `covering ${offset}`).toBe(rowOf(covering));
    }
    expect([firstAtom(section), endOfAtoms(section)]).toEqual([rowOf(0), rowOf(3) + 1]);
    expect(image.get(ATOM.owner, alias)).toBe(rowOf(2));
    expect([atomFrom(section + 1, 0), atomAt(section + 1, 0), atomCovering(section + 1, 0)]).toEqual([
      0, 0, 0,
    ]);
    return rows;
  });
});

test('a place is in the section of its atom', () => {
  inEachForm(image => {
    const { rows, alias } = sectionWithAtoms(image);
    const shared = [ATOM.kind, ATOM.offset, ATOM.size, ATOM.align, ATOM.at, ATOM.shell];
    const of = (row: number): number[] => shared.map(column => image.get(column, row));
    expect(of(alias)).toEqual(of(rows[2] ?? 0));
    return of(alias);
  });
});
