/** Settings: merged name by name, fitted to an object, and kept in records as untrusted JSON. */

import { describe, expect, test } from 'vitest';
import { damaged } from '../../test/support/damaged.ts';
import { needs } from '../../test/support/needs.ts';
import { objectOf } from '../../test/support/objects.ts';
import { RootletError } from '../diag/problem.ts';
import type { BpfObject } from '../object/model/model.ts';
import type { JsonObject } from '../store/fields.ts';
import {
  decodeSettings,
  encodeSettings,
  hasSettings,
  mapNames,
  mergeSettings,
  NO_SETTINGS,
  type Settings,
  type SettingsByOwner,
  settingsFor,
  settingsIn,
  variableNames,
} from './settings.ts';
import { compileTexts, withProgram } from './testing.ts';

const settings = (
  globals: Readonly<Record<string, unknown>>,
  maxEntries: Readonly<Record<string, number>> = {},
): Settings => ({
  globals: new Map(Object.entries(globals)),
  maxEntries: new Map(Object.entries(maxEntries)),
});

const throughJson = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value));

describe('merging', () => {
  test('later ones go before earlier ones, name by name', () => {
    const merged = mergeSettings(settings({ a: 1, b: 2 }, { m: 4 }), settings({ b: 3, c: 4 }, { n: 8 }));
    expect(merged).toEqual(settings({ a: 1, b: 3, c: 4 }, { m: 4, n: 8 }));
  });

  test('none', () => {
    expect(hasSettings(NO_SETTINGS)).toBe(false);
    expect(hasSettings(settings({ a: undefined }))).toBe(true);
    expect(hasSettings(settings({}, { m: 1 }))).toBe(true);
  });
});

describe('records', () => {
  test.each<[what: string, value: unknown]>([
    ['a number', 5],
    ['a negative number', -5],
    ['zero', 0],
    ['true', true],
    ['false', false],
    ['text', 'ENUM_VALUE'],
    ['text that looks like a number', '5'],
    ['empty text', ''],
    ['a number of 64 bits', 0xffff_ffff_ffff_ffffn],
    ['a negative one', -0x8000_0000_0000_0000n],
    ['bytes', Uint8Array.of(0, 1, 255)],
    ['no bytes', new Uint8Array(0)],
    ['a list', [1, 2n, 'x', [3]]],
    ['an empty list', []],
    ['a structure', { x: 1, y: { z: [2n, Uint8Array.of(1)] } }],
    ['an empty structure', {}],
    ['a structure with names that are used here', { int: 1, bytes: [2], list: 'x', fields: { int: '5' } }],
    [
      'a structure with a name of all objects',
      Object.fromEntries([
        ['__proto__', 1],
        ['constructor', 2],
      ]),
    ],
  ])('%s comes back as it was', (_, value) => {
    const given: SettingsByOwner = new Map([['fw', settings({ v: value })]]);
    expect(decodeSettings(throughJson(encodeSettings(given)))).toEqual(given);
  });

  test('by component, without those that have none', () => {
    const given: SettingsByOwner = new Map([
      ['', settings({ limit: 1 }, { rules: 64 })],
      ['fw', settings({ '.data:limit': 2 })],
      ['idle', NO_SETTINGS],
      ['__proto__', settings({ limit: 3 })],
    ]);
    const read = decodeSettings(throughJson(encodeSettings(given)));
    expect([...read.keys()]).toEqual(['', 'fw', '__proto__']);
    expect(read.get('')).toEqual(given.get(''));
    expect(read.get('__proto__')).toEqual(given.get('__proto__'));
  });

  test('an entry of a version without settings has none', () => {
    expect(decodeSettings(undefined)).toEqual(new Map());
  });

  test('what cannot be read is refused, and everything else is settings', () => {
    const value = { x: [1n, Uint8Array.of(1, 2)], y: 'text' };
    const document = encodeSettings(new Map([['fw', settings({ value, other: 5 }, { rules: 64 })]]));
    let refused = 0;
    for (const bad of damaged(throughJson(document))) {
      try {
        for (const [owner, { globals, maxEntries }] of decodeSettings(bad)) {
          expect(typeof owner).toBe('string');
          expect([...globals.keys(), ...maxEntries.keys()].every(name => typeof name === 'string')).toBe(
            true,
          );
          expect([...maxEntries.values()].every(count => Number.isSafeInteger(count) && count >= 0)).toBe(
            true,
          );
        }
      } catch (error) {
        expect(error).toBeInstanceOf(RootletError);
        expect(error).toMatchObject({ code: 'state-record' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
  });

  test.each([
    ['an integer that is none', { int: '1e5' }],
    ['an integer of any length', { int: '1'.repeat(5000) }],
    ['an integer that is a number', { int: 5 }],
    ['bytes that are not a list', { bytes: 'AQI=' }],
    ['a byte that is negative', { bytes: [-1] }],
    ['a list that is none', { list: { length: 1e9 } }],
    ['fields without names', { fields: [[1, 2]] }],
    ['a structure of another kind', { other: 1 }],
  ])('%s is refused', (_, value) => {
    const bad = { fw: { globals: [['v', value]], maxEntries: [] } };
    expect(() => decodeSettings(bad)).toThrow(expect.objectContaining({ code: 'state-record' }));
  });
});

const clang = needs('clang');

clang.describe('names of an object', () => {
  if (clang.reason !== undefined) return;
  const text = withProgram(`
const volatile int limit = 1;
int limits[2];
int tuned = 3;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } rules SEC(".maps");
__noinline int use(int v) { static volatile int seen; return seen += v; }
`);
  const object = compileTexts([text])(text);

  test('variables by name, and by section and name', () => {
    const names = variableNames(object);
    for (const name of ['limit', '.rodata:limit', 'limits', '.bss:limits', 'tuned', '.data:tuned'])
      expect(names.has(name), name).toBe(true);
    for (const name of ['rules', 'pass', 'use', '.data:limit', '']) expect(names.has(name), name).toBe(false);
  });

  test('maps by name', () => {
    expect(mapNames(object)).toEqual(new Set(['rules']));
  });

  test('settings are divided into those that fit, and names of the others', () => {
    const given = settings({ limit: 5, '.data:tuned': 6, gone: 7, rules: 8 }, { rules: 9, limit: 10 });
    const fitting = settingsIn(object, given);
    expect(fitting.settings).toEqual(settings({ limit: 5, '.data:tuned': 6 }, { rules: 9 }));
    expect(fitting.unknown).toEqual([
      'variable "gone" is not in "o0.o"',
      'variable "rules" is not in "o0.o"',
      'map "limit" is not in "o0.o"',
    ]);
  });
});

describe('values that an object takes, in objects with and without types', () => {
  const names = [
    { name: 'a', kind: 'variable', section: '.data' },
    { name: 'b', kind: 'variable', section: '.data', size: 8 },
    { name: 'm', kind: 'map' },
    { name: 'f', kind: 'function', section: 'xdp' },
  ] as const;
  const typed = objectOf('a.o', names);
  const untyped: BpfObject = {
    ...typed,
    btf: null,
    symbols: typed.symbols.map(symbol => ({ ...symbol, btfId: 0 })),
  };
  const one = (object: BpfObject, name: string, value: unknown) => {
    const { settings: fitting, unknown } = settingsIn(object, settings({ [name]: value }));
    return fitting.globals.size === 1 ? 'fits' : unknown[0];
  };
  const refused = (name: string) => `variable "${name}" of "a.o" cannot have the value`;

  test.each([
    ['with types', typed],
    ['without types', untyped],
  ])('%s', (_, object) => {
    expect(one(object, 'a', 5)).toBe('fits');
    expect(one(object, '.data:a', 5)).toBe('fits');
    expect(one(object, 'a', 2 ** 33)).toBe(refused('a'));
    expect(one(object, '.data:a', 2 ** 33)).toBe(refused('.data:a'));
    expect(one(object, 'b', 2 ** 33)).toBe('fits');
    expect(one(object, 'a', new Uint8Array(4))).toBe('fits');
    expect(one(object, 'a', new Uint8Array(8))).toBe(refused('a'));
    expect(one(object, 'b', new Uint8Array(8))).toBe('fits');
    expect(one(object, 'm', 5)).toBe('variable "m" is not in "a.o"');
    expect(one(object, 'f', 5)).toBe('variable "f" is not in "a.o"');
  });

  test('a variable without a type in an object with types', () => {
    const symbols = typed.symbols.map(symbol => (symbol.name === 'a' ? { ...symbol, btfId: 0 } : symbol));
    expect(one({ ...typed, symbols }, 'a', 5)).toBe('fits');
    expect(one({ ...typed, symbols }, 'a', 'ENUM')).toBe(refused('a'));
  });

  test('of no name there is no variable', () => {
    const symbols = typed.symbols.map(symbol => (symbol.name === 'a' ? { ...symbol, name: '' } : symbol));
    expect([...variableNames({ ...typed, symbols })]).toEqual(['b', '.data:b']);
  });
});

test('settings of a component, and none where nothing was given', () => {
  const given = settings({ a: 1 });
  expect(settingsFor(new Map([['one', given]]), 'one')).toBe(given);
  expect(settingsFor(new Map([['one', given]]), 'two')).toBe(NO_SETTINGS);
});

test.each([[['x', 1]], [[[1, 2]]], [[['x']]], ['text']])('pairs %j are not settings', globals => {
  const record = { one: { globals, maxEntries: [] } } as JsonObject; // what another version may have written
  expect(() => decodeSettings(record)).toThrow(RootletError);
});

test('values of other kinds are recorded as text', () => {
  const recorded = encodeSettings(new Map([['', settings({ a: null, b: undefined })]]));
  expect(recorded).toMatchObject({
    '': {
      globals: [
        ['a', 'null'],
        ['b', 'undefined'],
      ],
    },
  });
});
