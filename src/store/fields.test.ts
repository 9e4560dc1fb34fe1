import { expect, test } from 'vitest';
import { inputError } from '../diag/problem.ts';
import { type Damaged, Fields, fieldsOf, type JsonValue, textOf } from './fields.ts';

const damaged: Damaged = (name, wanted) => inputError('load-once', [], `${name}: ${wanted}`);
const fieldsIn = (value: JsonValue): Fields => Fields.of(value, 'top', damaged);

const DOCUMENT: JsonValue = {
  text: 'a',
  count: 3,
  none: null,
  yes: true,
  list: [1, 'b'],
  names: ['c', 'd'],
  entries: [{ text: 'e' }],
  inner: { count: 0 },
};

test('fields of the type that the format has', () => {
  const fields = fieldsIn(DOCUMENT);
  expect(fields.text('text')).toBe('a');
  expect(fields.textOrNull('none')).toBeNull();
  expect(fields.word('text', ['b', 'a'])).toBe('a');
  expect(fields.count('count')).toBe(3);
  expect(fields.countOrNull('none')).toBeNull();
  expect(fields.flag('yes')).toBe(true);
  expect(fields.flag('missing')).toBe(false);
  expect(fields.list('list')).toEqual([1, 'b']);
  expect(fields.texts('names')).toEqual(['c', 'd']);
  expect(fields.objects('entries').map(entry => entry.text('text'))).toEqual(['e']);
  expect(fields.object('inner').count('count')).toBe(0);
});

test.each<[string, (fields: Fields) => unknown]>([
  ['missing: text', fields => fields.text('missing')],
  ['count: text', fields => fields.textOrNull('count')],
  ['a: word', fields => fields.word('text', ['b'])],
  ['text: count', fields => fields.count('text')],
  ['missing: count', fields => fields.countOrNull('missing')],
  ['text: list', fields => fields.list('text')],
  ['list: text', fields => fields.texts('list')],
  ['list: object', fields => fields.objects('list')],
  ['list: object', fields => fields.object('list')],
  ['toString: text', fields => fields.text('toString')],
])('%s is damage', (message, read) => {
  expect(() => read(fieldsIn(DOCUMENT))).toThrow(message);
});

test.each([-1, 1.5, 2 ** 53])('%d is not a count', value => {
  expect(() => fieldsIn({ count: value }).count('count')).toThrow('count: count');
});

test.each<JsonValue>([null, [], 'text', 1])('%j is not an object', value => {
  expect(() => fieldsIn(value)).toThrow('top: object');
  expect(fieldsOf(value)).toEqual({});
});

test('listings read what is there', () => {
  expect(fieldsOf(DOCUMENT)).toBe(DOCUMENT);
  expect(textOf('a')).toBe('a');
  expect(textOf(1)).toBe('');
});
