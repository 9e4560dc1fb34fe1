/** One refusal for each code of this layer that needs a kernel in a certain state, on a stand-in for it. */

import { describe, expect, test } from 'vitest';
import { platformError, problem } from '../diag/problem.ts';
import { Generation } from '../dynamic/generation/generation.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { BpfProgram } from '../kernel/objects/program.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { Fd } from '../kernel/sys/fd.ts';
import { InputObject } from '../object/read/input.ts';
import { mapKey } from '../state/identity.ts';
import { NO_SETTINGS } from '../state/settings.ts';
import { Store } from '../store/store.ts';
import { BPF_MAP_UPDATE_ELEM, BPF_PROG_GET_FD_BY_ID } from '../uapi/commands.ts';
import { EINVAL, EMFILE, ENOENT } from '../uapi/errno.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../uapi/map-types.ts';
import { problemsOfRun } from './apply-declared.ts';
import { fillAdopted } from './engine/adopted.ts';
import { dispatcherProblems, readingProblem } from './engine/read-libxdp.ts';
import type { ChainHook } from './model/chain.ts';
import type { DesignMember } from './model/design.ts';
import { readChanged } from './reading.ts';
import type { TcxStep } from './tcx/plan.ts';
import { incomplete } from './tcx/problems.ts';

const coded = (code: string) => expect.objectContaining({ code });
const HOOK: ChainHook = { kind: 'xdp', direction: null, interface: 'v0', ifindex: 2, netns: 'net:[1]' };

describe('chain-adopt: a program of another tool that a chain cannot call', () => {
  const member: DesignMember = {
    name: 'theirs',
    file: null,
    program: 'prog',
    priority: 0,
    continueOn: [],
    given: { priority: true, continueOn: false },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: 44,
  };
  /** `there`: the program is loaded still; `fits`: the kernel takes it into the array. */
  const fill = (there: boolean, fits: boolean, adopted: number | null = 44) => {
    const sys = new FakeSys(({ command }, self) => {
      if (command === BPF_PROG_GET_FD_BY_ID) return there ? self.openFd() : -ENOENT;
      return command === BPF_MAP_UPDATE_ELEM && !fits ? -EINVAL : undefined;
    });
    const shape = { name: 'adopted', keySize: 4, valueSize: 4, maxEntries: 1 };
    const array = BpfMap.create(sys, { ...shape, type: BPF_MAP_TYPE_PROG_ARRAY });
    using generation = new Generation({
      via: 'static',
      design: { rootlet: new InputObject({ name: 'r.o', bytes: new Uint8Array(0) }), fills: [] },
      entry: 'chain',
      main: 'chain',
      programs: new Map([['chain', new BpfProgram(sys, Fd.adopt(sys, sys.openFd()), 'chain', 6)]]),
      maps: new Map([[mapKey({ owner: 'theirs', name: 'adopted' }), array]]),
      states: new Map(),
      settings: new Map(),
      links: new Map(),
    });
    fillAdopted(sys, generation, { members: [{ ...member, adopted }], failClosed: false });
    return sys.commands().filter(command => command === BPF_MAP_UPDATE_ELEM).length;
  };

  test.each([
    ['it was unloaded', false, true, /"prog" cannot be called by a chain: it was unloaded/],
    ['of another kind', true, false, /member "theirs": program "prog" cannot be called by a chain: .*EINVAL/],
  ])('%s', (_, there, fits, words) => {
    expect(() => fill(there, fits)).toThrow(coded('chain-adopt'));
    expect(() => fill(there, fits)).toThrow(words);
  });

  test('one that it can call, and a member with a file', () => {
    expect([fill(true, true), fill(false, false, null)]).toEqual([1, 0]);
  });
});

test('chain-apply-incomplete: some hooks were changed, others were not', () => {
  const on = (name: string, outcome: 'changed' | 'unchanged' | 'failed') => ({
    hook: { ...HOOK, interface: name },
    outcome,
    problems: outcome === 'failed' ? [problem('chain-pins', [name], 'it fails')] : [],
  });
  const codes = (...outcomes: readonly ('changed' | 'unchanged' | 'failed')[]) =>
    problemsOfRun(outcomes.map((outcome, at) => on(`v${at}`, outcome))).map(({ code }) => code);
  expect(codes('changed', 'failed')).toEqual(['chain-apply-incomplete', 'chain-pins']);
  expect(codes('failed', 'changed')).toEqual(['chain-apply-incomplete', 'chain-pins']);
  expect(codes('unchanged', 'failed')).toEqual(['chain-pins']);
  expect(codes('changed', 'unchanged')).toEqual([]);
});

describe('dispatchers of libxdp', () => {
  test('chain-dispatcher: one of a version that is not known, and one that is damaged', () => {
    const of = (reading: Parameters<typeof readingProblem>[1]) => readingProblem({ hook: HOOK }, reading);
    expect(of({ kind: 'newer', version: 9 })).toMatchObject({
      code: 'chain-dispatcher',
      message: expect.stringContaining('version 9'),
    });
    expect(of({ kind: 'damaged', reason: 'it has 2 maps' })).toMatchObject({
      code: 'chain-dispatcher',
      message: expect.stringContaining('it has 2 maps'),
    });
    expect(of({ kind: 'other', reason: 'no' })).toBeUndefined();
  });

  test('chain-lost, chain-pins: members that no packet reaches, and pins that other tools miss', () => {
    const members = [
      { slot: 0, lost: null },
      { slot: 1, lost: 'it is not pinned' },
    ];
    const codes = (broken: string | null, of = members) =>
      dispatcherProblems({ hook: HOOK }, { broken, members: of }).map(({ code, message }) => [code, message]);
    expect(codes(null)).toEqual([['chain-lost', 'slot 1: it is not pinned']]);
    expect(codes('a pin is missing')).toEqual([['chain-pins', expect.stringContaining('a pin is missing')]]);
    expect(codes(null, members.slice(0, 1))).toEqual([]);
  });
});

describe('chain-incomplete: a change that has happened in part', () => {
  test('of tcx: what is done, and what is missing', () => {
    const steps: readonly TcxStep[] = [
      { kind: 'load', name: 'a' },
      { kind: 'unload', name: 'b' },
    ];
    const cause = platformError('kernel-attach', ['program "b"'], 'refused', { errno: 16 });
    expect(incomplete(HOOK, steps, 1, cause).problems).toMatchObject([
      {
        code: 'chain-incomplete',
        class: 'partial',
        message: '1 of 2 steps are done: program "b": refused',
        details: ['not done: unload "b"'],
        errno: 16,
      },
    ]);
  });

  test('that cannot be read afterwards', () => {
    const sys = new FakeSys(({ name }) => (name === 'socket' ? -EMFILE : undefined));
    const store: Store = Object.create(Store.prototype); // reading fails before it is used
    expect(() => readChanged({ sys, store, time: null }, HOOK)).toThrow(coded('chain-incomplete'));
  });
});
