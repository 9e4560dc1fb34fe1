/** tcx chains on this kernel, with packets: order, verdicts, versions, places, programs of other tools. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { member, TcxLab } from './tcx-lab.ts';

needs('bpf', 'ip', 'clang').describe('tcx chains', () => {
  let lab: TcxLab;
  beforeAll(() => {
    lab = new TcxLab('tcx');
    lab.compile({
      m1: member(1),
      m2: member(2),
      m3: member(3),
      m4: member(4, { need: 2 }),
      m2v2: member(5, { program: 'm2' }),
      broken: member(9, {
        more: 'int *wild; int __attribute__((noinline)) bad(void) { return *wild; }',
      }).replace('return verdict;', 'return bad();'),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const bss = (name: string, at: 'seen' | 'last' | 'missed' | 'twice'): number =>
    lab.word(name, '.bss', { seen: 0, last: 8, missed: 16, twice: 24 }[at]);
  const named = (...names: readonly string[]) => names.map(name => ({ name }));

  test('members run in the order of the design, each an entry of its own', () => {
    expect(lab.order()).toEqual([]);
    expect(lab.read().state.kind).toBe('none');
    const { steps, state } = lab.apply(named('m1', 'm2', 'm3'));
    expect(steps.map(({ kind }) => kind)).toEqual(['load', 'load', 'load']);
    expect(state).toEqual([]);
    expect(lab.order()).toEqual(['m1', 'm2', 'm3']);
    lab.send();
    expect(bss('m3', 'last')).toBe(123);
    const found = lab.read().state;
    expect(found).toMatchObject({ kind: 'chain', via: 'tcx', problems: [] });
    expect(found.members.map(one => [one.program, one.file, one.priority, one.continueOn])).toEqual([
      ['m1', 'm1.o', 10, [-1]],
      ['m2', 'm2.o', 20, [-1]],
      ['m3', 'm3.o', 30, [-1]],
    ]);
    expect(lab.apply(named('m1', 'm2', 'm3')).steps).toEqual([]);
  });
});
