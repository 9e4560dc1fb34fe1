import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeBtf } from '../../btf/binary/encode.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import type { BtfType } from '../../btf/model/types.ts';
import { CodeView, encodeInsns } from '../../isa/opcodes.ts';
import { loadBtf } from '../../kernel/objects/btf-object.ts';
import type { Feature } from '../../kernel/probes/features.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/attr.ts';
import * as uapi from '../../kernel/uapi/uapi.ts';
import { readObject } from '../../object/read/read.ts';
import * as commands from '../../uapi/commands.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { executeLoad } from '../execute/execute.ts';
import { loadObject } from '../load.ts';
import { packet } from '../testing.ts';
import { findLacks, type Lack, limitPlan } from './limit.ts';
import { planLoad } from './object.ts';
import type { LoadPlan } from './plan.ts';
import { preparedAlone } from './prepared.ts';
import { FULL_SUPPORT, sanitizeBtf } from './sanitize-btf.ts';

const { sys, reason } = kernelForTests();
const GLOBALS = readObject({
  name: 'globals.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, '..', 'testdata/obj/el/globals.bpf.o')),
});
const PLAN = planLoad(preparedAlone(GLOBALS));

const INT: BtfType = {
  kind: 'int',
  name: 'int',
  size: 4,
  bits: 32,
  bitOffset: 0,
  signed: true,
  char: false,
  bool: false,
};
/** One type of every kind that kernels learnt late. */
const LATE: readonly BtfType[] = [
  INT,
  { kind: 'float', name: 'double', size: 8 },
  { kind: 'type_tag', name: 'user', type: 1, attribute: false },
  { kind: 'ptr', type: 3 },
  {
    kind: 'enum64',
    name: 'wide',
    size: 8,
    signed: false,
    values: [
      { name: 'A', value: 1n << 40n },
      { name: 'B', value: 2n },
    ],
  },
  {
    kind: 'struct',
    name: 's',
    size: 24,
    members: [
      { name: 'd', type: 2, bitOffset: 0, bitSize: 0 },
      { name: 'w', type: 5, bitOffset: 64, bitSize: 0 },
    ],
  },
  { kind: 'func_proto', returns: 1, params: [{ name: 'a', type: 4 }] },
  { kind: 'func', name: 'f', type: 7, linkage: 'global' },
  { kind: 'var', name: 'v', type: 6, linkage: 'global' },
  { kind: 'datasec', name: '.data', size: 24, vars: [{ type: 9, offset: 0, size: 24 }] },
  { kind: 'decl_tag', name: 'arg:tag', type: 8, component: 0, attribute: false },
  { kind: 'enum', name: 'e', size: 4, signed: true, values: [{ name: 'MINUS', value: -1n }] },
  { kind: 'func', name: 'g', type: 7, linkage: 'global' },
];

function lateTypes() {
  const builder = new BtfBuilder();
  for (const type of LATE) builder.add(type);
  return builder.build();
}

const OLD: readonly [string, Partial<typeof FULL_SUPPORT>][] = [
  ['enum64', { enum64: false }],
  ['typeTag', { enum64: false, typeTag: false }],
  ['declTag', { enum64: false, typeTag: false, declTag: false }],
  ['float', { enum64: false, typeTag: false, declTag: false, float: false }],
  ['globalPointers', { enum64: false, typeTag: false, declTag: false, float: false, globalPointers: false }],
  [
    'globalFunctions',
    {
      enum64: false,
      typeTag: false,
      declTag: false,
      float: false,
      globalPointers: false,
      globalFunctions: false,
    },
  ],
  [
    'dataSections',
    {
      enum64: false,
      typeTag: false,
      declTag: false,
      float: false,
      globalPointers: false,
      globalFunctions: false,
      dataSections: false,
    },
  ],
  [
    'functions',
    {
      enum64: false,
      typeTag: false,
      declTag: false,
      float: false,
      globalPointers: false,
      globalFunctions: false,
      dataSections: false,
      functions: false,
    },
  ],
];

test.each(OLD)('kernels older than %s get the same types under the same ids, sizes kept', (_, missing) => {
  const types = lateTypes();
  const limited = sanitizeBtf(types, { ...FULL_SUPPORT, ...missing });
  const kinds = new Set(Array.from({ length: limited.count }, (_, i) => limited.type(i + 1).kind));
  if (missing.enum64 === false) expect(kinds).not.toContain('enum64');
  if (missing.float === false) expect(kinds).not.toContain('float');
  if (missing.typeTag === false) expect(kinds).not.toContain('type_tag');
  if (missing.declTag === false) expect(kinds).not.toContain('decl_tag');
  if (missing.dataSections === false)
    expect([...kinds].filter(kind => kind === 'var' || kind === 'datasec')).toEqual([]);
  if (missing.functions === false) expect([...kinds].filter(kind => kind.startsWith('func'))).toEqual([]);
  expect(limited.type(6)).toEqual(types.type(6));
  if (missing.enum64 === false) expect(limited.type(12)).toMatchObject({ kind: 'enum', signed: false });
  const linkage = missing.globalPointers === false ? 'static' : 'global';
  if (missing.functions !== false) expect(limited.type(13)).toMatchObject({ linkage });
  if (sys === undefined) return;
  const taken = sanitizeBtf(types, { ...FULL_SUPPORT, ...missing, ...lackingHere(sys) });
  loadBtf(sys, encodeBtf(taken, uapi.HOST_ORDER)).close();
});

/** What the running kernel does not support. */
function lackingHere(kernel: Sys): Partial<typeof FULL_SUPPORT> {
  const lacks = findLacks(kernel);
  const parts: readonly (readonly [keyof typeof FULL_SUPPORT, Feature])[] = [
    ['enum64', 'btfEnum64'],
    ['typeTag', 'btfTypeTag'],
    ['declTag', 'btfDeclTag'],
    ['float', 'btfFloat'],
    ['globalPointers', 'globalPointers'],
  ];
  return Object.fromEntries(parts.flatMap(([part, feature]) => (lacks.has(feature) ? [[part, false]] : [])));
}

test('with everything supported the types stay what they are', () => {
  const types = lateTypes();
  expect(sanitizeBtf(types, FULL_SUPPORT)).toBe(types);
});

const EVERYTHING: readonly Feature[] = [
  'btfGlobalFunctions',
  'btfFloat',
  'btfDeclTag',
  'btfTypeTag',
  'btfEnum64',
  'mappableArrays',
  'objectNames',
  'probeReadKernel',
  'expectedAttachType',
];

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test.each([
    ['nothing', []],
    ['what came with 5.x and 6.x', EVERYTHING],
    ['sections and functions as well', [...EVERYTHING, 'btfDataSections', 'btfFunctions'] as const],
    ['all types', [...EVERYTHING, 'btf'] as const],
  ])('a plan without %s still loads and does the same', (_, lacks: readonly Feature[]) => {
    if (sys === undefined) return;
    const all = new Set([...lacks, ...findLacks(sys, PLAN)]);
    const { plan, notes } = limitPlan(PLAN, all);
    using object = executeLoad(plan, sys);
    expect(object.testRun('run', packet()).verdict).toBe(10);
    expect(object.testRun('sum', packet()).verdict).toBe(200 + 60000 + 1 + 5 - 3 + 5);
    expect(notes).toHaveLength(all.size);
    if (!lacks.includes('btf')) expect(object.variables.get('counter')).toBe(1);
  });
});

test('a kernel without globals cannot be helped', () => {
  expect(() => limitPlan(PLAN, new Set<Feature>(['globalData']))).toThrow(
    expect.objectContaining({ code: 'load-kernel-too-old' }),
  );
});

/** `run` calls `helper`, a global function that takes a pointer, and passes the address of `callback`. */
function twoFunctions(withCallback: boolean): LoadPlan {
  const [program] = PLAN.programs;
  if (program === undefined) throw new Error('no program');
  const wide = withCallback
    ? [
        { opcode: 0x18, dst: 2, src: 4, offset: 0, imm: 3 },
        { opcode: 0, dst: 0, src: 0, offset: 0, imm: 0 },
      ]
    : [];
  const rest = [0xb7, 0x95, 0xb7, 0x95].map(opcode => ({ opcode, dst: 0, src: 0, offset: 0, imm: 0 }));
  const name = (text: string, insnIndex: number) => ({
    name: text,
    file: 'a.o',
    insnIndex,
    insnCount: 2,
    btfId: 8,
  });
  const functions = [name('run', 0), name('callback', wide.length + 2)];
  const code = encodeInsns([...wide, ...rest], PLAN.byteOrder);
  return {
    ...PLAN,
    types: lateTypes(),
    programs: [{ ...program, code, functions, lines: [], lineInfo: null }],
  };
}

test('callbacks are named on kernels that have none', () => {
  expect(() => limitPlan(twoFunctions(true), new Set<Feature>(['functionPointers']))).toThrow(
    'function "callback" as a callback needs Linux 5.13',
  );
  expect(() => limitPlan(twoFunctions(false), new Set<Feature>(['functionPointers']))).not.toThrow();
});

test('only features that the plan uses are probed', () => {
  const refusing = new FakeSys(call =>
    call.command === commands.BPF_PROG_LOAD || call.command === commands.BPF_BTF_LOAD ? -EINVAL : undefined,
  );
  const asked: readonly Feature[] = ['globalPointers', 'functionPointers', 'operationsLink'];
  const lacks = (plan: LoadPlan) => asked.filter(feature => findLacks(refusing, plan).has(feature));
  expect(lacks(PLAN)).toEqual([]);
  expect(lacks(twoFunctions(false))).toEqual(['globalPointers']);
  expect(lacks(twoFunctions(true))).toEqual(['globalPointers', 'functionPointers']);
});

test('old probe reads', () => {
  const code = encodeInsns(
    [113, 115, 112, 114, 6].map(imm => ({ opcode: 0x85, dst: 0, src: 0, offset: 0, imm })),
    PLAN.byteOrder,
  );
  const [program] = PLAN.programs;
  if (program === undefined) throw new Error('no program');
  const { plan } = limitPlan(
    { ...PLAN, programs: [{ ...program, code }] },
    new Set<Feature>(['probeReadKernel']),
  );
  const view = new CodeView(plan.programs[0]?.code ?? new Uint8Array(0), PLAN.byteOrder);
  expect([0, 1, 2, 3, 4].map(at => view.imm(at))).toEqual([4, 45, 4, 45, 6]);
});

/** A program that takes the address of a function of vmlinux and of one in a module. */
function takesAddresses(): LoadPlan {
  const [program] = PLAN.programs;
  if (program === undefined) throw new Error('no program');
  const wide = (imm: number) => [
    { opcode: 0x18, dst: 2, src: 3, offset: 0, imm },
    { opcode: 0, dst: 0, src: 0, offset: 0, imm: 0 },
  ];
  const rest = [0xb7, 0x95].map(opcode => ({ opcode, dst: 0, src: 0, offset: 0, imm: 0 }));
  const code = encodeInsns([...wide(101), ...wide(102), ...wide(103), ...rest], PLAN.byteOrder);
  const fixups = [
    { kind: 'kernel-symbol', insnIndex: 2, btfObject: 9 },
    { kind: 'kernel-symbol', insnIndex: 4, btfObject: 9 },
  ] as const;
  return { ...PLAN, programs: [{ ...program, code, fixups, functionAddresses: [0, 2], lines: [] }] };
}

test('addresses of kernel functions are 1 on kernels that refuse them; variables keep theirs', () => {
  const { plan, notes } = limitPlan(takesAddresses(), new Set<Lack>(['functionAddresses']));
  const [program] = plan.programs;
  const view = new CodeView(program?.code ?? new Uint8Array(8), PLAN.byteOrder);
  expect([0, 2, 4].map(at => [view.src(at), view.imm(at), view.imm(at + 1)])).toEqual([
    [0, 1, 0],
    [0, 1, 0],
    [3, 103, 0],
  ]);
  expect(program?.fixups).toEqual([{ kind: 'kernel-symbol', insnIndex: 4, btfObject: 9 }]);
  expect(notes).toEqual([
    'the address of each kernel function is 1: whether it exists can be tested, no more (Linux 6.4)',
  ]);
});

test('the address that the plan has is probed, and only where it has one', () => {
  const probes: number[] = [];
  const refusing = new FakeSys((call, fake) => {
    if (call.command !== commands.BPF_PROG_LOAD) return undefined;
    const attr = uapi.decodeAttr(uapi.ProgLoadAttr, call.attr);
    const view = new CodeView(Uint8Array.from(fake.memory(attr.insns)), HOST_ORDER);
    if (view.opcode(0) !== 0x18 || view.src(0) !== 3) return undefined;
    probes.push(view.imm(0));
    return -EINVAL;
  });
  expect(findLacks(refusing, PLAN).has('functionAddresses')).toBe(false);
  expect(probes).toEqual([]);
  expect(findLacks(refusing, takesAddresses()).has('functionAddresses')).toBe(true);
  expect(findLacks(new FakeSys(), takesAddresses()).has('functionAddresses')).toBe(false);
  expect(probes).toEqual([101]);
});

/** A kernel from before a feature: refuses float types. */
function oldKernel(): FakeSys {
  return new FakeSys((call, fake) => {
    if (call.command !== commands.BPF_BTF_LOAD) return undefined;
    const attr = uapi.decodeAttr(uapi.BtfLoadAttr, call.attr);
    const bytes = fake.memory(attr.btf);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const hasFloat = Array.from({ length: (view.getUint32(12, true) / 4) | 0 }, (_, at) =>
      view.getUint32(24 + at * 4, true),
    ).some(word => word === 16 << 24);
    return hasFloat ? -EINVAL : undefined;
  });
}

test('an old kernel is asked what it lacks after it refused, and gets the rest', () => {
  const fake = oldKernel();
  using object = loadObject(GLOBALS, fake);
  expect(object.notes).toEqual(['floating point types are replaced (Linux 5.13)']);
  expect([...findLacks(fake)]).toEqual(['btfFloat']);
});

test('a kernel that lacks nothing keeps its refusal', () => {
  const fake = new FakeSys(call => {
    const withTypes =
      call.command === commands.BPF_PROG_LOAD &&
      uapi.decodeAttr(uapi.ProgLoadAttr, call.attr).prog_btf_fd !== 0;
    return withTypes ? -EINVAL : undefined;
  });
  expect(() => loadObject(GLOBALS, fake)).toThrow(
    expect.objectContaining({ code: 'kernel-program-refused' }),
  );
  expect([...fake.openFds]).toEqual([]);
});
