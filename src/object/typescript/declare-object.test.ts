import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { errorOf, INT, LONG, member, struct, typesOf } from '../../btf/model/testing.ts';
import type { BtfType } from '../../btf/model/types.ts';
import type { BpfObject } from '../model/model.ts';
import { readObject } from '../read/read.ts';
import { declareObject } from './declare-object.ts';

function read(order: 'el' | 'eb'): BpfObject {
  const file = path.join(import.meta.dirname, `../../load/testdata/obj/${order}/typed.bpf.o`);
  return readObject({ name: 'some/place/typed.bpf.o', bytes: readFileSync(file) });
}

const TYPED = declareObject(read('el')).text;

/** The entry of a map. */
function map(name: string, ...[key, value, keyInput, valueInput]: readonly string[]): string {
  const members = { key, value, keyInput, valueInput };
  const lines = Object.entries(members).map(([member, type]) => `      readonly ${member}: ${type};\n`);
  return `readonly ${name}: {\n${lines.join('')}    };`;
}

/** An object with one variable `v` of the last type. */
function objectWith(name: string, ...types: readonly BtfType[]): BpfObject {
  const variable: BtfType = { kind: 'var', name, type: types.length, linkage: 'global' };
  return {
    name: 'a.o',
    byteOrder: 'little',
    flags: 0,
    sections: [{ name: '.data', type: 1, flags: 3, align: 8, entsize: 0, role: 'data' }],
    symbols: [
      {
        kind: 'variable',
        name,
        binding: 'global',
        visibility: 'default',
        section: 0,
        origin: { file: 'a.o', offset: 0 },
        size: 4,
        align: 4,
        bytes: null,
        references: [],
        btfId: types.length + 1,
      },
    ],
    btf: typesOf(...types, variable),
  };
}

/** What the text declares as a program, with everything that is not a declaration of a type. */
function statements(text: string): string[] {
  const source = ts.createSourceFile('a.d.ts', text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStatement(node)) found.push(ts.SyntaxKind[node.kind]);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  // not part of the public interface of the compiler, and what reports errors of syntax alone
  const { parseDiagnostics } = source as unknown as { parseDiagnostics: readonly unknown[] };
  return [...found, ...parseDiagnostics.map(() => 'error')];
}

describe('the types of an object', () => {
  test('are the same in both byte orders, and however often they are written', () => {
    expect(declareObject(read('eb')).text).toBe(TYPED);
    expect(declareObject(read('el')).text).toBe(TYPED);
    expect(TYPED).not.toContain('some/place');
  });

  test.for([
    'readonly watch: "xdp";',
    map('flows', 'c.flow', 'c.stats_t', 'BtfInput<c.flow>', 'BtfInput<c.stats_t>'),
    map('totals', 'number', 'readonly bigint[]', 'BtfInput<number>', 'BtfInput<bigint>'),
    map('records', 'never', 'c.event', 'never', 'BtfInput<c.event>'),
    map('perf', 'never', 'c.event', 'never', 'BtfInput<c.event>'),
    map('plain', 'never', 'Uint8Array', 'never', 'Uint8Array'),
    map('bytes', 'Uint8Array', 'Uint8Array', 'Uint8Array', 'Uint8Array'),
    'readonly first_port: number;',
    '    limit: number;',
    'get total(): bigint;',
    'set total(value: BtfInput<bigint>);',
    'export type color = 1 | 2 | (number & {});',
    '/** `enum color { RED = 1, GREEN = 2 }`: 4 bytes */',
    '/** `stats_t`: 96 bytes */',
    'export type stats_t = {',
    'readonly name: string;',
    'readonly known: boolean;',
    '/** `__u32 small`: 3 bits */',
    'readonly bytes: readonly [number, number, number, number];',
    'readonly at: c.stats_t_at;',
    'readonly list: readonly number[];',
  ])('have %s', line => {
    expect(TYPED).toContain(line);
  });

  test('records have the type that is given, and without one a note names the map', () => {
    expect(declareObject(read('el')).untyped).toEqual(['plain']);
    const { text, untyped } = declareObject(read('el'), { records: new Map([['plain', 'struct flow']]) });
    expect(text).toContain(map('plain', 'never', 'c.flow', 'never', 'BtfInput<c.flow>'));
    expect(untyped).toEqual([]);
  });

  test.for([
    ['other', 'struct flow', 'load-no-map'],
    ['plain', 'struct flaw', 'value-no-type'],
  ] as const)('%s=%s is refused', ([map, type, code]) => {
    expect(errorOf(() => declareObject(read('el'), { records: new Map([[map, type]]) })).code).toBe(code);
  });

  test('without BTF are names and bytes', () => {
    const object = { ...objectWith('v', INT), btf: null };
    expect(declareObject(object).text).toContain('/** `v` */\n    v: Uint8Array;');
  });
});

describe('hostile names', () => {
  const NAMES = [
    '*/ alert(1); /*',
    '"; alert(1); "',
    "'};alert(1);{'",
    ['`$', '{alert(1)}`'].join(''),
    'a\nalert(1)',
    'a\u2028alert(1)//',
    '\\"; alert(1) //',
    '@ts-ignore',
    '__proto__',
    'constructor',
    'class',
    'any',
    '0day',
    '',
    '\u202eevil',
    'x'.repeat(600),
  ];
  const PLAIN = statements(declareObject(objectWith('v', INT, struct('s', 4, member('m', 1, 0)))).text);

  test.for(NAMES)('%j stays a name', name => {
    const object = objectWith(name === '' ? 'v' : name, INT, struct(name, 4, member(name || 'm', 1, 0)));
    const { text } = declareObject({ ...object, name: `dir/${name}` });
    expect(statements(text)).toEqual(PLAIN);
    expect(text).toMatch(/^[\x20-\x7e\n…]*$/);
  });

  test('of enumerators and typedefs, too', () => {
    const values = NAMES.map((name, value) => ({ name, value: BigInt(value) }));
    const types: BtfType[] = [
      { kind: 'enum', name: '', size: 4, signed: false, values },
      ...NAMES.filter(name => name !== '').map(
        (name, at): BtfType => ({ kind: 'typedef', name, type: at + 1 }),
      ),
    ];
    expect(statements(declareObject(objectWith('v', ...types)).text)).toEqual(
      statements(
        declareObject(objectWith('v', { kind: 'enum', name: 'e', size: 4, signed: false, values: [] })).text,
      ),
    );
  });

  test('that become one identifier stay apart', () => {
    const object = objectWith(
      'v',
      INT,
      struct('a b', 4, member('m', 1, 0)),
      struct('a-b', 4, member('m', 1, 0)),
      struct('top', 8, member('x', 2, 0), member('y', 3, 4)),
    );
    const { text } = declareObject(object);
    expect(text).toContain('readonly x: c.a_b;');
    expect(text).toContain('readonly y: c.a_b___2;');
  });
});

describe('types that files may have', () => {
  test('wide integers are bigint, other floating point numbers have no value', () => {
    const { text } = declareObject(
      objectWith(
        'v',
        LONG,
        { kind: 'float', name: 'long double', size: 16 },
        { kind: 'ptr', type: 1 },
        { kind: 'array', element: 3, index: 1, length: 0 },
        struct('s', 40, member('a', 1, 0), member('b', 2, 8), member('c', 3, 24), member('d', 4, 32)),
      ),
    );
    for (const line of ['a: bigint', 'b: never', 'c: bigint', 'd: readonly []'])
      expect(text).toContain(`readonly ${line};`);
  });

  test('arrays of arrays end where reading them does', () => {
    const nested = Array.from({ length: 100 }, (_, at): BtfType => {
      return { kind: 'array', element: at === 0 ? 101 : at, index: 101, length: 1 };
    });
    const types = [...nested, INT, struct('top', 4, member('m', 100, 0))];
    const { text } = declareObject(objectWith('v', ...types));
    expect(statements(text)).not.toContain('error');
    expect(text).toContain('[never]');
  });

  test('anonymous types that contain each other twice are refused as too large', () => {
    const levels = Array.from({ length: 40 }, (_, at) =>
      at === 0 ? struct('', 4, member('m', 41, 0)) : struct('', 4, member('', at, 0), member('', at, 0)),
    );
    const types = [...levels, INT, struct('top', 4, member('', 40, 0))];
    expect(errorOf(() => declareObject(objectWith('v', ...types))).code).toBe('btf-c-too-large');
  });
});
