import { expect, test } from 'vitest';
import * as errno from './errno.ts';
import * as uapi from './index.ts';

const numbersOf = (names: object, pattern: RegExp): [string, number][] =>
  Object.entries(names).filter(
    (entry): entry is [string, number] => pattern.test(entry[0]) && typeof entry[1] === 'number',
  );

test.each(numbersOf(errno, /^E/))('%s has its name in the table', (name, number) => {
  expect(errno.errnoName(number)).toBe(name);
});

test.each(numbersOf(uapi, /^BPF_PROG_TYPE_/))('%s has its word', (name, number) => {
  expect(`BPF_PROG_TYPE_${uapi.progTypeName(number).toUpperCase()}`).toBe(name);
});

test.each(numbersOf(uapi, /^BPF_MAP_TYPE_/))('%s has its word', (name, number) => {
  expect(`BPF_MAP_TYPE_${uapi.mapTypeName(number).toUpperCase()}`).toBe(name);
});

test.each(numbersOf(uapi, /^BPF_LINK_TYPE_/))('%s has its word', (name, number) => {
  expect(`BPF_LINK_TYPE_${uapi.rowOfLinkType(uapi.LINK_TYPE_NAMES, number)}`).toBe(name);
});

test('words for numbers that are newer than the tables', () => {
  expect(uapi.progTypeName(uapi.PROG_TYPE_COUNT)).toBe(`program type ${uapi.PROG_TYPE_COUNT}`);
  expect(uapi.mapTypeName(uapi.MAP_TYPE_COUNT)).toBe(`map type ${uapi.MAP_TYPE_COUNT}`);
  expect(uapi.attachTypeName(uapi.ATTACH_TYPE_COUNT)).toBe(`attach type ${uapi.ATTACH_TYPE_COUNT}`);
});
