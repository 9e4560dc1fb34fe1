import { expect, test } from 'vitest';
import { canPrint, type Printer, printersOfLine } from './printk.ts';

test.each<readonly [string, string, boolean]>([
  ['limit %d', 'limit 5', true],
  ['limit %d', 'limits 5', false],
  ['limit %d\n', 'limit -5', true],
  ['%s: %08llx (%pI4) 100%%', 'a: 0000ff00 (10.0.0.1) 100%', true],
  ['100%%', '100x', false],
  ['a.b', 'axb', false],
  ['[%u]', '[7]', true],
])('%j and %j: %s', (format, text, fits) => {
  expect(canPrint(format, text)).toBe(fits);
});

test('the format with the most fixed text', () => {
  const printer = (name: string, format: string): Printer => ({
    entry: { kind: 'object', name },
    component: null,
    function: 'f',
    format,
  });
  const all = [printer('a', '%s'), printer('b', 'limit %d'), printer('c', 'limit %u'), printer('d', 'other')];
  const names = (text: string) => printersOfLine(all, text).map(({ entry }) => entry.name);
  expect(names('limit 5')).toEqual(['b', 'c']);
  expect(names('what')).toEqual(['a']);
  expect(printersOfLine(all.slice(3), 'what')).toEqual([]);
});
