/** Which functions are programs: by section, binding and use. */

import { expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from './model.ts';
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

/** The object with a pointer to a function in a map. */
function holding(object: BpfObject, map: string, held: string): BpfObject {
  const symbol = object.symbols.findIndex(({ name }) => name === held);
  const reference = { offset: 0, width: 8, symbol, addend: 0, kind: 'address' } as const;
  const symbols = object.symbols.map(one =>
    one.kind === 'map' && one.name === map ? { ...one, references: [reference] } : one,
  );
  return { ...object, symbols };
}

test('programs, static programs and static subprograms', () => {
  const plain = objectOf('a.o', [
    fn('program', 'xdp', 'global', 'called'),
    fn('called', 'xdp', 'local'),
    fn('alone', 'xdp', 'local', 'alone'),
    fn('held', '?tc', 'local'),
    fn('inText', '.text.inText', 'global'),
    fn('staticText', '.text', 'local'),
    { name: 'array', kind: 'map' },
  ]);
  const object = holding(plain, 'array', 'held');
  expect(programsOf(object).map(({ program }) => program.name)).toEqual(['program']);
  expect(staticPrograms(object).map(({ name }) => name)).toEqual(['alone', 'held']);
  expect(staticSubprograms(object).map(({ name }) => name)).toEqual(['called']);
});
