/** Counters of chains that run: on interfaces of network namespaces of the test's own. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hooksForTests, TwoNamespaces } from '../../hooks/testing.ts';
import { openById } from '../../kernel/objects/info.ts';
import { BpfProgram } from '../../kernel/objects/program.ts';
import { withLicense } from '../../link/passes/license.ts';
import { WATCH_COUNT, WATCH_TIME, WATCH_TRACE } from '../../link/watch/layout.ts';
import { byteMember } from '../../link/watch/testing.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { writeObject } from '../../object/write/write.ts';
import { Store } from '../../store/store.ts';
import { changeChain, readChain } from '../chains.ts';
import { findChainHook } from '../engine/hooks.ts';
import type { ChainHook, ChainState } from '../model/chain.ts';
import type { MemberRequest } from '../model/edit.ts';
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
