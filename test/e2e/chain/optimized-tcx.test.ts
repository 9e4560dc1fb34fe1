/** Members of tcx chains that are optimized when they are loaded: counted or wrapped, with packets. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ChainDesign } from '../../../src/chain/model/design.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { readProgramTypes } from '../../../src/load/execute/program-functions.ts';
import { decodeEntryState } from '../../../src/state/record.ts';
import { needs } from '../../support/needs.ts';
import { kernel } from '../slots/support.ts';
import { member, TcxLab, type Wanted } from './tcx-lab.ts';

/** Keeps the compiler from inlining it. */
const HELPER =
  'static __attribute__((noinline)) int same(int given) { static volatile int calls; calls++; return given; }';

needs('bpf', 'ip', 'clang').describe('optimized tcx members', () => {
  let lab: TcxLab;
  beforeAll(() => {
    lab = new TcxLab('tcxo');
    const calling = (digit: number, program?: string): string =>
      member(digit, { more: HELPER, ...(program === undefined ? {} : { program }) }).replace(
        'return verdict;',
        'return same(verdict);',
      );
    lab.compile({ m1: calling(1), m2: calling(2), m2v2: member(5, { program: 'm2' }) });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const TWO: readonly Wanted[] = [{ name: 'm1' }, { name: 'm2' }];
  const apply = (
    members: readonly Wanted[],
    policy: Pick<ChainDesign, 'counters' | 'optimize'> = {},
    dryRun = false,
  ) => lab.apply(members, { dryRun }, 'va', policy);
  /** Functions of each program on the hook. */
  const functions = (): string[][] =>
    lab.read().state.members.map(({ loaded }) => {
      const fd = openById(kernel, 'program', loaded?.id ?? 0);
      if (fd === undefined) throw new Error('a member is gone');
      using program = BpfProgram.adopt(kernel, fd);
      return readProgramTypes(program).functions.map(({ name }) => name);
    });

  /** What the entries keep for later changes. */
  const recorded = () =>
    TWO.map(({ name }) => {
      const entry = lab.context.store.find('hook', `tc-va-ingress-${name}`);
      if (entry === undefined) throw new Error(`there is no entry of ${name}`);
      return decodeEntryState(entry.record.data).optimize;
    });

  test('without counters each is one function; -O0 keeps every one, and what a member counted', () => {
    const { optimization } = apply(TWO, { counters: false });
    expect(optimization?.programs.map(one => [one.program, one.inlined.map(call => call.function)])).toEqual([
      ['m1', ['same']],
      ['m2', ['same']],
    ]);
    expect(functions()).toEqual([['m1'], ['m2']]);
    expect(recorded()).toEqual([undefined, undefined]);
    lab.send();
    expect(lab.stat('m2', 'last')).toBe(12);
    const plain = apply(TWO, { counters: false, optimize: { level: 0 } });
    expect(plain.steps.map(({ kind }) => kind)).toEqual(['replace', 'replace']);
    expect(plain.optimization).toBe(null);
    expect(recorded()).toEqual([{ level: 0 }, { level: 0 }]);
    expect(functions()).toEqual([
      ['m1', 'same'],
      ['m2', 'same'],
    ]);
    lab.send();
    expect([lab.hits('m1'), lab.stat('m2', 'seen')]).toEqual([2, 2]);
    expect(apply(TWO, { counters: false, optimize: { level: 0 } }).steps).toEqual([]);
  });

  test.each([undefined, [-1, 3]])(
    'with counters, and verdicts %j, the path without counting is inlined',
    on => {
      const [first = { name: 'm1' }, ...others] = TWO;
      const members = [on === undefined ? first : { ...first, on }, ...others];
      const planned = apply(members, {}, true);
      expect(lab.order()).toEqual([]);
      const { optimization } = apply(members);
      expect(optimization).toEqual(planned.optimization);
      for (const { program, inlined, kept } of optimization?.programs ?? []) {
        expect(inlined.map(call => call.function)).toEqual(
          expect.arrayContaining([`${program}__own`, 'same']),
        );
        expect(kept.map(call => call.function)).toEqual([`${program}__own`]);
      }
      lab.send();
      expect([lab.stat('m1', 'last'), lab.stat('m2', 'last')]).toEqual([1, 12]);
    },
  );

  test('a function of --no-inline stays, and one that a new version does not have is a note', () => {
    const policy = { counters: false, optimize: { level: 1, noInline: ['same'] } } as const;
    apply(TWO, policy);
    expect(functions()).toEqual([
      ['m1', 'same'],
      ['m2', 'same'],
    ]);
    const { notes } = apply([{ name: 'm1' }, { name: 'm2', object: 'm2v2' }], policy);
    expect(notes).toEqual(['--no-inline same has no effect: there is no such function']);
    expect(functions()).toEqual([['m1', 'same'], ['m2']]);
  });
});
