/** Types of functions where `.BTF.ext` does not describe them: by name and linkage. */

import { expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { writeObject } from '../write/write.ts';
import { readObject } from './read.ts';

const OBJECT = objectOf('a.o', [
  { name: 'main', kind: 'function', section: 'tc', calls: ['helper'] },
  { name: 'helper', kind: 'function', binding: 'local' },
  { name: 'weak', kind: 'function', binding: 'weak' },
]);

/** The bytes with another name of the same length for the section `.BTF.ext`, by which it is ignored. */
function withoutExt(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes);
  const at = text.lastIndexOf('.BTF.ext\0');
  expect(at).toBeGreaterThan(0);
  text.write('.debug_x', at);
  return text;
}

test('functions have their types by name', () => {
  const bytes = writeObject(OBJECT);
  const typesOf = (file: Uint8Array): unknown =>
    readObject({ name: 'a.o', bytes: file }).symbols.map(({ name, btfId }) => [name, btfId]);
  expect(typesOf(withoutExt(bytes))).toEqual(typesOf(bytes));
  expect(JSON.stringify(typesOf(bytes))).not.toContain(',0]');
});
