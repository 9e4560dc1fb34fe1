import { expect, test } from 'vitest';
import { parseLiteral } from './literal.ts';

test.each<readonly [string, unknown]>([
  ['5', 5],
  ['+5', 5],
  ['-5', -5],
  ['5UL', 5],
  ['0x1f', 31],
  ['-0x10', -16],
  ['0b101', 5],
  ['0o17', 15],
  ['18446744073709551615', 18446744073709551615n],
  ['0xffffffffffffffff', 18446744073709551615n],
  ['1.5', 1.5],
  ['1e3', 1000],
  ['true', true],
  ['NULL', 0],
  ["'a'", 97],
  ["'\\n'", 10],
  ['"5"', '5'],
  ['"a\\"\\x41\\u00e9\\0"', 'a"A\u00e9\0'],
  ['RED', 'RED'],
  ['10.0.0.1', '10.0.0.1'],
  ['', ''],
  ['[]', []],
  ['{}', {}],
  ['[1, [2, 3], ]', [1, [2, 3]]],
  ['{"a": 1, "b": {"c": [true]}}', { a: 1, b: { c: [true] } }],
  ['{a: 1}', { a: 1 }],
  ['{.a = 1, .b = {.c = RED,},}', { a: 1, b: { c: 'RED' } }],
  ['{1, 2, 0x3}', [1, 2, 3]],
  ['{1, [3 ... 4] = 7, 8}', [1, undefined, undefined, 7, 7, 8]],
  ['{[1, 2], [3]}', [[1, 2], [3]]],
  ['{"x", "y"}', ['x', 'y']],
  ['hex:0a0B', Uint8Array.of(10, 11)],
  ['hex:0a 0b:0c', Uint8Array.of(10, 11, 12)],
  ['hex:', new Uint8Array(0)],
])('%s', (text, value) => {
  expect(parseLiteral(text)).toEqual(value);
});

test('elements that are not given are not there', () => {
  expect(Object.keys(parseLiteral('{[2] = 5}') as object)).toEqual(['2']); // an array
});

test('__proto__ is a name as any other', () => {
  expect(Object.keys(parseLiteral('{"__proto__": 1}') as object)).toEqual(['__proto__']); // an object
});

test.each<readonly [string, string]>([
  ['[1', '"[1" is not a value: a list goes on with "," or ends with "]"'],
  ['{1 2}', 'a list goes on with'],
  ['{.a 1}', '"=" is missing'],
  ['{.a = }', 'a value is missing'],
  ['{.a = 1, 2}', 'it has members of a structure and elements of an array'],
  ['{.a = 1, .a = 2}', '"a" is given twice'],
  ['{[5 ... 2] = 1}', 'there are no elements 5 to 2'],
  ['{[0 ... 4000000000] = 1}', 'there are no elements 0 to 4000000000'],
  ['"abc', 'it has no " at its end'],
  ['"abc\\', 'it ends after'],
  ["'ab'", 'single quotes hold one character'],
  ['[1] 2', 'something follows its end'],
  ['[1.2.3]', '"1.2.3" is neither a number nor a name'],
  ['010', 'octal ones begin with 0o'],
  ['hex:abc', 'two hexadecimal digits for each byte'],
  ['['.repeat(100), 'it nests more than 64 deep'],
])('%s is refused', (text, why) => {
  expect(() => parseLiteral(text)).toThrow(
    expect.objectContaining({ code: 'value-literal', message: expect.stringContaining(why) as string }),
  );
});
