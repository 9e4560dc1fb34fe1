import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BtfBuilder, type BtfType, encodeBtf } from '../btf/index.ts';
import { CodeView, encodeInsns } from '../isa/index.ts';
import { loadBtf } from '../kernel/btf-object.ts';
import { EINVAL } from '../kernel/errno.ts';
import type { Feature } from '../kernel/features.ts';
import { FakeSys } from '../kernel/sys-fake.ts';
import { kernelForTests } from '../kernel/testing.ts';
import * as uapi from '../kernel/uapi.ts';
import { readObject } from '../object/read.ts';
import { executeLoad } from './execute.ts';
import { findLacks, limitPlan } from './limit-plan.ts';
import { loadObject } from './load.ts';
import { planLoad } from './plan-object.ts';
import { FULL_SUPPORT, sanitizeBtf } from './sanitize-btf.ts';
import { packet } from './testing.ts';

const { sys, reason } = kernelForTests();
const GLOBALS = readObject(
  readFileSync(join(import.meta.dirname, 'testdata/obj/el/globals.bpf.o')),
  'globals.bpf.o',
);
const PLAN = planLoad(GLOBALS);

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
  [
    'globalFunctions',
    { enum64: false, typeTag: false, declTag: false, float: false, globalFunctions: false },
  ],
  [
    'dataSections',
    {
      enum64: false,
      typeTag: false,
      declTag: false,
      float: false,
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
  if (sys !== undefined) loadBtf(sys, encodeBtf(limited, uapi.HOST_ORDER)).close();
});

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
    const { plan, notes } = limitPlan(PLAN, new Set(lacks));
    if (sys === undefined) return;
    using object = executeLoad(plan, sys);
    expect(object.testRun('run', packet()).verdict).toBe(10);
    expect(object.testRun('sum', packet()).verdict).toBe(200 + 60000 + 1 + 5 - 3 + 5);
    expect(notes).toHaveLength(lacks.length);
    if (!lacks.includes('btf')) expect(object.variables.get('counter')).toBe(1);
  });
});

test('a kernel without globals cannot be helped', () => {
  expect(() => limitPlan(PLAN, new Set<Feature>(['globalData']))).toThrow(
    expect.objectContaining({ code: 'load-kernel-too-old' }),
  );
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

/** A kernel from before a feature: refuses float types. */
function oldKernel(): FakeSys {
  return new FakeSys((call, fake) => {
    if (call.command !== uapi.BPF_BTF_LOAD) return undefined;
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
      call.command === uapi.BPF_PROG_LOAD && uapi.decodeAttr(uapi.ProgLoadAttr, call.attr).prog_btf_fd !== 0;
    return withTypes ? -EINVAL : undefined;
  });
  expect(() => loadObject(GLOBALS, fake)).toThrow(
    expect.objectContaining({ code: 'kernel-program-refused' }),
  );
  expect([...fake.openFds]).toEqual([]);
});
