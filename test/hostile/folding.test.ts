/**
 * Folding of functions with many types, or with one large type, twice each: not only is it refused in time where it is
 * made to be slow, but what is merely large is folded.
 */

import { expect, test } from 'vitest';
import { valueAt } from '../../src/bytes/at.ts';
import { link } from '../../src/link/link.ts';
import { grown, SHAPES } from './shapes.ts';

const COUNT = 3000;

test.each([
  ['functions of one name with types of their own', 'same', COUNT],
  ['functions with one large type', 'typed', COUNT],
  ['members that begin in a chain of typedefs', 'same', 1],
])('%s', (name, prefix, expected) => {
  const bytes = grown(valueAt(SHAPES, name), COUNT);
  const inputs = ['a.o', 'b.o'].map(file => ({ name: file, bytes }));
  const result = link(inputs, { foldIdentical: true });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  const functions = result.object.symbols.filter(
    symbol => symbol.kind === 'function' && symbol.name.startsWith(prefix),
  );
  expect(functions).toHaveLength(expected);
});
