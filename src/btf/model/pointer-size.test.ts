import { expect, test } from 'vitest';
import { inEachForm } from '../../image/testing.ts';
import * as values from './check-values.kernel.ts';
import { importTypes } from './columns.ts';
import { pointerSize } from './pointer-size.ts';
import { INT, LONG, pointer, struct, typesOf } from './testing.ts';

import type { BtfType } from './types.ts';

const LONGS = ['long', 'long int', 'long unsigned int', 'unsigned long'];
const OTHERS = [
  'lon',
  'longs',
  'long ',
  'long in',
  'long integer',
  'long long',
  'long long int',
  'long unsigned',
  'long unsigned in',
  'long unsigned int ',
  'long unsigned long',
  'unsigned',
  'unsigned lon',
  'unsigned longs',
  'unsigned long int',
  ' long',
  'int',
];

/** By the types alone, and by kernels in each form. */
function sizes(...types: readonly BtfType[]): readonly number[] {
  const raw = typesOf(...types);
  const found = [pointerSize(raw)];
  inEachForm(image => {
    const unit = image.addUnit('');
    importTypes(image, unit, raw);
    const kinds = image.add(Uint8Array.from({ length: raw.count + 1 }, (_, id) => raw.kindOf(id)));
    found.push(image.run(values).pointerSize(unit, kinds));
  });
  return found;
}

test.each(LONGS)('%s of 4 bytes makes pointers of 4 bytes', name => {
  expect(sizes(INT, { ...LONG, name, size: 4, bits: 32 })).toEqual([4, 4, 4, 4]);
  expect(sizes(INT, { ...LONG, name })).toEqual([8, 8, 8, 8]);
});

test.each(OTHERS)('"%s" says nothing of pointers', name => {
  expect(sizes({ ...INT, name })).toEqual([8, 8, 8, 8]);
});

test('the first integer of the name counts, and nothing else that has it', () => {
  const short = { ...LONG, size: 4, bits: 32 };
  expect(sizes(struct('long', 4), pointer(1), short, LONG)).toEqual([4, 4, 4, 4]);
  expect(sizes(struct('long', 4), LONG, short)).toEqual([8, 8, 8, 8]);
  expect(sizes()).toEqual([8, 8, 8, 8]);
});
