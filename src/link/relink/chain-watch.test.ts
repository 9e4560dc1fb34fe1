/**
 * Watched chains against the same chains without: equal verdicts whatever the switch is, and counters that say
 * what happened; in the machine and on the kernel.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { loadObject } from '../../load/load.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { programTypeOf } from '../../object/programs/section-names.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { createMachine } from '../../vm/run/machine.ts';
import { relink } from '../relink.ts';
import {
  type Counters,
  counterLayout,
  decodeCounters,
  decodeTrace,
  NO_MEMBER,
  TRACE_MAP,
  WATCH_COUNT,
  WATCH_SECTION,
  WATCH_TIME,
  WATCH_TRACE,
} from '../watch/layout.ts';
import { byteMember, byteVerdict } from '../watch/testing.ts';
import { makeChain } from './chain.ts';
import { chainCountsName, chainSlotName } from './chain-names.ts';
import type { ChainOptions, ChainWatch } from './chain-options.ts';

const SECTIONS = ['xdp', 'xdp.frags', 'tc', 'tcx/ingress'] as const;
const ZERO = new Uint8Array(4);

interface Case {
  readonly section: string;
  readonly slots: ChainOptions['slots'];
  readonly final: number | 'last';
  readonly stopAs: { readonly verdict: number; readonly returned: number };
  readonly packets: readonly Uint8Array[];
}

function randomCase(seed: number): Case {
  const random = new SeededRandom(seed);
  const section = random.pick(SECTIONS);
  const isXdp = section.startsWith('xdp');
  const count = 1 + random.below(5);
  const verdicts = Array.from({ length: 11 }, (_, at) => (isXdp ? at : at - 1));
  const slots = Array.from({ length: count }, () => ({
    continueOn: random.below(8) === 0 ? ['other' as const, 2] : verdicts.filter(() => random.below(2) === 0),
  }));
  const final = random.below(3) === 0 ? random.below(3) : 'last';
  const packets = Array.from({ length: 24 }, () =>
    Uint8Array.from({ length: 20 + random.below(100) }, () => random.below(12)),
  );
  const stopAs = { verdict: random.below(4), returned: 9 };
  return { section, slots, final, stopAs, packets };
}

function built({ section, slots, final, stopAs }: Case, watch?: ChainWatch): BpfObject {
  const watched = watch === undefined ? {} : { watch };
  const chain = makeChain({ slots, section, final, stopAs, byteOrder: 'little', license: 'GPL', ...watched });
  const whole = readObject({ name: 'chain.o', bytes: writeObject(chain) });
  const assignments = slots.map((_, at) => ({
    slot: chainSlotName(at),
    component: byteMember(`m${at}`, section, at),
    instance: `m${at}`,
  }));
  const result = relink(whole, assignments);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return readObject({ name: 'linked.o', bytes: writeObject(result.object) });
}

/** What a chain must do with a packet. */
function expectedRun({ section, slots, final, stopAs }: Case, packet: Uint8Array) {
  const known = section.startsWith('xdp') ? [0, 1, 2, 3, 4] : [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8];
  const verdicts: number[] = [];
  for (const [at, { continueOn }] of slots.entries()) {
    const verdict = byteVerdict(section, packet, at);
    verdicts.push(verdict);
    const isOther = continueOn.includes('other') && !known.includes(verdict);
    if (at === slots.length - 1 && final === 'last') break;
    const stopped = verdict === stopAs.verdict ? stopAs.returned : verdict;
    if (!continueOn.includes(verdict) && !isOther) return { verdicts, verdict: stopped, member: at };
  }
  const last = verdicts.length - 1;
  if (final === 'last') return { verdicts, verdict: verdicts[last] ?? 0, member: last };
  return { verdicts, verdict: final, member: NO_MEMBER };
}

function expectedCounters(one: Case, member: number): Counters {
  const layout = counterLayout(programTypeOf(one.section)?.progType ?? 0);
  const seen = one.packets.map(packet => ({ packet, verdict: expectedRun(one, packet).verdicts[member] }));
  const mine = seen.filter(({ verdict }) => verdict !== undefined);
  const blank = decodeCounters(layout, new Uint8Array(layout.size), true);
  const own = blank.verdicts.map(({ verdict }) => verdict);
  return {
    packets: BigInt(mine.length),
    bytes: BigInt(mine.reduce((total, { packet }) => total + packet.length, 0)),
    time: 0n,
    timed: 0n,
    verdicts: blank.verdicts.map(count => ({
      ...count,
      packets: BigInt(
        mine.filter(({ verdict = 0 }) =>
          count.verdict === 'other' ? !own.includes(verdict) : verdict === count.verdict,
        ).length,
      ),
    })),
  };
}

/** One chain that runs. */
interface Running {
  run(packet: Uint8Array): number;
  set(flags: number): void;
  counters(member: number): Counters;
  close(): void;
}

function words(flags: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[0] = flags;
  return bytes;
}

function inMachine(one: Case, object: BpfObject) {
  const machine = createMachine(object);
  const layout = counterLayout(programTypeOf(one.section)?.progType ?? 0);
  return {
    machine,
    run: (packet: Uint8Array) => machine.run(packet).verdict | 0,
    set: (flags: number) => machine.map(WATCH_SECTION).update(ZERO, words(flags)),
    counters: (member: number) =>
      decodeCounters(layout, machine.map(chainCountsName(member)).lookup(ZERO) ?? new Uint8Array(0), true),
    close: () => machine.close(),
  };
}

const kernel = kernelForTests();

function inKernel(one: Case, object: BpfObject): Running {
  if (kernel.sys === undefined) throw new Error(kernel.reason);
  const loaded = loadObject(object, kernel.sys);
  const layout = counterLayout(programTypeOf(one.section)?.progType ?? 0);
  return {
    run: packet => loaded.testRun('chain', packet).verdict | 0,
    set: flags => loaded.map(WATCH_SECTION).update(ZERO, words(flags)),
    counters: member =>
      decodeCounters(layout, loaded.map(chainCountsName(member)).lookup(ZERO) ?? new Uint8Array(0), true),
    close: () => loaded.close(),
  };
}

const NO_TIME = { time: 0n, timed: 0n };

function checkCounters(one: Case, running: Running, plain: Running): void {
  const expectRuns = (): void => {
    for (const packet of one.packets) {
      const { verdict } = expectedRun(one, packet);
      expect(running.run(packet)).toBe(verdict);
      expect(plain.run(packet)).toBe(verdict);
    }
  };
  const members = one.slots.map((_, at) => at);
  expectRuns(); // off
  for (const at of members) expect(running.counters(at).packets).toBe(0n);
  running.set(WATCH_COUNT);
  expectRuns();
  const counted = members.map(at => running.counters(at));
  expect(counted).toEqual(members.map(at => expectedCounters(one, at)));
  running.set(WATCH_TRACE);
  expectRuns(); // traced, not counted
  expect(members.map(at => running.counters(at))).toEqual(counted);
  running.set(WATCH_COUNT | WATCH_TIME);
  expectRuns();
  for (const at of members) {
    const now = running.counters(at);
    const before = expectedCounters(one, at);
    expect(now.packets).toBe(2n * before.packets);
    expect(now.timed).toBe(before.packets);
    expect({ ...now, ...NO_TIME }).toMatchObject({ bytes: 2n * before.bytes });
  }
}

const SEEDS = Array.from({ length: 40 }, (_, at) => at + 1);

describe('watched chains in the machine', () => {
  test.each(SEEDS)('seed %i', seed => {
    const one = randomCase(seed);
    const trace = seed % 4 !== 0;
    const running = inMachine(one, built(one, { trace }));
    const plain = inMachine(one, built(one));
    checkCounters(one, running, plain);
    if (trace) checkTrace(one, running);
    running.close();
    plain.close();
  });
});

function checkTrace(one: Case, running: ReturnType<typeof inMachine>): void {
  running.set(WATCH_TRACE);
  const before = running.machine.events().length;
  for (const packet of one.packets) running.run(packet);
  const records = running.machine.events().slice(before);
  expect(records.map(({ map }) => map)).toEqual(one.packets.map(() => TRACE_MAP));
  const decoded = records.map(({ data }) => decodeTrace(data, true));
  expect(decoded.map(record => record && { ...record, time: 0n })).toEqual(
    one.packets.map(packet => {
      const { verdict, member } = expectedRun(one, packet);
      const start = packet.subarray(0, 64);
      return { time: 0n, length: packet.length, verdict, member, reserved: 0, packet: start };
    }),
  );
}

const title = kernel.reason === undefined ? '' : ` (${kernel.reason})`;
describe.skipIf(kernel.reason !== undefined)(`watched chains on the kernel${title}`, () => {
  const open: Running[] = [];
  afterAll(() => {
    for (const one of open) one.close();
  });
  test.each(SEEDS.filter(seed => seed % 2 === 1))('seed %i', seed => {
    const one = randomCase(seed);
    const [running, plain] = [inKernel(one, built(one, { trace: true })), inKernel(one, built(one))];
    open.push(running, plain);
    checkCounters(one, running, plain);
  });
});

test('other types of programs, and chains that run all members, are not watched', () => {
  const slots = [{ continueOn: [] }];
  const watch = { trace: false };
  const options = { slots, byteOrder: 'little', watch } as const;
  expect(() => makeChain({ ...options, section: 'socket' })).toThrow(/cannot be watched/);
  expect(() => makeChain({ ...options, section: 'xdp', conjunction: { flag: false } })).toThrow(/watched/);
});
