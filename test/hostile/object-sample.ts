/**
 * A small object with a program, a static function, data, a map and a license, to be corrupted in one place.
 */

import { encodeBtf } from '../../src/btf/binary/encode.ts';
import type { BtfExt } from '../../src/btf/binary/ext.ts';
import { encodeBtfWithExt } from '../../src/btf/binary/testing.ts';
import { BtfBuilder } from '../../src/btf/model/builder.ts';
import type { BtfType } from '../../src/btf/model/types.ts';
import type { ElfRelocation } from '../../src/elf/model.ts';
import { writeElf } from '../../src/elf/write.ts';
import type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from '../../src/elf/write-tables.ts';
import { EXIT, insn, loadWords, move as moveTo } from '../../src/isa/assemble.ts';
import { encodeInsns, type Insn, OP_CALL, OP_JA } from '../../src/isa/opcodes.ts';

/** Everything that `build` puts together; tests change what they want to be wrong. */
export interface Sample {
  readonly insns: { text: Insn[]; tc: Insn[] };
  readonly data: Map<string, Uint8Array | null>;
  /** Changes to section headers, by section. */
  readonly shells: Map<string, Partial<ElfSectionOutput>>;
  readonly symbols: (Omit<ElfSymbolOutput, 'section'> & { section: string | number })[];
  /** By the section that they change; symbols by name, sections as `@name`. */
  readonly relocations: Map<string, { offset: number; type: number; symbol: string }[]>;
  /** Ids are positions from 1 on. */
  readonly types: BtfType[];
  readonly ext: { funcs: BtfExt['funcs'][number][]; core: BtfExt['core'][number][] };
}

export const FUNC = 2;
export const OBJECT = 1;
export const R_ADDRESS = 1;
export const R_DATA = 2;
export const R_CALL = 10;

/** Positions in `types`. */
export const TYPE = {
  int: 1,
  proto: 2,
  helper: 3,
  prog: 4,
  counter: 5,
  table: 6,
  map: 12,
  shared: 13,
  license: 15,
} as const;

export { EXIT };
export const call = (imm = -1, src = 1): Insn => insn(OP_CALL, 0, src, 0, imm);
export const loadAddress = (imm = 0, high = 0): readonly Insn[] => loadWords(1, 0, imm, high);
export const move = (imm: number): Insn => moveTo(0, imm);
export const jump = (offset: number): Insn => insn(OP_JA, 0, 0, offset);

export function symbol(
  name: string,
  section: string | number,
  value: number,
  size: number,
  changes: Partial<ElfSymbolOutput> = {},
): Sample['symbols'][number] {
  return { name, section, value, size, type: OBJECT, binding: 1, visibility: 0, ...changes };
}

/** `tc`: calls helper, loads the addresses of counter, table+4 and shared. */
export function sample(): Sample {
  return {
    insns: {
      text: [move(1), EXIT, move(2), EXIT],
      tc: [call(), ...loadAddress(), ...loadAddress(4), ...loadAddress(), EXIT],
    },
    data: new Map<string, Uint8Array | null>([
      ['.data', new Uint8Array(16)],
      ['.maps', new Uint8Array(16)],
      ['license', Uint8Array.of(0x47, 0x50, 0x4c, 0)],
    ]),
    shells: new Map(),
    symbols: [
      symbol('second', '.text', 16, 16, { type: FUNC, binding: 0 }),
      symbol('helper', '.text', 0, 16, { type: FUNC }),
      symbol('prog', 'tc', 0, 64, { type: FUNC }),
      symbol('counter', '.data', 0, 4),
      symbol('table', '.data', 4, 12),
      symbol('shared', '.maps', 0, 16),
      symbol('_license', 'license', 0, 4),
    ],
    relocations: new Map([
      [
        'tc',
        [
          { offset: 0, type: R_CALL, symbol: 'helper' },
          { offset: 8, type: R_ADDRESS, symbol: 'counter' },
          { offset: 24, type: R_ADDRESS, symbol: 'table' },
          { offset: 40, type: R_ADDRESS, symbol: 'shared' },
        ],
      ],
    ]),
    types: sampleTypes(),
    ext: {
      funcs: [
        { section: '.text', byteOffset: 0, type: TYPE.helper },
        { section: 'tc', byteOffset: 0, type: TYPE.prog },
      ],
      core: [],
    },
  };
}

function sampleTypes(): BtfType[] {
  const int = (name: string, size: number): BtfType => ({
    kind: 'int',
    name,
    size,
    bits: size * 8,
    bitOffset: 0,
    signed: size === 4,
    char: false,
    bool: false,
  });
  const member = (name: string, type: number, bitOffset: number) => ({ name, type, bitOffset, bitSize: 0 });
  return [
    int('int', 4), // 1
    { kind: 'func_proto', returns: 1, params: [] },
    { kind: 'func', name: 'helper', type: 2, linkage: 'global' },
    { kind: 'func', name: 'prog', type: 2, linkage: 'global' },
    { kind: 'var', name: 'counter', type: 1, linkage: 'global' }, // 5
    { kind: 'var', name: 'table', type: 7, linkage: 'global' },
    { kind: 'array', element: 1, index: 1, length: 3 },
    { kind: 'array', element: 1, index: 1, length: 2 }, // 8: __uint(type, BPF_MAP_TYPE_ARRAY)
    { kind: 'ptr', type: 8 },
    { kind: 'array', element: 1, index: 1, length: 16 }, // 10: __uint(max_entries, 16)
    { kind: 'ptr', type: 10 },
    { kind: 'struct', name: '', size: 16, members: [member('type', 9, 0), member('max_entries', 11, 64)] }, // 12
    { kind: 'var', name: 'shared', type: 12, linkage: 'global' },
    { kind: 'array', element: 1, index: 1, length: 1 },
    { kind: 'var', name: '_license', type: 14, linkage: 'global' }, // 15
    {
      kind: 'datasec',
      name: '.data',
      size: 16,
      vars: [
        { type: 5, offset: 0, size: 4 },
        { type: 6, offset: 4, size: 12 },
      ],
    },
    { kind: 'datasec', name: '.maps', size: 16, vars: [{ type: 13, offset: 0, size: 16 }] },
    { kind: 'datasec', name: 'license', size: 4, vars: [{ type: 15, offset: 0, size: 4 }] },
  ];
}

const FLAGS: ReadonlyMap<string, number> = new Map([
  ['.text', 6],
  ['tc', 6],
]);

/** The bytes of the object. `types` may be spoilt without the builder through `patch`. */
export function build(parts: Sample, byteOrder: 'little' | 'big' = 'little'): Uint8Array {
  const contents = new Map<string, Uint8Array | null>([
    ['.text', encodeInsns(parts.insns.text, byteOrder)],
    ['tc', encodeInsns(parts.insns.tc, byteOrder)],
    ...parts.data,
    ...typeSections(parts, byteOrder),
  ]);
  const names = [...contents.keys()];
  const sections = names.map((name): ElfSectionOutput => {
    const bytes = contents.get(name) ?? null;
    const flags = name.startsWith('.BTF') ? 0 : (FLAGS.get(name) ?? 3);
    const size = bytes?.length ?? 0;
    const type = bytes === null ? 8 : 1;
    return { name, type, flags, align: 8, entsize: 0, bytes, size, ...parts.shells.get(name) };
  });
  const numbers = new Map(names.map((name, index) => [name, index + 1]));
  const symbols = [
    ...names.map(
      (name): ElfSymbolOutput => ({
        ...symbol('', 0, 0, 0, { type: 3, binding: 0 }),
        section: numbers.get(name) ?? 0,
      }),
    ),
    ...parts.symbols.map(
      (one): ElfSymbolOutput => ({
        ...one,
        section: typeof one.section === 'number' ? one.section : (numbers.get(one.section) ?? 0),
      }),
    ),
  ];
  const indexOf = (name: string): number =>
    name.startsWith('@')
      ? (numbers.get(name.slice(1)) ?? 0)
      : symbols.findIndex(one => one.name === name) + 1;
  const relocations = new Map(
    [...parts.relocations].map(([name, list]): [number, readonly ElfRelocation[]] => [
      numbers.get(name) ?? 0,
      list.map(({ offset, type, symbol: target }) => ({ offset, type, symbol: indexOf(target) })),
    ]),
  );
  const output: ElfOutput = { byteOrder, flags: 0, sections, symbols, relocations };
  return writeElf(output);
}

function typeSections(parts: Sample, byteOrder: 'little' | 'big'): [string, Uint8Array][] {
  if (parts.types.length === 0) return [];
  const builder = new BtfBuilder();
  for (const type of parts.types) builder.add(type);
  const btf = builder.build();
  if (parts.ext.funcs.length + parts.ext.core.length === 0) return [['.BTF', encodeBtf(btf, byteOrder)]];
  const encoded = encodeBtfWithExt(btf, { ...parts.ext, lines: [] }, byteOrder);
  return encoded.ext === null
    ? [['.BTF', encoded.btf]]
    : [
        ['.BTF', encoded.btf],
        ['.BTF.ext', encoded.ext],
      ];
}
