/** Binding and visibility of what a link chooses, from all symbols of its name. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { link } from '../link.ts';

function linked(partial: boolean, ...files: readonly (readonly SymbolSpec[])[]): string | undefined {
  const result = link(
    files.map((specs, index) => objectOf(`${'abc'[index]}.o`, specs)),
    { partial },
  );
  if (!result.ok) throw new Error(result.problems.map(String).join('\n'));
  const found = result.object.symbols.find(({ name }) => name === 'f');
  return found && `${found.kind} ${found.binding} ${found.visibility}`;
}

const WEAK: SymbolSpec = { name: 'f', kind: 'function', binding: 'weak' };
const STRONG: SymbolSpec = { name: 'f', kind: 'function' };
const NEEDED: SymbolSpec = { name: 'f', kind: 'extern function' };
const WANTED: SymbolSpec = { name: 'f', kind: 'extern function', binding: 'weak' };
const USER: SymbolSpec = { name: 'main', kind: 'function', section: 'tc', calls: ['f'] };

describe('a definition', () => {
  test.each<[string, boolean, readonly SymbolSpec[], readonly SymbolSpec[], string]>([
    ['that is weak stays weak', false, [WEAK], [], 'function weak default'],
    [
      'that is weak and strongly referenced is global',
      false,
      [WEAK],
      [NEEDED, USER],
      'function global default',
    ],
    ['that is weak and weakly referenced stays weak', false, [WEAK], [WANTED, USER], 'function weak default'],
    ['stays weak in a partial link', true, [WEAK], [NEEDED, USER], 'function weak default'],
    ['that is strong replaces a weak one', false, [WEAK], [STRONG], 'function global default'],
    [
      'is hidden if any symbol of its name is',
      false,
      [STRONG],
      [{ ...NEEDED, visibility: 'hidden' }, USER],
      'function global hidden',
    ],
  ])('%s', (_, partial, first, second, expected) => {
    expect(linked(partial, first, second)).toBe(expected);
    expect(linked(partial, second, first)).toBe(expected);
  });
});

test('an extern is strong if any is', () => {
  expect(linked(true, [WANTED, USER], [NEEDED, { ...USER, name: 'other' }])).toBe('extern global default');
  expect(linked(true, [WANTED, USER], [WANTED, { ...USER, name: 'other' }])).toBe('extern weak default');
});
