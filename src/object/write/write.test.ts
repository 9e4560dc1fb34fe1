import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { checkWritten } from '../../../test/support/written-object.ts';
import { parseElf } from '../../elf/parse.ts';
import { Image } from '../../image/image.ts';
import { EXIT, loadWords, move } from '../../isa/assemble.ts';
import { CodeView, encodeInsns } from '../../isa/opcodes.ts';
import { link } from '../../link/link.ts';
import { BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET } from '../../uapi/core-relocations.ts';
import type { BpfObject, BpfSymbol, FunctionSymbol } from '../model/model.ts';
import { readObject } from '../read/read.ts';
import { importObject } from './import.ts';
import { writeUnit } from './unit.ts';
import { writeObject } from './write.ts';

/** Numbers from 0 to before `limit`, the same for each seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const KINDS: readonly SymbolSpec['kind'][] = [
  'function',
  'variable',
  'common',
  'map',
  'kfunc',
  'ksym',
  'kconfig',
];
const BINDINGS = ['local', 'global', 'weak'] as const;
const SECTIONS = ['tc', 'xdp', '.text'];

function randomSpecs(seed: number): SymbolSpec[] {
  const next = randomNumbers(seed);
  const plain = Array.from({ length: 3 + next(12) }, (_, index): SymbolSpec => {
    const kind = KINDS[next(KINDS.length)] ?? 'function';
    const local = kind === 'function' || kind === 'variable';
    const binding = local ? (BINDINGS[next(3)] ?? 'global') : 'global';
    const section = kind === 'function' ? (SECTIONS[next(3)] ?? 'tc') : undefined;
    return { name: `s${index}`, kind, binding, ...(section === undefined ? {} : { section }) };
  });
  const named = (kinds: readonly string[]): string[] =>
    plain.filter(spec => kinds.includes(spec.kind) && next(2) === 0).map(({ name }) => name);
  return plain.map(spec =>
    spec.kind === 'function'
      ? { ...spec, calls: named(['function', 'kfunc']), uses: named(['variable', 'map', 'ksym', 'kconfig']) }
      : spec,
  );
}

const SAMPLE = objectOf('a.o', [
  { name: 'main', kind: 'function', section: 'tc', calls: ['helper'], uses: ['count'] },
  { name: 'helper', kind: 'function', binding: 'local', section: 'tc' },
  { name: 'count', kind: 'variable', size: 8 },
]);

function functionOf(object: BpfObject, name: string): FunctionSymbol {
  const found = object.symbols.find(symbol => symbol.name === name);
  if (found?.kind !== 'function') throw new Error(`no function ${name}`);
  return found;
}

function replaced(object: BpfObject, name: string, change: (symbol: FunctionSymbol) => BpfSymbol): BpfObject {
  const target = functionOf(object, name);
  return {
    ...object,
    symbols: object.symbols.map(symbol => (symbol === target ? change(target) : symbol)),
  };
}

describe('a written object', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))('keeps its promises (seed %i)', seed => {
    // types that are there twice become one when they are written after reading
    const bytes = writeObject(objectOf('random.o', randomSpecs(seed)));
    checkWritten(writeObject(readObject({ name: 'random.o', bytes })));
  });

  test('is the same when its unit is written once more', () => {
    const image = new Image();
    const unit = importObject(image, SAMPLE);
    const first = writeUnit(image, unit);
    expect(writeUnit(image, unit)).toEqual(first);
    expect(writeObject(SAMPLE)).toEqual(first);
  });

  test('has relocations in order of offset whatever the order of references', () => {
    const backwards = replaced(SAMPLE, 'main', main => ({
      ...main,
      references: [...main.references].reverse(),
    }));
    expect(writeObject(backwards)).toEqual(writeObject(SAMPLE));
  });

  test('keeps the alignment of its sections', () => {
    const sections = SAMPLE.sections.map(shell => ({ ...shell, align: 64 }));
    const elf = parseElf({ name: 'a.o', bytes: writeObject({ ...SAMPLE, sections }) });
    const found = elf.sections.filter(({ name }) => name === 'tc' || name === '.data');
    expect(found.map(({ align }) => align)).toEqual([64, 64]);
  });

  test('calls a local function of its section without a relocation, another through its section', () => {
    const elf = parseElf({ name: 'a.o', bytes: writeObject(SAMPLE) });
    const position = elf.sections.findIndex(({ name }) => name === 'tc');
    expect(elf.relocations.get(position)?.map(({ type }) => type)).toEqual([1]);
    const apart = objectOf('b.o', [
      { name: 'main', kind: 'function', section: 'tc', calls: ['helper'] },
      { name: 'helper', kind: 'function', binding: 'local' },
    ]);
    const other = parseElf({ name: 'b.o', bytes: writeObject(apart) });
    const [call] = [...other.relocations.values()].flat();
    expect(call?.type).toBe(10);
    expect(other.symbols[call?.symbol ?? 0]?.name).toBe('');
  });

  test('has relocations and types in its byte order', () => {
    const elf = parseElf({ name: 'a.o', bytes: writeObject({ ...SAMPLE, byteOrder: 'big' }) });
    const little = parseElf({ name: 'a.o', bytes: writeObject(SAMPLE) });
    expect(elf.byteOrder).toBe('big');
    expect(elf.symbols).toEqual(little.symbols);
    expect([...elf.relocations]).toEqual([...little.relocations]);
  });
});

describe.each(['little', 'big'] as const)('values in place, %s-endian', byteOrder => {
  /** A variable of 16 bytes, all of it an address of 8 bytes with an addend, and one of 4. */
  function withAddend(addend: number, binding: 'local' | 'global'): BpfObject {
    const object = objectOf('a.o', [
      { name: 'pointers', kind: 'variable', size: 8 },
      { name: 'before', kind: 'variable', size: 8, binding },
      { name: 'target', kind: 'variable', size: 8, binding },
    ]);
    const references = [
      { offset: 0, width: 8 as const, symbol: 2, addend, kind: 'address' as const },
      { offset: 8, width: 4 as const, symbol: 2, addend: addend | 0, kind: 'address' as const },
    ];
    const symbols = object.symbols.map(symbol =>
      symbol.name === 'pointers' && symbol.kind === 'variable'
        ? { ...symbol, size: 16, bytes: new Uint8Array(16), references, btfId: 0 }
        : symbol,
    );
    return { ...object, byteOrder, symbols, btf: null };
  }

  test.each([
    0, 1, -1, -8, -24, -32, 0x7fffffff, -0x80000000, 0x100000000, -0x100000000, 0x1fffffffff, -0x1fffffffff,
  ])('an addend of %i', addend => {
    for (const binding of ['local', 'global'] as const) {
      const object = withAddend(addend, binding);
      const elf = parseElf({ name: 'a.o', bytes: writeObject({ ...object, symbols: untyped(object) }) });
      const data = elf.sections.find(({ name }) => name === '.data')?.bytes ?? new Uint8Array(0);
      const view = new DataView(data.buffer, data.byteOffset, data.length);
      // a local variable is referred to through its section, where it is at 24
      const expected = addend + (binding === 'local' ? 24 : 0);
      expect(view.getBigInt64(0, byteOrder === 'little'), binding).toBe(BigInt(expected));
      expect(view.getInt32(8, byteOrder === 'little'), binding).toBe(expected | 0);
    }
  });

  test('instructions that load the id of a type have the one that it has in the file', () => {
    const load = encodeInsns(loadWords(1, 0, 0), byteOrder);
    for (const [kind, isId] of [
      [6, true],
      [7, true],
      [5, false],
      [8, false],
    ] as const) {
      const object = replaced({ ...SAMPLE, byteOrder }, 'main', main => ({
        ...main,
        code: Uint8Array.of(...load, ...main.code.subarray(main.code.length - 8)),
        references: [],
        coreRecords: [{ insnIndex: 0, type: 1, access: '0', kind }],
      }));
      const read = readObject({ name: 'a.o', bytes: writeObject(object) });
      const main = functionOf(read, 'main');
      const { code, coreRecords } = main;
      const imm = new DataView(code.buffer, code.byteOffset, code.length).getInt32(4, byteOrder === 'little');
      expect(imm, `kind ${kind}`).toBe(isId ? coreRecords[0]?.type : 0);
    }
  });
});

function untyped(object: BpfObject): readonly BpfSymbol[] {
  return object.symbols.map(symbol => ({ ...symbol, btfId: 0 }));
}

describe('what cannot be written', () => {
  test.each<[string, (symbol: FunctionSymbol) => BpfSymbol, RegExp]>([
    [
      'a reference outside of its function',
      main => ({ ...main, references: [{ insnIndex: 99, kind: 'call', symbol: 1, addend: 0 }] }),
      /reference at 99/,
    ],
    ['a symbol of more than 31 bits', main => asVariable(main, 2 ** 31), /2147483648 bytes/],
    [
      'a variable whose type is none',
      main => ({ ...asVariable(main, 8), btfId: 1 }),
      /cannot refer to type 1/,
    ],
    ['a type that is not there', main => ({ ...asVariable(main, 8), btfId: 999 }), /type 999/],
    ['a name with a NUL', main => ({ ...main, name: 'a\0b' }), /contains a NUL/],
  ])('%s', (_, change, message) => {
    expect(() => writeObject(replaced(SAMPLE, 'main', change))).toThrow(message);
  });

  test('sections that are too large together', () => {
    const large = replaced(SAMPLE, 'main', main => asVariable(main, 2 ** 31 - 16));
    const both = replaced(large, 'helper', helper => asVariable(helper, 2 ** 31 - 16));
    expect(() => writeObject(both)).toThrow(/section "tc": takes more than 2147483647 bytes/);
  });
});

function asVariable(symbol: FunctionSymbol, size: number) {
  const { name, binding, visibility, section, origin } = symbol;
  const rest = { align: 8, bytes: null, references: [], btfId: 0 };
  return { kind: 'variable' as const, name, binding, visibility, section, origin, size, ...rest };
}

/** `sh_entsize` means nothing for most sections, but it is kept whatever it is. */
describe('size of entries', () => {
  const withSize = (entsize: number): BpfObject => ({
    ...SAMPLE,
    sections: SAMPLE.sections.map(section => ({ ...section, entsize })),
  });
  const sizesIn = (object: BpfObject): number[] => object.sections.map(({ entsize }) => entsize);

  test.each([0, 1, 0x7fffffff, 0xfffffffe, 0x100000000, 0x100000001, Number.MAX_SAFE_INTEGER])('%i', size => {
    for (const byteOrder of ['little', 'big'] as const) {
      const bytes = writeObject({ ...withSize(size), byteOrder });
      const read = readObject({ name: 'a.o', bytes });
      expect(new Set(sizesIn(read))).toEqual(new Set([size]));
      const linked = link([{ name: 'a.o', bytes }], { partial: true });
      expect(linked.ok && linked.object.sections.find(({ name }) => name === 'tc')?.entsize).toBe(size);
    }
  });

  test('is 0 where inputs differ in the upper half only', () => {
    const other = objectOf('b.o', [{ name: 'other', kind: 'function', section: 'tc' }]);
    const sections = other.sections.map(section => ({ ...section, entsize: 0x200000001 }));
    const linked = link([withSize(0x100000001), { ...other, sections }], { partial: true });
    expect(linked.ok && linked.object.sections.find(({ name }) => name === 'tc')?.entsize).toBe(0);
  });
});

test.each([
  ['local', BPF_CORE_TYPE_ID_LOCAL],
  ['target', BPF_CORE_TYPE_ID_TARGET],
])('instructions with the id of a type have the one that it has in the file: %s', (_, kind) => {
  const padding = objectOf('a.o', [{ name: 'q', kind: 'function', section: 'tc', size: 8 }]);
  const object = objectOf('b.o', [{ name: 'p', kind: 'function', section: 'xdp', value: 7 }]);
  const code = encodeInsns([...loadWords(1, 0, 0x1234), move(0, 0), EXIT], object.byteOrder);
  const number = 1; // the only type that is not a declaration
  const symbols = object.symbols.map((one): BpfSymbol => {
    if (one.kind !== 'function') return one;
    const records = [{ insnIndex: 0, type: number, access: '0', kind }];
    return { ...one, code, coreRecords: records };
  });
  const result = link([padding, { ...object, symbols }]);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const written = readObject({ name: 'c.o', bytes: writeObject(result.object) });
  const p = written.symbols.find(({ name }) => name === 'p');
  if (p?.kind !== 'function') throw new Error('no function');
  const [record] = p.coreRecords;
  expect(record?.type).toBeGreaterThan(number);
  expect(new CodeView(p.code, written.byteOrder).imm(0)).toBe(record?.type);
});
