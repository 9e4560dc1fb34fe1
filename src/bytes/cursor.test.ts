/** Text in tables round-trips. */

import { expect, test } from 'vitest';
import { cString, decodeText, encodeText } from './cursor.ts';
import { StringTableBuilder } from './writer.ts';

const TEXTS = [
  '',
  'plain',
  '\ufeffmarked',
  'a\ufeffb',
  'größer',
  '\u{1f980}',
  'x'.repeat(40),
  `\ufeff${'y'.repeat(40)}`,
];

test.each(TEXTS)('%j survives', text => {
  const table = new StringTableBuilder();
  const offset = table.add(text);
  expect(cString(table.finish(), offset, 'test')).toBe(text);
  expect(decodeText(encodeText(text))).toBe(text);
});

test('a string outside its table and one without an end are refused', () => {
  const table = Uint8Array.of(0, 0x61, 0, 0x62);
  expect(() => cString(table, 4, 'name')).toThrow('name: string offset 4 is outside its table of 4 bytes');
  expect(() => cString(table, 3, 'name')).toThrow('name: string at 3 has no terminating NUL');
  const coded = (code: string) => expect.objectContaining({ code });
  expect(() => cString(table, 4, 'name')).toThrow(coded('bytes-string-offset'));
  expect(() => cString(table, 3, 'name')).toThrow(coded('bytes-string-unterminated'));
});
