/** Which functions are programs: by section, binding and use. */

import { expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { isTextSection, programsOf, staticPrograms, staticSubprograms } from './programs.ts';

const fn = (name: string, section: string, binding: 'local' | 'global', ...uses: string[]): SymbolSpec => ({
  name,
  kind: 'function',
  section,
  binding,
  uses,
});

test.each([
  ['.text', true],
  ['.text.f', true],
  ['.text.unlikely.', true],
  ['.textual', false],
  ['text', false],
  ['?.text', false],
  ['xdp', false],
])('%s holds subprograms: %s', (name, is) => expect(isTextSection(name)).toBe(is));

test('programs, static programs and static subprograms', () => {
  const object = objectOf('a.o', [
    fn('program', 'xdp', 'global', 'called'),
    fn('called', 'xdp', 'local'),
    fn('alone', 'xdp', 'local', 'alone'),
    fn('held', '?tc', 'local'),
    fn('inText', '.text.inText', 'global'),
    fn('staticText', '.text', 'local'),
    { name: 'array', kind: 'map', uses: ['held'] },
  ]);
  expect(programsOf(object).map(({ program }) => program.name)).toEqual(['program']);
  expect(staticPrograms(object).map(({ name }) => name)).toEqual(['alone', 'held']);
  expect(staticSubprograms(object).map(({ name }) => name)).toEqual(['called']);
});
