import { expect, test } from 'vitest';
import { expandWords, splitWords } from './response-file.ts';

test.each([
  ['a.o b.o', ['a.o', 'b.o']],
  ['  a.o\n\tb.o\r\n', ['a.o', 'b.o']],
  ['"a b.o" c.o', ['a b.o', 'c.o']],
  ["'a b.o'", ['a b.o']],
  ['one="a b.o":prog', ['one=a b.o:prog']],
  ['a\\ b.o "say \\"x\\".o"', ['a b.o', 'say "x".o']],
  ['"it\'s.o"', ["it's.o"]],
  ['a "" b', ['a', '', 'b']],
  ['', []],
  ['\\', ['\\']],
] as const)('%j', (text, words) => {
  expect(splitWords(text, 'list')).toEqual(words);
});

test('a quote that is not closed', () => {
  expect(() => splitWords('"a.o', 'list')).toThrow(/"list": a quote \("\) is not closed/);
});

test('files within files, and one that names itself', () => {
  const files = new Map([
    ['all', 'first.o @rest last.o'],
    ['rest', 'x.o @'],
    ['loop', 'a.o @loop'],
  ]);
  const read = (path: string): string => files.get(path) ?? '';
  expect(expandWords(['@all', 'y.o', '@'], read)).toEqual(['first.o', 'x.o', '@', 'last.o', 'y.o', '@']);
  expect(() => expandWords(['@loop'], read)).toThrow(/are nested too deeply/);
});
