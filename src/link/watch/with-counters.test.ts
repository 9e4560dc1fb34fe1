/** Members that count by themselves against the same members without: in the machine and on the kernel. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import type { LoadedObject } from '../../load/execute/loaded-object.ts';
import { loadObject } from '../../load/load.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { programsOf } from '../../object/model/programs.ts';
import { withEntryTypes } from '../../object/programs/function-types.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/program-types.ts';
import { createMachine } from '../../vm/run/machine.ts';
import { withLicense } from '../passes/license.ts';
import {
  COUNTS_MAP,
  counterLayout,
  decodeCounters,
  decodeTrace,
  TRACE_MAP,
  WATCH_COUNT,
  WATCH_SECTION,
  WATCH_TIME,
  WATCH_TRACE,
  WATCH_VARIABLE,
  WatchWords,
} from './layout.ts';
import { byteMember, byteVerdict } from './testing.ts';
import { withCounters } from './with-counters.ts';

const ZERO = new Uint8Array(4);
const SECTIONS = ['xdp', 'xdp.frags', 'tc', 'tcx/egress'] as const;
const FIXTURES = fileURLToPath(new URL('../../vm/testdata/obj/el/', import.meta.url));

function words(flags: number, continueMask = 0, member = 0): Uint8Array {
  const bytes = new Uint8Array(WatchWords.size);
  WatchWords.encode(new DataView(bytes.buffer), 0, { flags, continueMask, member }, 'little');
  return bytes;
}

function counted(object: BpfObject, program: string): BpfObject {
  const result = withCounters(object, program);
  if (!result.ok) throw new Error(result.problem.message);
  return readObject({ name: 'counted.o', bytes: writeObject(result.value) });
}

function layoutOf(section: string) {
  return counterLayout(section.startsWith('xdp') ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS);
}

function packets(seed: number): readonly Uint8Array[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: 30 }, () =>
    Uint8Array.from({ length: 20 + random.below(90) }, () => random.below(12)),
  );
}

function expectCounts(
  section: string,
  value: Uint8Array | undefined,
  all: readonly Uint8Array[],
  times: bigint,
) {
  const now = decodeCounters(layoutOf(section), value ?? ZERO, true);
  expect(now.packets).toBe(times * BigInt(all.length));
  expect(now.bytes).toBe(times * BigInt(all.reduce((total, { length }) => total + length, 0)));
  const known = now.verdicts.map(({ verdict }) => verdict);
  for (const { verdict, packets: count } of now.verdicts) {
    const mine = all.map(packet => byteVerdict(section, packet, 3));
    const equal = mine.filter(one => (verdict === 'other' ? !known.includes(one) : one === verdict));
    expect(count).toBe(times * BigInt(equal.length));
  }
}

const kernel = kernelForTests();

describe.each(SECTIONS)('a counted %s program', section => {
  const bare = withLicense({ ...byteMember('member', section, 3) }, 'GPL');
  const all = packets(7);
  test.each(['without types', 'with types'])('%s', kind => {
    const object = counted(kind === 'with types' ? withEntryTypes(bare) : bare, 'prog');
    using machine = createMachine(object);
    const run = (): void => {
      for (const packet of all) expect(machine.run(packet).verdict | 0).toBe(byteVerdict(section, packet, 3));
    };
    run();
    expectCounts(section, machine.map(COUNTS_MAP).lookup(ZERO), [], 1n);
    machine.map(WATCH_SECTION).update(ZERO, words(WATCH_COUNT | WATCH_TIME));
    run();
    expectCounts(section, machine.map(COUNTS_MAP).lookup(ZERO), all, 1n);
    // continues after 2 and 3: others are its own decision
    machine.map(WATCH_SECTION).update(ZERO, words(WATCH_TRACE, 12, 5));
    run();
    expectCounts(section, machine.map(COUNTS_MAP).lookup(ZERO), all, 1n);
    const traced = machine.events().map(({ data }) => decodeTrace(data, true));
    const decided = all.filter(packet => ![2, 3].includes(byteVerdict(section, packet, 3)));
    expect(traced.map(record => record?.packet)).toEqual(decided.map(packet => packet.subarray(0, 64)));
    expect(traced.every(record => record?.member === 5)).toBe(true);
    expect(traced.map(record => record?.verdict)).toEqual(
      decided.map(packet => byteVerdict(section, packet, 3)),
    );
  });
  test.skipIf(kernel.sys === undefined)('on the kernel', () => {
    if (kernel.sys === undefined) return;
    using loaded = loadObject(counted(bare, 'prog'), kernel.sys);
    const run = (): void => {
      for (const packet of all)
        expect(loaded.testRun('prog', packet).verdict | 0).toBe(byteVerdict(section, packet, 3));
    };
    run();
    expectCounts(section, loaded.map(COUNTS_MAP).lookup(ZERO), [], 1n);
    loaded.map(WATCH_SECTION).update(ZERO, words(WATCH_COUNT));
    run();
    loaded.map(WATCH_SECTION).update(ZERO, words(WATCH_COUNT | WATCH_TIME | WATCH_TRACE));
    run();
    expectCounts(section, loaded.map(COUNTS_MAP).lookup(ZERO), all, 2n);
    expect(loaded.program('prog').info().name).toBe('prog');
  });
});

describe('compiled programs', () => {
  const open: LoadedObject[] = [];
  afterAll(() => {
    for (const one of open) one.close();
  });
  const xdp = readObject({ name: 'xdp.bpf.o', bytes: readFileSync(`${FIXTURES}xdp.bpf.o`) });
  const names = programsOf(xdp).map(({ program }) => program.name);
  test.each(names)('%s does the same when counted', name => {
    const object = counted(xdp, name);
    const program = programsOf(object).find(entry => entry.program.name === name)?.program;
    const own = object.symbols.find(symbol => symbol.name === `${name}__own`);
    const before = programsOf(xdp).find(entry => entry.program.name === name)?.program;
    if (own?.kind !== 'function' || before === undefined) throw new Error('no body');
    expect([...own.lines].map(({ insnIndex, line }) => [insnIndex, line])).toEqual(
      [...before.lines].map(({ insnIndex, line }) => [insnIndex, line]),
    );
    expect([...(program?.lines ?? [])]).toHaveLength(1);
    using plain = createMachine(xdp, { program: name });
    using machine = createMachine(object, { program: name });
    for (const flags of [0, WATCH_COUNT | WATCH_TIME, WATCH_TRACE | WATCH_COUNT]) {
      machine.map(WATCH_SECTION).update(ZERO, words(flags));
      for (const packet of packets(flags + 1)) {
        const [wanted, got] = [plain.run(packet), machine.run(packet)];
        expect([got.verdict, [...got.packet]]).toEqual([wanted.verdict, [...wanted.packet]]);
      }
    }
  });
  test.skipIf(kernel.sys === undefined)('all of them load', () => {
    if (kernel.sys === undefined) return;
    for (const name of names) open.push(loadObject(counted(xdp, name), kernel.sys));
  });
});

describe('what is not counted', () => {
  const codeOf = (object: BpfObject, program = 'prog'): string | undefined => {
    const result = withCounters(object, program);
    return result.ok ? undefined : result.problem.code;
  };
  test('programs of other types, and none', () => {
    expect(codeOf(byteMember('m', 'socket', 1))).toBe('watch-program');
    expect(codeOf(byteMember('m', 'xdp', 1), 'other')).toBe('watch-program');
  });
  test('an object that has such a name', () => {
    const once = counted(byteMember('m', 'xdp', 1), 'prog');
    expect(codeOf(once)).toBe('watch-name');
    expect(once.symbols.map(({ name }) => name)).toContain(WATCH_VARIABLE);
  });
  test('a program that would exceed the stack', () => {
    const member = byteMember('m', 'xdp', 1);
    const [program] = member.symbols;
    if (program?.kind !== 'function') throw new Error('no program');
    // *(u64 *)(r10 - 512) = 0, before its code
    const store = Uint8Array.of(0x7a, 0x0a, 0x00, 0xfe, 0, 0, 0, 0);
    const code = Uint8Array.from([...store, ...program.code]);
    expect(codeOf({ ...member, symbols: [{ ...program, code }] })).toBe('watch-limit');
  });
  test('without a license, nothing is traced', () => {
    const object = counted(byteMember('m', 'xdp', 1), 'prog');
    expect(object.symbols.map(({ name }) => name)).not.toContain(TRACE_MAP);
  });
});
