/** A process that is killed while it changes a dispatcher of libxdp: the old set or the new one, and no pins are left. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type ChainOptions, changeChain } from '../../src/chain/chains.ts';
import { findChainHook } from '../../src/chain/engine/hooks.ts';
import { recoverChains } from '../../src/chain/engine/recover.ts';
import type { ChainEdit } from '../../src/chain/model/edit.ts';
import { InputObject } from '../../src/object/read/input.ts';
import { Store } from '../../src/store/store.ts';
import { type MemberSpec, memberName } from '../support/chain-members.ts';
import { stepsOfToday } from '../support/steps.ts';
import { sys } from './guest/kernel.ts';
import { expectedPins, openPeer, peerPins } from './guest/xdp-tools.ts';

const [PASS, TX] = [2, 3];
const ROOT = '/sys/fs/bpf/rootlet-killed';
const KILLED = join(dirname(process.argv[1] ?? ''), 'killed-chain.mjs');
/** One of so many steps is tried, since each costs some seconds there. */
const STEPS = {
  load: stepsOfToday(9, 9),
  replace: stepsOfToday(13, 13),
  unload: stepsOfToday(5, 5),
} as const;
/** Tests of one change share its steps, so that each is below the limit of a test. */
const SHARED = { load: 1, replace: 2, unload: 1 } as const;

const peer = openPeer();
/** Opened by each command, which recovers from what was killed. */
const open = () => Store.open(sys, ROOT, { hasHappened: recoverChains });
const hook = peer.wire.inside(() => findChainHook(sys, 'near', 'xdp'));
const change = (edit: ChainEdit, options: ChainOptions = {}) =>
  peer.wire.inside(() => changeChain({ sys, store: open(), time: null }, hook, edit, options));
const load = (...specs: readonly MemberSpec[]) => {
  const members = specs.map(spec => {
    const path = peer.file(spec);
    return { file: new InputObject({ name: `${memberName(spec)}.o`, path, bytes: readFileSync(path) }) };
  });
  return change({ kind: 'load', members }, { via: 'libxdp' });
};

afterEach(() => {
  if (peer.attached() !== 0) change({ kind: 'unload', members: 'all' });
  peer.must('clean');
});
afterAll(() => {
  peer.close();
  if (existsSync(ROOT)) rmSync(ROOT, { recursive: true, force: true });
});

type What = 'load' | 'replace' | 'unload';

/** Runs a change that is killed before a step; how many steps it had, or null when it was killed. */
function killedAt(what: What, step: number): number | null {
  const next = peer.file({ number: 3, name: 'member_000001' });
  const netns = `/run/netns/vm-near-${process.pid}`;
  const words = [KILLED, ROOT, netns, what, String(step), next];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (signal === 'SIGKILL') return null;
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** Members that run before and after the change. */
const SETS: Readonly<Record<What, readonly [readonly number[], readonly number[]]>> = {
  load: [[], [3]],
  replace: [
    [0, 1],
    [0, 3],
  ],
  unload: [[0, 1], []],
};

/** `part`: which of the steps of today. */
test.each([
  ['load', 1],
  ['replace', 1],
  ['replace', 2],
  ['unload', 1],
] as const)('%s, part %i', (what, part) => {
  const [before, after] = SETS[what];
  const { first, stride } = STEPS[what];
  const start = first + (part - 1) * stride;
  for (let step = start, steps: number | null = null; steps === null; step += stride * SHARED[what]) {
    if (before.length > 0) load({ number: 0, priority: 10 }, { number: 1, priority: 20 });
    steps = killedAt(what, step);
    const id = peer.attached();
    const ran = id === 0 ? [] : (peer.pass([[PASS, PASS, PASS, PASS]])[0]?.ran ?? []);
    expect([before, after], `step ${step}`).toContainEqual(ran);
    // the next command goes on, and leaves nothing of the killed one
    load({ number: 2, priority: 30 });
    const pins = expectedPins(peer.ifindex, peer.attached(), ran.length + 1);
    expect(peerPins(), `step ${step}`).toEqual(pins);
    expect(peer.pass([[PASS, PASS, TX, PASS]])[0]?.verdict).toBe(TX);
    change({ kind: 'unload', members: 'all' });
    expect([peer.attached(), peerPins(), open().list()], `step ${step}`).toEqual([0, {}, []]);
  }
});
