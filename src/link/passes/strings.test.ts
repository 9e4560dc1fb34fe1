import { expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { encodeText } from '../../bytes/cursor.ts';
import { SHF_ALLOC, SHF_MERGE, SHF_STRINGS } from '../../elf/constants.ts';
import { ATOM_KIND } from '../../image/codes.ts';
import { ATOM, type Image, SHELL, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { inEachForm } from '../../image/testing.ts';
import { REQUEST } from '../resolve/request.ts';
import * as kernels from './strings.kernel.ts';

const MERGEABLE = SHF_ALLOC | SHF_MERGE | SHF_STRINGS;

/** A piece of a section of a unit. */
interface Piece {
  readonly text: string;
  readonly align: number;
  /** Number of the section, which all units have. */
  readonly section: number;
  /** What makes it another thing than a string that is kept. */
  readonly unlike?: 'named' | 'referring' | 'dropped' | 'replaced' | 'function' | 'empty';
}

interface Found {
  readonly target: number;
  readonly dropped: number;
}

/** Targets of all pieces, as numbers of pieces. `flags`: of each section of the result. */
function mark(units: readonly (readonly Piece[])[], flags: readonly number[]): readonly Found[] {
  const rows: number[] = [];
  const image = inEachForm(each => {
    rows.length = 0;
    const merged = each.addRows(SHELL, flags.length);
    for (const [at, value] of flags.entries()) each.set(SHELL.flags, merged + at, value);
    const list = units.map(pieces => addUnit(each, pieces, merged, flags.length, rows));
    return each.run(kernels).markDuplicates(requestFor(each, list));
  });
  return rows.map(row => ({
    target: rows.indexOf(image.get(ATOM.target, row)),
    dropped: image.get(ATOM.dropped, row),
  }));
}

function requestFor(image: Image, units: readonly number[]): number {
  const { alloc } = image.run(tables);
  const request = alloc(REQUEST.size * 4) / 4;
  const list = alloc(units.length * 4) / 4;
  image.words.set(units, list);
  image.words[request + REQUEST.units] = list;
  image.words[request + REQUEST.count] = units.length;
  return request;
}

function addUnit(
  image: Image,
  pieces: readonly Piece[],
  merged: number,
  count: number,
  rows: number[],
): number {
  const unit = image.addUnit('x.o');
  const shells = image.addRows(SHELL, count);
  for (let at = 0; at < count; at++) image.set(SHELL.merged, shells + at, merged + at);
  image.set(UNIT.shells, unit, shells);
  image.set(UNIT.shellCount, unit, count);
  image.set(UNIT.atoms, unit, image.addRows(ATOM, pieces.length));
  image.set(UNIT.atomCount, unit, pieces.length);
  pieces.forEach((piece, at) => {
    const atom = image.get(UNIT.atoms, unit) + at;
    rows.push(atom);
    addPiece(image, atom, piece, shells);
  });
  return unit;
}

function addPiece(image: Image, atom: number, { text, align, section, unlike }: Piece, shells: number): void {
  const bytes = encodeText(text);
  image.set(ATOM.kind, atom, unlike === 'function' ? ATOM_KIND.function : ATOM_KIND.variable);
  image.set(ATOM.name, atom, unlike === 'named' ? image.intern('name') : 0);
  image.set(ATOM.shell, atom, shells + section);
  image.set(ATOM.at, atom, unlike === 'empty' ? 0 : image.add(bytes));
  image.set(ATOM.size, atom, bytes.length);
  image.set(ATOM.align, atom, align);
  image.set(ATOM.referenceCount, atom, unlike === 'referring' ? 1 : 0);
  image.set(ATOM.target, atom, unlike === 'replaced' ? 0 : atom);
  image.set(ATOM.dropped, atom, unlike === 'dropped' ? 1 : 0);
}

/** What it means: the first of equal strings is the target of the others. */
function expected(units: readonly (readonly Piece[])[], flags: readonly number[]): readonly Found[] {
  const first = new Map<string, number>();
  return units.flat().map(({ text, align, section, unlike }, at) => {
    if (unlike !== undefined || ((flags[section] ?? 0) & SHF_STRINGS) === 0)
      return { target: unlike === 'replaced' ? -1 : at, dropped: unlike === 'dropped' ? 1 : 0 };
    const key = JSON.stringify([text, align, section]);
    const known = first.get(key) ?? at;
    first.set(key, known);
    return { target: known, dropped: known === at ? 0 : 2 };
  });
}

const UNLIKE = ['named', 'referring', 'dropped', 'replaced', 'function', 'empty'] as const;

test('equal strings of units become one, whatever else there is', () => {
  const random = new SeededRandom(3);
  let duplicates = 0;
  for (let round = 0; round < 30; round++) {
    const flags = [MERGEABLE, random.pick([MERGEABLE, SHF_ALLOC]), SHF_ALLOC];
    const piece = (): Piece => ({
      text: random.pick(['', 'a', 'b', 'ab', 'ba', '\0', 'long enough']),
      align: random.pick([1, 1, 8]),
      section: random.below(3),
      ...(random.below(4) === 0 ? { unlike: random.pick(UNLIKE) } : {}),
    });
    const units = Array.from({ length: random.below(4) }, () =>
      Array.from({ length: random.below(40) }, piece),
    );
    const found = mark(units, flags);
    expect(found, `round ${round}`).toEqual(expected(units, flags));
    duplicates += found.filter(({ dropped }) => dropped === 2).length;
  }
  expect(duplicates).toBeGreaterThan(100);
});

test('more strings than the hash table has slots at first', () => {
  const units = [0, 1].map(() =>
    Array.from({ length: 500 }, (_, at) => ({ text: `text ${at}`, align: 1, section: 0 })),
  );
  expect(mark(units, [MERGEABLE])).toEqual(expected(units, [MERGEABLE]));
});
