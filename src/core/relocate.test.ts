import { expect, test } from 'vitest';
import { BtfBuilder } from '../btf/model/builder.ts';
import type { Btf, BtfType } from '../btf/model/types.ts';
import type { ByteOrder } from '../bytes/cursor.ts';
import { CodeView, encodeInsns, type Insn } from '../isa/opcodes.ts';
import type { BpfObject, CoreRecord } from '../object/model/model.ts';
import * as core from '../uapi/core-relocations.ts';
import { TypeFinder } from './names.ts';
import { BAD_RELOCATION } from './patch.ts';
import { type CoreTargets, relocateCore } from './relocate.ts';

const int = (name: string, size: number, signed: boolean): BtfType => ({
  kind: 'int',
  name,
  size,
  bits: size * 8,
  bitOffset: 0,
  signed,
  char: false,
  bool: false,
});
const member = (name: string, type: number, bitOffset: number, bitSize = 0) => ({
  name,
  type,
  bitOffset,
  bitSize,
});
const struct = (name: string, size: number, ...members: ReturnType<typeof member>[]): BtfType => ({
  kind: 'struct',
  name,
  size,
  members,
});
const union = (name: string, size: number, ...members: ReturnType<typeof member>[]): BtfType => ({
  kind: 'union',
  name,
  size,
  members,
});

function types(...list: BtfType[]): Btf {
  const builder = new BtfBuilder();
  for (const type of list) builder.add(type);
  return builder.build();
}

const insn = (opcode: number, imm: number, offset = 0): Insn => ({ opcode, dst: 0, src: 0, offset, imm });
const MOV = 0xb7;
const LDX_DW = 0x79;
const LDX_W = 0x61;
const EXIT = insn(0x95, 0);

interface Case {
  readonly local: Btf;
  readonly target: Btf;
  readonly modules?: readonly Btf[];
  readonly record: Omit<CoreRecord, 'insnIndex'>;
  readonly insns?: readonly Insn[];
  readonly order?: ByteOrder;
}

/** Relocates the first instruction of a function and gives it back with the answer. */
function relocate({
  local,
  target,
  modules = [],
  record,
  insns = [insn(MOV, 0), EXIT],
  order = 'little',
}: Case) {
  const shell = { name: 'xdp', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' as const };
  const object: BpfObject = {
    name: 't.o',
    byteOrder: order,
    flags: 0,
    sections: [shell],
    symbols: [
      {
        kind: 'function',
        name: 'f',
        binding: 'global',
        visibility: 'default',
        section: 0,
        origin: { file: 't.o', offset: 0 },
        code: encodeInsns(insns, order),
        references: [],
        btfId: 0,
        lines: [],
        coreRecords: [{ insnIndex: 0, ...record }],
      },
    ],
    btf: local,
  };
  const targets: CoreTargets = {
    main: { name: 'vmlinux', types: new TypeFinder(target) },
    modules: () => modules.map((btf, index) => ({ name: `module${index}`, types: new TypeFinder(btf) })),
  };
  const { object: result, answers } = relocateCore(object, targets);
  const [symbol] = result.symbols;
  const code = new CodeView(symbol?.kind === 'function' ? symbol.code : new Uint8Array(8), order);
  return { insn: code.at(0), code, answer: answers[0] };
}

const LOCAL = types(int('int', 4, true), struct('s', 8, member('a', 1, 0), member('b', 1, 32)));
const offsetOfB = { type: 2, access: '0:1', kind: core.BPF_CORE_FIELD_BYTE_OFFSET };

test('members are found by name, wherever they are', () => {
  const target = types(
    int('int', 4, true),
    struct('s', 16, member('x', 1, 0), member('y', 1, 32), member('b', 1, 64), member('a', 1, 96)),
  );
  const { insn: result, answer } = relocate({
    local: LOCAL,
    target,
    record: offsetOfB,
    insns: [insn(MOV, 4), EXIT],
  });
  expect(result.imm).toBe(8);
  expect(answer).toMatchObject({
    asked: 'struct s.b (0:1 @ offset 4)',
    found: 'struct s.b (0:2 @ offset 8)',
    before: 4n,
    after: 8n,
    poisoned: false,
  });
});

test('members in unnamed structs and unions are found as well', () => {
  const inner = union('', 4, member('c', 1, 0), member('b', 1, 0));
  const outer = struct('', 8, member('d', 1, 0), member('', 2, 32));
  const target = types(
    int('int', 4, true),
    inner,
    outer,
    struct('s', 16, member('a', 1, 0), member('', 3, 64)),
  );
  expect(relocate({ local: LOCAL, target, record: offsetOfB, insns: [insn(MOV, 4), EXIT] }).insn.imm).toBe(
    12,
  );
});

test('flavours do not count, on either side', () => {
  const local = types(int('int', 4, true), struct('s___mine', 4, member('b', 1, 0)));
  const target = types(int('int', 4, true), struct('s___2', 8, member('b', 1, 32)));
  expect(relocate({ local, target, record: { ...offsetOfB, access: '0:0' } }).insn.imm).toBe(4);
});

test('a member of another type is not the one that is meant', () => {
  const target = types(int('int', 4, true), { kind: 'ptr', type: 1 }, struct('s', 16, member('b', 2, 64)));
  const { insn: result, answer } = relocate({
    local: LOCAL,
    target,
    record: offsetOfB,
    insns: [insn(MOV, 4), EXIT],
  });
  expect(result).toMatchObject({ opcode: 0x85, imm: BAD_RELOCATION });
  expect(answer).toMatchObject({
    poisoned: true,
    found: null,
    why: expect.stringContaining('of the target has no such member'),
  });
});

test('types of one name that agree are one, those that do not are ambiguous', () => {
  const same = struct('s', 16, member('b', 1, 64));
  const agreeing = types(int('int', 4, true), same, struct('s', 24, member('b', 1, 64)));
  expect(
    relocate({ local: LOCAL, target: agreeing, record: offsetOfB, insns: [insn(MOV, 4), EXIT] }).insn.imm,
  ).toBe(8);
  const differing = types(int('int', 4, true), same, struct('s', 24, member('b', 1, 96)));
  expect(() =>
    relocate({ local: LOCAL, target: differing, record: offsetOfB, insns: [insn(MOV, 4), EXIT] }),
  ).toThrow(
    expect.objectContaining({
      code: 'core-ambiguous',
      problems: [
        expect.objectContaining({
          where: ['t.o', 'function "f"', 'insn 0'],
          details: [expect.stringContaining('gives 8'), expect.stringContaining('gives 12')],
        }),
      ],
    }),
  );
});

test('modules are asked only when the kernel has no type of that name', () => {
  const other = types(int('int', 4, true), struct('s', 16, member('b', 1, 96)));
  const here = types(int('int', 4, true), struct('s', 16, member('b', 1, 64)));
  const run = (target: Btf) =>
    relocate({ local: LOCAL, target, modules: [other], record: offsetOfB, insns: [insn(MOV, 4), EXIT] }).insn
      .imm;
  expect(run(here)).toBe(8);
  expect(run(types(int('int', 4, true)))).toBe(12);
});

test('arrays: inside the bounds of the target, elements of its size', () => {
  const arrayOf = (element: BtfType, length: number) =>
    types(
      int('int', 4, true),
      element,
      { kind: 'array', element: 2, index: 1, length },
      struct('s', 64, member('pad', 1, 0), member('list', 3, 64)),
    );
  const local = arrayOf(struct('e', 4, member('v', 1, 0)), 10);
  const record = { type: 4, access: '0:1:7:0', kind: core.BPF_CORE_FIELD_BYTE_OFFSET };
  const element = struct('e', 6, member('w', 1, 0), member('v', 1, 16));
  expect(
    relocate({ local, target: arrayOf(element, 8), record, insns: [insn(MOV, 36), EXIT] }).insn.imm,
  ).toBe(8 + 7 * 6 + 2);
  expect(
    relocate({ local, target: arrayOf(element, 7), record, insns: [insn(MOV, 36), EXIT] }).answer?.poisoned,
  ).toBe(true);
  expect(
    relocate({ local, target: arrayOf(element, 0), record, insns: [insn(MOV, 36), EXIT] }).insn.imm,
  ).toBe(8 + 7 * 6 + 2);
});

const BITS = (start: number) =>
  types(int('unsigned int', 4, false), struct('s', 8, member('x', 1, start, 5)));

test.each([
  ['offset', core.BPF_CORE_FIELD_BYTE_OFFSET, 'little', 37, 4],
  ['size', core.BPF_CORE_FIELD_BYTE_SIZE, 'little', 37, 4],
  ['left shift', core.BPF_CORE_FIELD_LSHIFT_U64, 'little', 37, 64 - (37 + 5 - 32)],
  ['left shift', core.BPF_CORE_FIELD_LSHIFT_U64, 'big', 37, 32 + 5],
  ['right shift', core.BPF_CORE_FIELD_RSHIFT_U64, 'little', 37, 59],
  ['size across a word', core.BPF_CORE_FIELD_BYTE_SIZE, 'little', 29, 8],
  ['offset across a word', core.BPF_CORE_FIELD_BYTE_OFFSET, 'little', 29, 0],
] as const)('bit fields: %s (kind %d, %s-endian)', (_, kind, order, start, expected) => {
  const record = { type: 2, access: '0:0', kind };
  const before = kind === core.BPF_CORE_FIELD_RSHIFT_U64 ? 59 : 0;
  expect(
    relocate({ local: BITS(0), target: BITS(start), record, order, insns: [insn(MOV, before), EXIT] }).insn
      .imm,
  ).toBe(expected);
});

test('loads change their width for unsigned integers and pointers, not for signed ones', () => {
  const of = (name: string, size: number, signed: boolean) =>
    types(int(name, size, signed), struct('s', 16, member('v', 1, 64)));
  const record = { type: 2, access: '0:0', kind: core.BPF_CORE_FIELD_BYTE_OFFSET };
  const narrow = relocate({
    local: of('u64', 8, false),
    target: of('u32', 4, false),
    record,
    insns: [insn(LDX_DW, 0, 8), EXIT],
  });
  expect(narrow.insn).toMatchObject({ opcode: LDX_W, offset: 8 });
  const wide = relocate({
    local: of('u32', 4, false),
    target: of('u64', 8, false),
    record,
    insns: [insn(LDX_W, 0, 8), EXIT],
  });
  expect(wide.insn).toMatchObject({ opcode: LDX_DW, offset: 8 });
  const signed = relocate({
    local: of('s64', 8, true),
    target: of('s32', 4, true),
    record,
    insns: [insn(LDX_DW, 0, 8), EXIT],
  });
  expect(signed.answer).toMatchObject({
    poisoned: true,
    why: 'its size is 8 bytes here and 4 in the target',
  });
  expect(signed.insn.imm).toBe(BAD_RELOCATION);
});

test('enumerators: values of 64 bits, names without flavour', () => {
  const enumeration = (value: bigint): BtfType => ({
    kind: 'enum64',
    name: 'e',
    size: 8,
    signed: false,
    values: [{ name: 'ONE___x', value }],
  });
  const record = { type: 1, access: '0', kind: core.BPF_CORE_ENUMVAL_VALUE };
  const wide = [insn(0x18, 5), insn(0, 0), EXIT];
  const { code, answer } = relocate({
    local: types(enumeration(5n)),
    target: types(enumeration(0xfedcba9876543210n)),
    record,
    insns: wide,
  });
  expect(code.imm64(0)).toBe(0xfedcba9876543210n);
  expect(answer?.asked).toBe('enum e::ONE___x');
  const small: BtfType = {
    kind: 'enum',
    name: 'e',
    size: 4,
    signed: true,
    values: [
      { name: 'OTHER', value: 1n },
      { name: 'ONE', value: -2n },
    ],
  };
  expect(
    relocate({ local: types(enumeration(5n)), target: types(small), record, insns: wide }).code.imm64(0),
  ).toBe(0xfffffffffffffffen);
});

test('both halves of a wide instruction are poisoned', () => {
  const enumeration: BtfType = {
    kind: 'enum',
    name: 'e',
    size: 4,
    signed: false,
    values: [{ name: 'GONE', value: 1n }],
  };
  const other: BtfType = {
    kind: 'enum',
    name: 'e',
    size: 4,
    signed: false,
    values: [{ name: 'X', value: 1n }],
  };
  const { code } = relocate({
    local: types(enumeration),
    target: types(other),
    record: { type: 1, access: '0', kind: core.BPF_CORE_ENUMVAL_VALUE },
    insns: [insn(0x18, 1), insn(0, 0), EXIT],
  });
  expect([code.at(0), code.at(1)]).toEqual([insn(0x85, BAD_RELOCATION), insn(0x85, BAD_RELOCATION)]);
});

test.each([
  [
    'an instruction that does not hold what the compiler said',
    { ...offsetOfB },
    [insn(MOV, 5), EXIT],
    'core-insn',
  ],
  ['an instruction without an immediate', { ...offsetOfB }, [insn(0xbf, 4), EXIT], 'core-insn'],
  ['half of a wide instruction', { ...offsetOfB }, [insn(0x18, 4)], 'core-insn'],
  ['an exit', { ...offsetOfB }, [EXIT], 'core-insn'],
  ['a member that is not there', { ...offsetOfB, access: '0:7' }, [insn(MOV, 4), EXIT], 'core-access'],
  ['a step into an int', { ...offsetOfB, access: '0:1:0' }, [insn(MOV, 4), EXIT], 'core-access'],
  ['an access that is not a list', { ...offsetOfB, access: '0:-1' }, [insn(MOV, 4), EXIT], 'core-access'],
  ['an empty access', { ...offsetOfB, access: '' }, [insn(MOV, 4), EXIT], 'core-access'],
  [
    'an access that is too deep',
    { ...offsetOfB, access: Array(65).fill('0').join(':') },
    [insn(MOV, 4), EXIT],
    'core-access',
  ],
  [
    'a type relocation with a path',
    { type: 2, access: '0:1', kind: core.BPF_CORE_TYPE_SIZE },
    [insn(MOV, 8), EXIT],
    'core-access',
  ],
  [
    'an enumerator of a struct',
    { type: 2, access: '0', kind: core.BPF_CORE_ENUMVAL_VALUE },
    [insn(MOV, 8), EXIT],
    'core-access',
  ],
  ['a kind of the future', { ...offsetOfB, kind: 13 }, [insn(MOV, 4), EXIT], 'core-kind'],
] as const)('%s is refused', (_, record, insns, code) => {
  const target = types(int('int', 4, true), struct('s', 8, member('a', 1, 0), member('b', 1, 32)));
  expect(() => relocate({ local: LOCAL, target, record, insns })).toThrow(expect.objectContaining({ code }));
});

test.each([62, 63])(
  'a member %s unnamed structs deep is found or refused, never said to be missing',
  depth => {
    const list: BtfType[] = [int('int', 4, true), struct('', 4, member('b', 1, 0))];
    for (let level = 1; level < depth; level++) list.push(struct('', 4, member('', level + 1, 0)));
    const target = types(...list, struct('s', 4, member('', list.length, 0)));
    const exists = () =>
      relocate({
        local: LOCAL,
        target,
        record: { ...offsetOfB, kind: core.BPF_CORE_FIELD_EXISTS },
        insns: [insn(MOV, 1), EXIT],
      });
    if (depth === 62) expect(exists().code.at(0)).toEqual(insn(MOV, 1));
    else
      expect(exists).toThrow(
        expect.objectContaining({
          code: 'core-access',
          message: expect.stringContaining('more than 64 steps'),
        }),
      );
  },
);

test('an offset that no instruction reaches is refused with a hint', () => {
  const target = types(int('int', 4, true), struct('s', 80_000, member('b', 1, 40_000 * 8)));
  expect(() =>
    relocate({ local: LOCAL, target, record: offsetOfB, insns: [insn(LDX_W, 0, 4), EXIT] }),
  ).toThrow(expect.objectContaining({ code: 'core-offset' }));
});

test('unnamed types that contain each other many times are searched once', () => {
  const list: BtfType[] = [int('int', 4, true), union('', 4, member('z', 1, 0))];
  for (let level = 0; level < 40; level++)
    list.push(union('', 4, member('', level + 2, 0), member('', level + 2, 0)));
  const target = types(...list, struct('s', 8, member('', list.length, 0)));
  expect(
    relocate({ local: LOCAL, target, record: offsetOfB, insns: [insn(MOV, 4), EXIT] }).answer?.poisoned,
  ).toBe(true);
});

test.each<readonly [string, Case]>([
  [
    'core-anonymous',
    {
      local: types(int('int', 4, true), struct('', 8, member('a', 1, 0))),
      target: LOCAL,
      record: { type: 2, access: '0:0', kind: core.BPF_CORE_FIELD_BYTE_OFFSET },
    },
  ],
  ['core-kind', { local: LOCAL, target: LOCAL, record: { ...offsetOfB, kind: 99 } }],
  ['core-access', { local: LOCAL, target: LOCAL, record: { ...offsetOfB, access: '0:9' } }],
  [
    'core-bit-field',
    {
      local: LOCAL,
      target: types(int('wide', 8, true), struct('s', 16, member('b', 1, 60, 8))),
      record: offsetOfB,
    },
  ],
  ['core-place', { local: LOCAL, target: LOCAL, record: offsetOfB, insns: [] }],
])('%s', (code, given) => {
  expect(() => relocate(given)).toThrow(expect.objectContaining({ code }));
});

test('a bit field that just ends within 8 aligned bytes is found', () => {
  const target = types(int('wide', 8, true), struct('s', 16, member('b', 1, 56, 8)));
  const insns = [insn(MOV, 4), EXIT];
  expect(relocate({ local: LOCAL, target, record: offsetOfB, insns }).answer?.poisoned).toBe(false);
});
