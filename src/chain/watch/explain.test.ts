import { describe, expect, test } from 'vitest';
import { callHelper, EXIT, insn, load, move } from '../../isa/assemble.ts';
import { BPF_JEQ, BPF_JMP, BPF_K, BPF_W, type Insn } from '../../isa/opcodes.ts';
import { InputObject } from '../../object/read/input.ts';
import { NO_SETTINGS } from '../../state/settings.ts';
import { testObject } from '../../vm/testing.ts';
import type { ChainHook } from '../model/chain.ts';
import type { DesignMember } from '../model/design.ts';
import { type ChainExplanation, explainChain } from './explain.ts';

const hookOf = (kind: 'xdp' | 'tc'): ChainHook => ({
  kind,
  direction: kind === 'xdp' ? null : 'ingress',
  interface: 'eth0',
  ifindex: 2,
  netns: 'net:[1]',
});

/** A member that returns one of these. */
function member(
  name: string,
  verdicts: readonly number[],
  continueOn: DesignMember['continueOn'] = [2],
  more: readonly Insn[] = [],
): DesignMember {
  const tests = verdicts
    .slice(1)
    .flatMap((verdict, at) => [
      move(0, verdict),
      insn(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, (verdicts.length - 2 - at) * 2 + 1, at),
    ]);
  const insns = [...more, load(BPF_W, 1, 1), ...tests, move(0, verdicts[0] ?? 0), EXIT];
  const object = testObject([{ name: 'prog', insns }]);
  return {
    name,
    file: new InputObject({ name: `${name}.o`, bytes: new Uint8Array(0) }, object),
    program: 'prog',
    priority: 50,
    continueOn,
    given: { priority: false, continueOn: false },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: null,
  };
}

function explain(members: readonly DesignMember[], kind: 'xdp' | 'tc' = 'xdp'): ChainExplanation {
  return explainChain(hookOf(kind), { members, failClosed: false });
}
const texts = (explanation: ChainExplanation): string[] => explanation.findings.map(({ text }) => text);

describe('what members of a chain hide', () => {
  test('final verdicts are decided before later members', () => {
    const all = explain([member('a', [1, 2]), member('b', [2, 3]), member('c', [2])]);
    expect(texts(all)).toEqual([
      'a decides DROP before b, c see the packet',
      'b decides TX before c sees the packet',
    ]);
    expect(all.findings[0]).toMatchObject({
      kind: 'hides',
      member: 'a',
      others: ['b', 'c'],
      verdicts: ['DROP'],
    });
  });
  test('members that can hide nothing', () => {
    expect(texts(explain([member('a', [2]), member('b', [1, 2])]))).toEqual([]);
  });
  test('what never runs', () => {
    const all = explain([member('a', [1, 3]), member('b', [1]), member('c', [1])]);
    expect(texts(all)).toEqual([
      'b never runs: a continues on nothing it can return',
      'c never runs: a continues on nothing it can return',
    ]);
    expect(all.members.map(({ runs }) => runs)).toEqual([true, false, false]);
    expect(texts(explain([member('a', [2], []), member('b', [1])]))).toEqual([
      'b never runs: a continues after no verdict',
    ]);
  });
  test('verdicts that do not hold', () => {
    expect(texts(explain([member('a', [1, 2], [1, 2]), member('b', [2])]))).toEqual([
      'DROP of a does not hold: b runs after it and decides',
    ]);
    expect(texts(explain([member('a', [2]), member('b', [1], [1])]))).toEqual([
      'DROP of b does not hold: the chain continues after it, and ends with PASS',
    ]);
    expect(texts(explain([member('a', [1], [1])]))).toEqual([]); // alone, it is the verdict
  });
  test('what is not known is reported', () => {
    const all = explain([member('a', [2], [2], [callHelper(12)]), member('b', [1])]);
    expect(texts(all)).toEqual([
      'a can return verdicts that its code does not show: the verdict of a program that it tail-calls',
    ]);
    expect(all.members[1]?.runs).toBe(true);
  });
  test('tc continues after other numbers', () => {
    expect(texts(explain([member('a', [77, -1], [-1, 'other']), member('b', [0])], 'tc'))).toEqual([
      '77 of a does not hold: b runs after it and decides',
    ]);
  });
});
