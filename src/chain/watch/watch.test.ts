/** Counters of chains that run: on interfaces of network namespaces of the test's own. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hooksForTests, TwoNamespaces } from '../../hooks/testing.ts';
import { openById } from '../../kernel/objects/info.ts';
import { BpfProgram } from '../../kernel/objects/program.ts';
import { withLicense } from '../../link/passes/license.ts';
import { WATCH_COUNT, WATCH_TIME, WATCH_TRACE } from '../../link/watch/layout.ts';
import { byteMember } from '../../link/watch/testing.ts';
import { withCounters } from '../../link/watch/with-counters.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { writeObject } from '../../object/write/write.ts';
import { Store } from '../../store/store.ts';
import { changeChain } from '../chains.ts';
import { findChainHook } from '../engine/hooks.ts';
import type { ChainHook, ChainState } from '../model/chain.ts';
import type { ChainEdit, MemberRequest } from '../model/edit.ts';
import type { ChainOptions } from '../options.ts';
import { readChain } from '../reading.ts';
import { type Reading, WatchedChain } from './open.ts';
import { ratesBetween } from './rates.ts';
import { PacketTrace } from './trace.ts';

const { kernel: sys, missing } = hooksForTests();
const FIRST_BYTE_DECIDES = 2; // XDP_PASS

/** A member whose verdict is the byte at `offset`. */
function member(name: string, offset: number, section = 'xdp'): MemberRequest {
  const object = { ...withLicense(byteMember(name, section, offset), 'GPL'), name: `${name}.bpf.o` };
  return { file: new InputObject({ name: object.name, bytes: writeObject(object) }), priority: 10 + offset };
}

function packet(...bytes: readonly number[]): Uint8Array {
  const all = new Uint8Array(80);
  all.set(bytes);
  return all;
}

describe.skipIf(missing !== undefined)(
  `watched chains${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    let names: TwoNamespaces;
    let bpffs: ReturnType<typeof mountBpffs>;
    beforeAll(() => {
      names = new TwoNamespaces(sys, 'watch');
      bpffs = mountBpffs();
    });
    afterAll(() => {
      names.close();
      bpffs.close();
    });

    const context = () => ({ sys, store: Store.open(sys, `${bpffs.path}/rootlet`), time: null });
    const inside = <T>(body: (hook: ChainHook) => T): T =>
      names.inside(() => body(findChainHook(sys, 'va', 'xdp')));
    afterEach(() => {
      inside(hook => {
        if (readChain(context(), hook).kind === 'chain')
          changeChain(context(), hook, { kind: 'unload', members: 'all' });
      });
    });

    const load = (...members: readonly MemberRequest[]): ChainState =>
      inside(hook => changeChain(context(), hook, { kind: 'load', members }).after);
    const state = (): ChainState => inside(hook => readChain(context(), hook));
    function run(...bytes: readonly number[]): number {
      const fd = openById(sys, 'program', state().program?.id ?? 0);
      if (fd === undefined) throw new Error('nothing is attached');
      using program = BpfProgram.adopt(sys, fd);
      return program.testRun({ data: packet(...bytes) }).verdict;
    }
    function reading(time = 0n): Reading {
      using chain = WatchedChain.open(context(), state());
      return chain.read(time);
    }
    function set(flags: number): void {
      using chain = WatchedChain.open(context(), state());
      chain.set(flags);
      expect(chain.flags).toBe(flags);
    }
    const packetsOf = ({ members }: Reading): [string, bigint | undefined][] =>
      members.map(({ member: { name }, counters }) => [name, counters?.packets]);

    test('counters are off at first, and count when switched on', () => {
      load(member('a', 0), member('b', 1));
      run(2, 1);
      expect(packetsOf(reading())).toEqual([
        ['a', 0n],
        ['b', 0n],
      ]);
      set(WATCH_COUNT | WATCH_TIME);
      const before = reading(0n);
      expect([run(2, 1), run(2, 1), run(1, 2), run(FIRST_BYTE_DECIDES, 3)]).toEqual([1, 1, 1, 3]);
      const after = reading(2_000_000_000n);
      expect(packetsOf(after)).toEqual([
        ['a', 4n],
        ['b', 3n],
      ]);
      const [a, b] = ratesBetween(before, after);
      expect(a?.rate).toMatchObject({ packets: 2, bits: (4 * 80 * 8) / 2 });
      expect(a?.rate?.verdicts.map(({ name, share }) => [name, share])).toEqual([
        ['DROP', 0.25],
        ['PASS', 0.75],
      ]);
      expect(b?.rate?.nanoseconds).toBeGreaterThan(0);
    });

    test('counters follow their member through every change', () => {
      load(member('a', 0), member('b', 1));
      set(WATCH_COUNT);
      run(2, 1);
      run(1, 1);
      inside(hook => changeChain(context(), hook, { kind: 'order', names: ['b', 'a'] }));
      expect(packetsOf(reading())).toEqual([
        ['b', 1n],
        ['a', 2n],
      ]);
      run(0, 2);
      load(member('c', 2));
      const replaced = { ...member('a', 3), name: 'a' };
      inside(hook => changeChain(context(), hook, { kind: 'replace', name: 'a', member: replaced }));
      expect(packetsOf(reading()).sort()).toEqual([
        ['a', 3n],
        ['b', 2n],
        ['c', 0n],
      ]);
      // the switch is that of the chain, and stays on
      run(1, 2, 2, 2);
      expect(packetsOf(reading()).sort()).toEqual([
        ['a', 4n],
        ['b', 3n],
        ['c', 1n],
      ]);
      inside(hook => changeChain(context(), hook, { kind: 'unload', members: ['b'] }));
      expect(packetsOf(reading()).sort()).toEqual([
        ['a', 4n],
        ['c', 1n],
      ]);
    });

    test('packets are traced with the member that decided', async () => {
      load(member('a', 0), member('b', 1));
      using chain = WatchedChain.open(context(), state());
      using trace = new PacketTrace(chain);
      chain.set(WATCH_TRACE);
      run(1, 0);
      run(2, 3);
      run(2, 2); // the chain has PASS as its own verdict
      const packets = trace.read();
      expect(packets.map(one => [one.member?.name, one.verdictName, one.length])).toEqual([
        ['a', 'DROP', 80],
        ['b', 'TX', 80],
        [undefined, 'PASS', 80],
      ]);
      expect([...(packets[1]?.packet.subarray(0, 3) ?? [])]).toEqual([2, 3, 0]);
      expect(packets[0]?.packet).toHaveLength(64);
      expect(trace.lost).toBe(0);
    });

    // --- tcx: each member is a program of its own -------------------------------------------------------------------

    const PIPE = 3;
    const UNSPEC = -1;
    const onTcx = <T>(body: (hook: ChainHook) => T): T =>
      names.inside(() => body(findChainHook(sys, 'va', 'tc', 'ingress')));
    const tcxState = (): ChainState => onTcx(hook => readChain(context(), hook));
    const tcMember = (name: string, offset: number): MemberRequest => ({
      ...member(name, offset, 'tc'),
      continueOn: ['pipe'],
    });
    const tcxEdit = (edit: ChainEdit, options: ChainOptions = {}) =>
      onTcx(hook => changeChain(context(), hook, edit, options));
    /** `verdicts`: of the members, by offset. */
    function runMember(name: string, ...verdicts: readonly number[]): number {
      const found = tcxState().members.find(one => one.name === name);
      const fd = openById(sys, 'program', found?.loaded?.id ?? 0);
      if (fd === undefined) throw new Error(`${name} does not run`);
      using program = BpfProgram.adopt(sys, fd);
      return program.testRun({ data: packet(...verdicts.map(one => one + 1)) }).verdict | 0;
    }
    const openTcx = () => WatchedChain.open(context(), tcxState());
    function tcxReading(): Reading {
      using chain = openTcx();
      return chain.read(0n);
    }
    const unloadTcx = () => {
      if (tcxState().kind === 'chain') tcxEdit({ kind: 'unload', members: 'all' });
    };

    describe('tcx', () => {
      afterEach(unloadTcx);

      test('members count their own verdicts, through every change', () => {
        const members = [tcMember('a', 0), tcMember('b', 1)];
        tcxEdit({ kind: 'load', members });
        {
          using chain = openTcx();
          expect([chain.isCounted, chain.has(WATCH_COUNT)]).toEqual([true, false]);
          chain.set(WATCH_COUNT);
        }
        expect([runMember('a', PIPE), runMember('a', 2), runMember('b', 0, 2)]).toEqual([UNSPEC, 2, 2]);
        const [first] = tcxReading().members;
        expect(first?.counters?.verdicts.flatMap(one => (one.packets > 0n ? [one.name] : []))).toEqual([
          'SHOT',
          'PIPE',
        ]);
        tcxEdit({ kind: 'order', names: ['b', 'a'] });
        expect(packetsOf(tcxReading())).toEqual([
          ['b', 1n],
          ['a', 2n],
        ]);
        tcxEdit({ kind: 'replace', name: 'a', member: { ...tcMember('a', 3), name: 'a' } });
        runMember('a', 0, 0, 0, 2);
        tcxEdit({ kind: 'load', members: [tcMember('c', 2)] });
        expect(packetsOf(tcxReading()).sort()).toEqual([
          ['a', 3n],
          ['b', 1n],
          ['c', 0n],
        ]);
        using chain = openTcx();
        expect(chain.has(WATCH_COUNT)).toBe(false); // that of the new member is off
        expect(chain.flags).toBe(WATCH_COUNT);
      });

      test('what is applied a second time changes nothing', () => {
        const set = { kind: 'set', members: [tcMember('a', 0), tcMember('b', 1)] } as const;
        expect(tcxEdit(set).changed).toBe(true);
        const ids = tcxState().members.map(({ loaded }) => loaded?.id);
        expect(tcxEdit(set).changed).toBe(false);
        expect(tcxState().members.map(({ loaded }) => loaded?.id)).toEqual(ids);
        expect(tcxEdit(set, { counters: false }).changed).toBe(true);
        expect(tcxEdit(set).changed).toBe(false); // as it was: without
        using chain = openTcx();
        expect(chain.isCounted).toBe(false);
        expect(runMember('a', PIPE)).toBe(UNSPEC);
        expect(tcxEdit(set, { counters: true }).changed).toBe(true);
        expect(packetsOf(tcxReading())).toEqual([
          ['a', 0n],
          ['b', 0n],
        ]);
      });

      test('a member that cannot be counted runs without counters, which is reported', () => {
        const object = withCounters(withLicense(byteMember('a', 'tc', 0), 'GPL'), 'prog');
        if (!object.ok) throw new Error(object.problem.message);
        const bytes = writeObject({ ...object.value, name: 'a.bpf.o' });
        const file = new InputObject({ name: 'a.bpf.o', bytes });
        const { notes } = tcxEdit({ kind: 'load', members: [{ file }, tcMember('b', 1)] });
        expect(notes.filter(note => note.includes('without counters'))).toEqual([
          'member "a" runs without counters: cannot be counted: the object has its own "rootlet_counts"',
        ]);
        expect(runMember('a', 2)).toBe(2);
      });
    });

    test('a chain without counters', () => {
      inside(hook =>
        changeChain(context(), hook, { kind: 'load', members: [member('a', 0)] }, { counters: false }),
      );
      using chain = WatchedChain.open(context(), state());
      expect(chain.isCounted).toBe(false);
      expect(chain.traces).toEqual([]);
      expect(packetsOf(reading())).toEqual([['a', undefined]]);
      // they can be added later
      inside(hook =>
        changeChain(context(), hook, { kind: 'load', members: [member('b', 1)] }, { counters: true }),
      );
      set(WATCH_COUNT);
      run(2, 2);
      expect(packetsOf(reading())).toEqual([
        ['a', 1n],
        ['b', 1n],
      ]);
    });
  },
);
