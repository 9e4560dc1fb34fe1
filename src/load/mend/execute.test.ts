import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { INT } from '../../btf/model/int.ts';
import { TypeWriter } from '../../btf/model/type-writer.ts';
import type { Btf, BtfType } from '../../btf/model/types.ts';
import { RootletError } from '../../diag/problem.ts';
import { encodeInsns } from '../../isa/opcodes.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import { readObject } from '../../object/read/read.ts';
import { BPF_BTF_LOAD } from '../../uapi/commands.ts';
import { EINVAL, EPERM } from '../../uapi/errno.ts';
import { BPF_PROG_TYPE_EXT } from '../../uapi/program-types.ts';
import { loadObject } from '../load.ts';
import { planLoad } from '../plan/object.ts';
import type { LoadPlan, ProgramPlan } from '../plan/plan.ts';
import { preparedAlone } from '../plan/prepared.ts';
import { packet } from '../testing.ts';
import { executeOnKernel } from './execute.ts';
import { typeNeeds } from './needs.ts';
import { typesOutlook } from './outlook.ts';

const { sys, reason } = kernelForTests();
const OBJECT = readObject({
  name: 'globals.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, '..', 'testdata/obj/el/globals.bpf.o')),
});

function withTypes(...types: readonly BtfType[]): Btf {
  const builder = new BtfBuilder(OBJECT.btf ?? undefined);
  for (const type of types) builder.add(type);
  return builder.build();
}

const FIRST = (OBJECT.btf?.count ?? 0) + 1;
/** A chain of pointers that the kernel does not follow to its end, and that no repair knows. */
const TOO_DEEP = withTypes(
  ...Array.from({ length: 40 }, (_, at): BtfType => ({ kind: 'ptr', type: FIRST + at + 1 })),
  INT,
);
const ODD_NAME = withTypes({ kind: 'struct', name: 'Vec<T>', size: 0, members: [] });
const REPAIRED =
  'globals.bpf.o: BTF for the kernel: names that are not C identifiers are rewritten ("Vec<T>" is "Vec_3C_T_3E_")';
const WITHOUT =
  /^globals\.bpf\.o: loaded without BTF, which the kernel refuses: "\[\d+\] PTR \(anon\) type_id=\d+ Exceeded max resolving depth:32" \(argument, program or map too large \(E2BIG\)\); maps and functions have no types/;

const planOf = (btf: Btf): LoadPlan => planLoad(preparedAlone({ ...OBJECT, btf }));

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  if (sys === undefined) return;

  test('repaired types are noted, and values keep the names of the object', () => {
    using loaded = executeOnKernel(planOf(ODD_NAME), sys);
    expect(loaded.notes).toEqual([REPAIRED]);
    expect(loaded.btf).not.toBeNull();
    const { types } = loaded.plan;
    const names = Array.from({ length: types?.count ?? 0 }, (_, at) => types?.nameOf(at + 1));
    expect(names).toContain('Vec<T>');
  });

  test('what no repair knows is loaded without types, and does the same', () => {
    using loaded = executeOnKernel(planOf(TOO_DEEP), sys);
    expect(loaded.notes).toEqual([expect.stringMatching(WITHOUT)]);
    expect(loaded.btf).toBeNull();
    expect(loaded.testRun('run', packet()).verdict).toBe(10);
    expect(loaded.variables.get('counter')).toBe(1);
  });

  test('types that something needs are an error, and nothing stays open', () => {
    const before = countFds();
    const load = () => executeOnKernel(planOf(TOO_DEEP), sys, { typesFor: 'slots that are replaced' });
    expect(load).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            code: 'kernel-btf-refused',
            where: ['globals.bpf.o', 'section ".BTF"'],
            message: expect.stringContaining('Exceeded max resolving depth:32'),
            details: ['needed by slots that are replaced'],
          }),
        ],
      }),
    );
    expect(countFds()).toBe(before);
  });

  test('a dry run reports the same, and the types of most objects are taken', () => {
    expect(typesOutlook(planOf(ODD_NAME), sys)).toEqual([REPAIRED]);
    expect(typesOutlook(planOf(TOO_DEEP), sys)).toEqual([expect.stringMatching(WITHOUT)]);
    expect(typesOutlook(planLoad(preparedAlone(OBJECT)), sys)).toEqual([]);
  });

  test('a program that the verifier refuses without types reports both', () => {
    const plan = planOf(TOO_DEEP);
    const broken = encodeInsns([{ opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 }], plan.byteOrder);
    const programs = plan.programs.map(program => ({ ...program, code: broken, fixups: [], functions: [] }));
    const codes = problemsOf(() => executeOnKernel({ ...plan, programs }, sys)).map(({ code }) => code);
    expect(codes).toEqual(['kernel-btf-refused', 'kernel-verifier-refused']);
  });

  test('a plan without a single type loads', () => {
    using loaded = executeOnKernel(
      planLoad(preparedAlone({ ...OBJECT, btf: new TypeWriter().finish(), symbols: withoutTypes() })),
      sys,
    );
    expect(loaded.notes).toEqual([]);
    expect(loaded.testRun('run', packet()).verdict).toBe(10);
  });
});

function withoutTypes() {
  return OBJECT.symbols.map(symbol => ({ ...symbol, btfId: 0 }));
}

function problemsOf(body: () => unknown): RootletError['problems'] {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.problems;
    throw error;
  }
  return [];
}

test('types that may not be loaded are not repaired', () => {
  const fake = new FakeSys(call => (call.command === BPF_BTF_LOAD ? -EPERM : undefined));
  expect(() => loadObject({ ...OBJECT, btf: ODD_NAME }, fake)).toThrow(
    expect.objectContaining({
      code: 'kernel-btf-refused',
      problems: [expect.objectContaining({ errno: EPERM })],
    }),
  );
  expect(typesOutlook(planOf(ODD_NAME), fake)).toEqual([REPAIRED]);
});

test('a kernel that refuses all types gets none', () => {
  const fake = new FakeSys(call => (call.command === BPF_BTF_LOAD ? -EINVAL : undefined));
  using loaded = executeOnKernel(planLoad(preparedAlone(OBJECT)), fake);
  expect(loaded.btf).toBeNull();
  expect([...fake.openFds]).not.toHaveLength(0);
});

// --- what needs types ---------------------------------------------------------------------------------------------

const PLAN = planLoad(preparedAlone(OBJECT));
const LOCK: BtfType = {
  kind: 'struct',
  name: 'bpf_spin_lock',
  size: 4,
  members: [{ name: 'val', type: FIRST, bitOffset: 0, bitSize: 0 }],
};

function withProgram(change: (program: ProgramPlan) => Partial<ProgramPlan>): LoadPlan {
  return { ...PLAN, programs: PLAN.programs.map(program => ({ ...program, ...change(program) })) };
}

const insn = (opcode: number, src = 0, imm = 0) => ({ opcode, dst: 0, src, offset: 0, imm });
const TAIL_CALL = encodeInsns([insn(0x85, 1, 1), insn(0x95), insn(0x85, 0, 12), insn(0x95)], PLAN.byteOrder);
const PACKET_LOAD = encodeInsns([insn(0x85, 1, 1), insn(0x95), insn(0x30), insn(0x95)], PLAN.byteOrder);
const CALLBACK = encodeInsns([insn(0x18, 4, 1), insn(0), insn(0x95), insn(0x95)], PLAN.byteOrder);
const functions = (start: number) => [
  { name: 'main', insnIndex: 0, insnCount: start, btfId: 0, file: '' },
  { name: 'other', insnIndex: start, insnCount: 1, btfId: 0, file: '' },
];

test.each([
  ['callback "other"', { code: CALLBACK, functions: functions(2) }],
  ['tail call in function "other"', { code: TAIL_CALL, functions: functions(2) }],
  ['access to the packet in function "other"', { code: PACKET_LOAD, functions: functions(2) }],
  [undefined, { code: TAIL_CALL, functions: functions(4).slice(0, 1) }],
])('programs: %s', (why, change) => {
  const needs = typeNeeds(withProgram(() => change));
  expect(needs).toEqual(
    why === undefined ? [] : PLAN.programs.map(({ name }) => `program "${name}" (${why})`),
  );
});

test('replacements of functions and exception callbacks', () => {
  const ext = withProgram(({ type }) => ({ type: { ...type, progType: BPF_PROG_TYPE_EXT } }));
  expect(typeNeeds(ext)).toContain(`program "${PLAN.programs[0]?.name}" (replaces a function)`);
  const [tagged] = PLAN.programs.flatMap(program => program.functions.map(({ btfId }) => btfId));
  const tag = { kind: 'decl_tag', name: 'exception_callback:end', component: -1, attribute: false } as const;
  const types = withTypes({ ...tag, type: tagged ?? 0 });
  expect(typeNeeds({ ...PLAN, types }).join()).toContain('(exception callback "end")');
});

test('maps with a lock, also inner ones, and struct_ops maps', () => {
  expect(typeNeeds(PLAN)).toEqual([]);
  const types = withTypes(INT, LOCK);
  const [map, ...others] = PLAN.maps;
  if (map === undefined) throw new Error('no map');
  const locked = { ...map, valueType: FIRST + 1 };
  const need = [`map "${map.name}" (bpf_spin_lock)`];
  expect(typeNeeds({ ...PLAN, types, maps: [locked, ...others] })).toEqual(need);
  expect(typeNeeds({ ...PLAN, types, maps: [{ ...map, inner: locked }, ...others] })).toEqual(need);
  const operations = { valueType: 1, btfObject: 0, value: new Uint8Array(8), programs: [] };
  expect(typeNeeds({ ...PLAN, maps: [{ ...map, operations }] })).toEqual([`struct_ops map "${map.name}"`]);
});
