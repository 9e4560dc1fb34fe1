/** Code without a symbol is left out, and reported with section and size. */

import { expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { link } from '../../link/link.ts';
import { writeObject } from '../write/write.ts';
import { readObject } from './read.ts';

const whole = objectOf('a.o', [
  { name: 'prog', kind: 'function', section: 'xdp' },
  { name: 'other', kind: 'function', section: 'tc' },
]);

/** The object without the symbol and the type of one function, whose code stays. */
function stripped(): Uint8Array {
  const symbols = whole.symbols.map(symbol =>
    symbol.name === 'other' ? { ...symbol, name: '', btfId: 0 } : symbol,
  );
  return writeObject({ ...whole, symbols });
}

const NOTE = 'section "tc": 16 bytes of code are left out: no symbol names them, and nothing calls them';

test('a section of code without a symbol', () => {
  const object = readObject({ name: 'a.o', bytes: stripped() });
  expect(object.notes).toEqual([`a.o: ${NOTE}`]);
  const result = link([object]);
  expect(result.ok ? result.notes : []).toContain(`a.o: ${NOTE}`);
  expect(result.ok ? result.report.notes : []).toContain(`a.o: ${NOTE}`);
});

test('code with symbols', () => {
  expect(readObject({ name: 'a.o', bytes: writeObject(whole) }).notes).toBeUndefined();
});
