/** Programs with another type than their section specifies. */

import { expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { sectionNameOf } from '../model/model.ts';
import { programsOf } from '../model/programs.ts';
import { readObject } from '../read/read.ts';
import { writeObject } from '../write/write.ts';
import { retypeAll, typesFor, withProgramTypes } from './retype.ts';

const fn = (name: string, section: string, ...uses: string[]): SymbolSpec => ({
  name,
  kind: 'function',
  section,
  uses,
});
const OBJECT = objectOf('dir/a.o', [
  fn('f', 'filter', 'sub'),
  fn('g', '?later'),
  fn('h', 'tc'),
  fn('sub', '.text'),
]);

const sections = (object: typeof OBJECT) =>
  Object.fromEntries(programsOf(object).map(({ program }) => [program.name, sectionNameOf(object, program)]));

test('named programs move to the section of their type; autoload stays off', () => {
  const typed = withProgramTypes(OBJECT, { f: 'xdp', g: 'sched_cls' });
  expect(sections(typed)).toEqual({ f: 'xdp', g: '?tc', h: 'tc' });
  expect(sections(withProgramTypes(OBJECT, new Map([['h', 'tcx/egress']])))).toMatchObject({
    h: 'tcx/egress',
  });
  expect(sections(OBJECT)).toEqual({ f: 'filter', g: '?later', h: 'tc' });
});

test('* stands for all other programs, and not for subprograms', () => {
  expect(sections(withProgramTypes(OBJECT, { '*': 'xdp', h: 'socket' }))).toEqual({
    f: 'xdp',
    g: '?xdp',
    h: 'socket',
  });
});

test('what changes nothing gives the same object', () => {
  expect(withProgramTypes(OBJECT, {})).toBe(OBJECT);
  expect(withProgramTypes(OBJECT, { h: 'tc' })).toBe(OBJECT);
});

test('the written object has the sections, and no empty ones', () => {
  const typed = withProgramTypes(OBJECT, { '*': 'xdp' });
  const again = readObject({ name: 'b.o', bytes: writeObject(typed) });
  expect(sections(again)).toEqual({ f: 'xdp', g: '?xdp', h: 'xdp' });
  expect(again.sections.map(({ name }) => name)).not.toContain('filter');
});

test('everything that is wrong is in one error', () => {
  const wrong = () => withProgramTypes(OBJECT, { f: 'xpd', sub: 'xdp', none: 'tc', '*': 'tracing' });
  expect(wrong).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({ code: 'object-program-type', where: ['dir/a.o', 'program "f"'] }),
        expect.objectContaining({ code: 'object-program-type', where: [], subject: 'tracing' }),
        expect.objectContaining({ code: 'object-no-program', subject: 'sub' }),
        expect.objectContaining({ code: 'object-no-program', subject: 'none' }),
      ],
    }),
  );
});

test('types of several objects: FILE:PROGRAM wins over PROGRAM, and over *', () => {
  const other = objectOf('b.o', [fn('f', 'mine')]);
  const types = { 'a.o:f': 'xdp', f: 'socket', '*': 'tc' };
  expect([...typesFor(OBJECT, types)]).toEqual([
    ['f', 'xdp'],
    ['g', 'tc'],
    ['h', 'tc'],
  ]);
  const { objects, problems } = retypeAll([OBJECT, other], types);
  expect(problems).toEqual([]);
  expect(objects.map(sections)).toEqual([{ f: 'xdp', g: '?tc', h: 'tc' }, { f: 'socket' }]);
  expect(retypeAll([OBJECT, other], { 'b.o:g': 'xdp', x: 'tc' }).problems).toMatchObject([
    { code: 'object-no-program', subject: 'b.o:g' },
    { code: 'object-no-program', subject: 'x' },
  ]);
});
