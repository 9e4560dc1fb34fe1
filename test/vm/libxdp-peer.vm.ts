/**
 * What chains and Debian's xdp-loader owe each other beyond what each of them builds: verdicts of every kind of code, locks,
 * changes at the same time, and dispatchers of other versions, which the tool may refuse and we keep.
 */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { statusTable } from '../../cli/format/chain-table.ts';
import { makeDispatcher } from '../../src/chain/libxdp/dispatcher.ts';
import { LibxdpPins } from '../../src/chain/libxdp/pins.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { setXdp } from '../../src/kernel/hooks/interface.ts';
import { FileLock } from '../../src/kernel/sys/lock.ts';
import { HOST_ORDER } from '../../src/kernel/uapi/index.ts';
import { loadObject } from '../../src/load/load.ts';
import { type MemberSpec, memberName, programFile } from '../support/chain-members.ts';
import { onlyAt, passThrough } from '../support/xdp-loader.ts';
import { memberRequest, openChains } from './guest/chains.ts';
import { sys } from './guest/kernel.ts';
import { expectedPins, openPeer, PEER_PINS, peerPins, type Ran } from './guest/xdp-tools.ts';

const [DROP, PASS, TX] = [1, 2, 3];
const [EBUSY, EOPNOTSUPP] = [240, 161];

const peer = openPeer();
const chains = openChains(peer, '/sys/fs/bpf/rootlet-peer');
afterEach(() => {
  if (peer.attached() !== 0) chains.change({ kind: 'unload', members: 'all' });
  peer.must('clean');
  chains.forget();
});
afterAll(() => {
  peer.close();
  chains.close();
});

const members = (count: number, mask: (position: number) => number = () => 1 << PASS): MemberSpec[] =>
  Array.from({ length: count }, (_, number) => ({ number, priority: 10 + number, mask: mask(number) }));
const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));

describe('the same set by both tools', () => {
  /** Everything that may not depend on who built it: ids and tags of dispatchers do. */
  const facts = (inputs: readonly (readonly number[])[]) => {
    const { program, members: rows } = peer.status();
    const [pins] = Object.values(peerPins());
    return {
      row: { name: program?.name, mode: program?.mode },
      rows: rows.map(({ id: _id, ...row }) => row),
      pins,
      config: [...peer.config()],
      verdicts: peer.pass(inputs),
    };
  };

  test.each([1, 2, 10])('of %i members: rows, pins, configuration, every code at every place', count => {
    const codes = [0, 1, 2, 3, 4, 5, 31, 34, 66, 255];
    for (const first of count === 10 ? [0, 20] : [13]) {
      const specs = members(count, place => (first + place) % 32);
      const inputs = specs.flatMap(({ number }) => codes.map(code => onlyAt(number, code, count)));
      peer.load(...specs);
      const theirs = facts(inputs);
      peer.unload();
      chains.load(...specs);
      expect(facts(inputs)).toEqual(theirs);
      const masks = specs.map(({ mask = 0 }) => mask);
      expect(theirs.verdicts).toEqual(inputs.map(verdicts => passThrough(masks, verdicts)));
      chains.change({ kind: 'unload', members: 'all' });
      expect([peer.attached(), peerPins(), chains.store.list()]).toEqual([0, {}, []]);
    }
  });

  test('the same order, whoever adds a member', () => {
    const specs: MemberSpec[] = [
      { number: 0, name: 'member_mmmmmm', priority: 20 },
      { number: 1, name: 'member_zzzzzz', priority: 20 },
      { number: 2, name: 'member_aaaaaa', priority: 20 },
      { number: 3, name: 'member_zzzzzz', priority: 20 }, // after the one of its name that is loaded
      { number: 4, name: 'member_zzzzzz', priority: 5 },
    ];
    // names of our members are unique, those of programs need not be
    const add = (spec: MemberSpec) => {
      const member = memberRequest(peer, spec, { name: `member${spec.number}` });
      chains.change({ kind: 'load', members: [member] }, { via: 'libxdp' });
    };
    const orders = ['ours', 'theirs'].flatMap(first => {
      for (const [at, spec] of specs.entries())
        if ((first === 'ours') === (at % 2 === 0)) add(spec);
        else peer.load(spec);
      const ran = peer.pass([new Array(specs.length).fill(PASS)]);
      peer.unload();
      chains.forget();
      return ran;
    });
    expect(orders).toEqual(new Array(2).fill({ verdict: PASS, ran: [4, 2, 0, 1, 3] }));
  });

  test('our table of status begins each row as theirs', () => {
    const specs = members(3, place => [4, 31, 9][place] ?? 0);
    chains.load(...specs.slice(0, 2));
    peer.load(...specs.slice(2));
    const theirs = peer.must('status', 'near').trimEnd().split('\n');
    const ours = statusTable('xdp', [chains.state()]).trimEnd().split('\n');
    expect(ours.map((line, at) => line.slice(0, theirs[at]?.trimEnd().length))).toEqual(
      theirs.map(line => line.trimEnd()),
    );
  });

  test('a name of more than 15 characters is shown whole by both', () => {
    const path = programFile('chain_others');
    peer.must('load', '--prog-name', 'member_whose_name_is_long', 'near', path);
    expect(chains.state().members).toMatchObject([{ program: 'member_whose_name_is_long', file: null }]);
    chains.load({ number: 1 });
    expect(peer.status().members.map(({ name }) => name)).toEqual([
      'member_000001',
      'member_whose_name_is_long',
    ]);
  });
});

describe('the lock of libxdp', () => {
  const locked = (seconds: number): Promise<number> => {
    mkdirSync(PEER_PINS, { recursive: true, mode: 0o700 });
    const holder = spawn('flock', [PEER_PINS, 'sh', '-c', `echo; sleep ${seconds}; exit`], { stdio: 'pipe' });
    return new Promise(resolve => holder.stdout.once('data', () => resolve(Date.now())));
  };

  test('a change waits for the other tool', async () => {
    chains.load({ number: 0 });
    const since = await locked(1.5);
    chains.load({ number: 1 });
    expect(Date.now() - since).toBeGreaterThan(1000);
    expect(peer.status().members).toHaveLength(2);
  });

  test('or reports what is locked', async () => {
    await locked(2);
    using pins = LibxdpPins.make(sys);
    const waiting = () => pins.locked(() => {}, 200);
    expect(waiting).toThrow(RootletError);
    expect(waiting).toThrow(PEER_PINS);
    await pause(2000);
    pins.locked(() => {}, 5000);
  });

  test('the other tool waits for a change', async () => {
    chains.load({ number: 0 });
    const before = peer.attached();
    let running: Promise<Ran>;
    {
      using _lock = FileLock.take(sys, PEER_PINS);
      running = peer.start('load', 'near', peer.file({ number: 1 }));
      await pause(1500);
      expect(peer.attached()).toBe(before);
    }
    expect((await running).status).toBe(0);
    expect(chains.state().members).toHaveLength(2);
  });
});

test('changes at the same time are one after the other', async () => {
  chains.load({ number: 0, priority: 1 });
  const theirs = [1, 2, 3].map(number => peer.file({ number, priority: 10 + number }));
  const running = peer.startEach(theirs.map(file => ['load', 'near', file]));
  for (const number of [4, 5, 6]) {
    chains.load({ number, priority: 10 + number });
    await pause(100);
  }
  expect((await running).map(({ status, err }) => [status, err])).toEqual(new Array(3).fill([0, '']));
  expect(peer.status().members.map(({ priority }) => priority)).toEqual([1, 11, 12, 13, 14, 15, 16]);
  expect(peer.pass([new Array(7).fill(PASS)])).toEqual([{ verdict: PASS, ran: [0, 1, 2, 3, 4, 5, 6] }]);
  expect(chains.state()).toMatchObject({ kind: 'chain', problems: [] });
  expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), 7));
});

describe('versions', () => {
  /** A dispatcher without members, as another release of libxdp may have left it. */
  function found(version: 1 | 2 | 3): void {
    const config = { version, slots: [], frags: false, deviceBound: false };
    using loaded = loadObject(makeDispatcher({ config, byteOrder: HOST_ORDER }), sys, { pinRoot: null });
    const { fd } = loaded.program('xdp_dispatcher');
    const name = { ifindex: peer.ifindex, programId: loaded.program('xdp_dispatcher').info().id };
    using pins = LibxdpPins.make(sys);
    pins.create(name, []);
    peer.wire.inside(() => setXdp(sys, peer.ifindex, fd.number, { mode: 'native', expectedFd: -1 }));
  }

  test.each([
    [1, 84],
    [3, 128],
  ] as const)('version %i stays when members come, move and go', (version, size) => {
    const check = (ran: number[]) => {
      expect(chains.state()).toMatchObject({ kind: 'chain', via: 'libxdp', version, problems: [] });
      expect(peer.config()).toHaveLength(size);
      expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran }]);
      expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), ran.length));
    };
    found(version);
    chains.load(...members(2));
    check([0, 1]);
    chains.load({ number: 2, priority: 1 });
    check([2, 0, 1]);
    chains.change({ kind: 'order', names: ['member_000001', 'member_000000', 'member_000002'] });
    check([1, 0, 2]);
    const next = memberRequest(peer, { number: 2, name: 'member_000000' });
    chains.change({ kind: 'replace', name: 'member_000000', member: next });
    check([1, 2, 2]);
    chains.change({ kind: 'unload', members: ['member_000000', 'member_000002'] });
    check([1]);
  });

  test('what this release of the tool does with version 1', () => {
    found(1);
    chains.load(...members(2, number => (number === 0 ? 1 << DROP : 1 << TX)));
    expect(peer.status().members.map(({ name, actions }) => [name, actions])).toEqual([
      [memberName({ number: 0 }), ['XDP_DROP']],
      [memberName({ number: 1 }), ['XDP_TX']],
    ]);
    const { status } = peer.run('load', 'near', peer.file({ number: 2 }));
    expect(status).toBe(EBUSY);
    expect(peer.status().members).toHaveLength(2);
    peer.unload();
    expect([peer.attached(), peerPins()]).toEqual([0, {}]);
  });

  test('and with version 3', () => {
    found(3);
    chains.load(...members(2));
    const before = [peer.attached(), peerPins()];
    expect(peer.run('status', 'near').status).toBe(EOPNOTSUPP);
    expect(peer.run('load', 'near', peer.file({ number: 2 })).status).not.toBe(0);
    expect(peer.run('unload', '--all', 'near').status).not.toBe(0);
    expect([peer.attached(), peerPins()]).toEqual(before);
  });
});
