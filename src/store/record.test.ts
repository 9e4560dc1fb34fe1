import { describe, expect, test } from 'vitest';
import { encodeText } from '../bytes/cursor.ts';
import { RootletError } from '../diag/problem.ts';
import { entryKey, fileKeys, isFileKey, isFileKeyOf, isPinName, keyOf, nameOfKey, pinName } from './names.ts';
import { decodeRecord, encodeRecord, type StoreRecord } from './record.ts';

const RECORD: StoreRecord = {
  version: 1,
  kind: 'object',
  name: 'first',
  source: 'dir/first.bpf.o',
  time: 1_700_000_000,
  programs: [{ name: 'xdp.main', pin: 'prog_xdp%2emain', id: 7, tag: '0011223344556677', type: 6 }],
  maps: [
    { name: '.bss', pin: 'map_%2ebss', id: 8, component: null, map: '.bss', previous: false },
    { name: 'a.bss', pin: 'components/a/maps/%2ebss', id: 10, component: 'a', map: '.bss', previous: false },
    { name: 'b', pin: 'components/a/previous/maps/b', id: 11, component: 'a', map: 'b', previous: true },
  ],
  links: [{ name: 'hook', pin: 'link_hook', id: 9, place: 'interface "v0"' }],
  data: { slots: [{ name: 'foo', at: [1, null, true] }] },
};
const FILES = new Map([
  ['a.o', Uint8Array.of(1, 2, 3)],
  ['empty', new Uint8Array(0)],
]);

describe('names', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['plain-Name_9', 'plain-Name_9'],
    ['.bss', '%2ebss'],
    ['a/b', 'a%2fb'],
    ['50%', '50%25'],
    ['é\n', '%c3%a9%0a'],
  ];
  test.each(cases)('%j is %s, and back', (name, key) => {
    expect(keyOf(name)).toBe(key);
    expect(nameOfKey(key)).toBe(name);
  });

  test('what is not a key has no name', () => {
    for (const text of ['', 'a.b', 'a%2E', 'a%', '%zz', '%41', 'é'])
      expect(nameOfKey(text), text).toBeUndefined();
  });

  test('cut keys are keys of their names, and of no others', () => {
    const names = [
      'x'.repeat(300),
      `${'x'.repeat(300)}y`,
      `${'x'.repeat(189)}.${'x'.repeat(20)}`,
      'plain',
      '.',
    ];
    const keys = fileKeys(names);
    for (const [name, key] of keys) {
      expect(isFileKey(key), key).toBe(true);
      expect(isFileKeyOf(key, name), key).toBe(true);
      expect(isFileKeyOf(key, 'other'), key).toBe(false);
    }
    expect(new Set(keys.values()).size).toBe(names.length);
  });

  test.each([
    '',
    'a/b',
    'a.b',
    'a%',
    'a%2',
    'a%2E',
    'a%n',
    'a%nx',
    '%n1%n2',
    'x'.repeat(201),
    `${'%ab'.repeat(66)}%!`,
  ])('%j is not a file name of the store', text => {
    expect(isFileKey(text)).toBe(false);
    expect(isPinName(`map_${text}`)).toBe(false);
  });

  test('names without a character, or too long, are refused; long pins are cut and stay different', () => {
    for (const name of ['', 'x'.repeat(201), '.'.repeat(67)])
      expect(() => entryKey(name)).toThrow(expect.objectContaining({ code: 'store-name' }));
    const long = 'x'.repeat(300);
    expect(pinName('prog', long, 1)).not.toBe(pinName('prog', `${long}y`, 2));
    expect(pinName('prog', long, 1).length).toBeLessThanOrEqual(255);
  });
});

describe('records', () => {
  test('come back as they were, files included', () => {
    const { record, files } = decodeRecord(encodeRecord(RECORD, FILES));
    expect(record).toEqual(RECORD);
    expect([...files]).toEqual([...FILES]);
  });

  test('types are apart from files', () => {
    const types = new Map([
      [7, Uint8Array.of(1, 2)],
      [9, Uint8Array.of(3)],
    ]);
    const decoded = decodeRecord(encodeRecord(RECORD, FILES, types));
    expect([...decoded.files]).toEqual([...FILES]);
    expect([...decoded.types]).toEqual([...types]);
    expect(decodeRecord(encodeRecord(RECORD, FILES)).types.size).toBe(0);
  });

  test('that know no components are read', () => {
    const maps = [{ name: '.bss', pin: 'map_%2ebss', id: 8 }];
    const { record } = decodeRecord(withJson(JSON.stringify({ record: { ...RECORD, maps }, files: [] })));
    expect(record.maps).toEqual([{ ...maps[0], component: null, map: '.bss', previous: false }]);
  });

  test('of another version are refused', () => {
    const bytes = encodeRecord(RECORD, FILES);
    bytes[8] = 9;
    expect(() => decodeRecord(bytes)).toThrow(
      expect.objectContaining({
        code: 'store-record-version',
        message: expect.stringContaining('version 9'),
      }),
    );
  });

  test('cut off anywhere, or longer, are refused', () => {
    const bytes = encodeRecord(RECORD, FILES);
    for (let length = 0; length < bytes.length; length++) expectRefused(bytes.subarray(0, length));
    expectRefused(Uint8Array.from([...bytes, 0]));
  });

  test('with any byte changed decode or are refused, nothing else', () => {
    const bytes = encodeRecord(RECORD, FILES);
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 0x20, 0x80, 0xff]) {
        const copy = bytes.slice();
        copy[at] = (copy[at] ?? 0) ^ change;
        try {
          decodeRecord(copy);
        } catch (error) {
          expect(error).toBeInstanceOf(RootletError);
        }
      }
    }
  });

  const shapes: readonly (readonly [string, unknown])[] = [
    ['no object', []],
    ['a kind that is not known', { ...RECORD, kind: 'chain' }],
    ['a name that is not a string', { ...RECORD, name: 5 }],
    ['a negative id', { ...RECORD, maps: [{ name: 'm', pin: 'map_m', id: -1 }] }],
    ['a pin outside', { ...RECORD, maps: [{ name: 'm', pin: '../../x', id: 1 }] }],
    ['a pin in a directory', { ...RECORD, links: [{ name: 'm', pin: 'a/b', id: 1, place: '' }] }],
    ['a pin of another name', { ...RECORD, maps: [{ name: 'm', pin: 'map_n', id: 1 }] }],
    ['a pin of another kind', { ...RECORD, maps: [{ name: 'm', pin: 'prog_m', id: 1 }] }],
    ['the record as a pin', { ...RECORD, links: [{ name: 'record', pin: 'record', id: 1, place: '' }] }],
    ...[
      'map_m',
      'components/c/maps/n',
      'components/d/maps/m',
      'components/c/previous/maps/m',
      'components/c/maps/m/m',
      'components/c/../c/maps/m',
      '/components/c/maps/m',
      'components//maps/m',
      'components/c/maps/',
    ].map(
      pin =>
        [
          `the component's map at ${pin}`,
          { ...RECORD, maps: [{ name: 'c.m', pin, id: 1, component: 'c', map: 'm' }] },
        ] as const,
    ),
    ['a component that is a number', { ...RECORD, maps: [{ name: 'm', pin: 'map_m', id: 1, component: 1 }] }],
    [
      'a component without the name of the map',
      { ...RECORD, maps: [{ name: 'm', pin: 'components/c/maps/m', id: 1, component: 'c' }] },
    ],
    ['data that are a list', { ...RECORD, data: [] }],
    ['no programs', { ...RECORD, programs: undefined }],
    ['a time that is text', { ...RECORD, time: 'now' }],
    ['a list of nulls', { ...RECORD, programs: [null] }],
  ];
  test.each(shapes)('with %s are refused', (_, record) => {
    expectRefused(withJson(JSON.stringify({ record, files: [] })));
  });

  test.each([
    ['[["a",1]]', 'more than there is'],
    ['[["a",-1]]', 'a negative size'],
    ['{}', 'no list'],
    ['[5]', 'no pair'],
  ])('with files %s (%s) are refused', files => {
    expectRefused(withJson(`{"record":${JSON.stringify(RECORD)},"files":${files}}`));
  });

  test('names of JavaScript are names like others', () => {
    const data = JSON.parse('{"__proto__":{"a":1},"constructor":"x"}');
    const { record } = decodeRecord(
      encodeRecord({ ...RECORD, data }, new Map([['__proto__', Uint8Array.of(1)]])),
    );
    expect(JSON.stringify(record.data)).toBe(JSON.stringify(data));
  });
});

function withJson(json: string): Uint8Array {
  const text = encodeText(json);
  const bytes = new Uint8Array(24 + text.length);
  bytes.set(encodeRecord(RECORD, new Map()).subarray(0, 24));
  new DataView(bytes.buffer).setUint32(12, text.length, true);
  bytes.set(text, 24);
  return bytes;
}

function expectRefused(bytes: Uint8Array): void {
  expect(() => decodeRecord(bytes)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^store-record/) }),
  );
}
