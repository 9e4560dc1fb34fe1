/** The verdict of a chain for every verdict, mask and position: that of libxdp's rule. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { MemberRequest } from '../../../src/chain/model/edit.ts';
import { randomOf } from '../../load-oracle/support-random.ts';
import { needs } from '../../support/needs.ts';
import { ChainLab, type RuleMember, ruleOf } from './lab.ts';
import { member } from './members.ts';

const LENGTH = 4;
const VERDICTS = [0, 1, 2, 3, 4];
const WORDS = ['aborted', 'drop', 'pass', 'tx', 'redirect'];
const MASKS = Array.from({ length: 32 }, (_, mask) => mask);

needs('bpf', 'ip', 'clang').describe('the rule of a chain', () => {
  let lab: ChainLab;
  beforeAll(() => {
    lab = new ChainLab('cr');
    const sources = Array.from({ length: LENGTH }, (_, at) => [`m${at}`, member({ at })] as const);
    lab.compile(Object.fromEntries(sources));
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.close());

  const request = (at: number, mask: number): MemberRequest =>
    lab.member(`m${at}`, {
      priority: at,
      continueOn: VERDICTS.filter(bit => (mask >> bit) & 1).map(bit => WORDS[bit] ?? ''),
    });

  /** Compares the verdict and which members ran with the rule, for each of the packets. */
  function expectRule(masks: readonly number[], packets: readonly (readonly number[])[]): void {
    const ranBefore = masks.map((_, at) => lab.word(`m${at}`, '%2ebss'));
    const ran = masks.map(() => 0);
    for (const verdicts of packets) {
      const members = masks.map((mask, at): RuleMember => ({ mask, verdict: verdicts[at] ?? 2 }));
      const rule = ruleOf(members);
      expect([masks, verdicts, lab.judge(...verdicts)]).toEqual([masks, verdicts, rule.verdict]);
      for (let at = 0; at < rule.ran; at++) ran[at] = (ran[at] ?? 0) + 1;
    }
    const counted = masks.map((_, at) => lab.word(`m${at}`, '%2ebss') - (ranBefore[at] ?? 0));
    expect([masks, counted]).toEqual([masks, ran]);
  }

  const set = (masks: readonly number[]) =>
    lab.change({ kind: 'set', members: masks.map((mask, at) => request(at, mask)) });

  test('one member: its own verdict, whatever its mask', () => {
    for (const mask of [0, 4, 8, 27, 31]) {
      set([mask]);
      expectRule(
        [mask],
        [...VERDICTS, 5, 31, 200].map(verdict => [verdict]),
      );
    }
  }, 60_000);

  test('two members: every mask of the first, every verdict of both', () => {
    const packets = [...VERDICTS, 5, 30].flatMap(first => VERDICTS.map(second => [first, second]));
    const last = randomOf(3);
    for (const mask of MASKS) {
      const masks = [mask, last(32)];
      set(masks);
      expectRule(masks, packets);
    }
  }, 120_000);

  test('three and four members: masks at random, every verdict at every position', () => {
    const random = randomOf(7);
    const each = (rest: number): number[][] =>
      rest === 0 ? [[]] : each(rest - 1).flatMap(head => VERDICTS.map(verdict => [...head, verdict]));
    for (let round = 0; round < 16; round++) {
      const masks = Array.from({ length: 3 + (round % 2) }, () =>
        random(4) === 0 ? random(32) : random(32) | 4,
      );
      set(masks);
      const packets = each(masks.length);
      expectRule(masks, masks.length === 3 ? packets : packets.filter(() => random(4) === 0));
    }
  }, 120_000);

  test('without masks: PASS continues, everything else decides', () => {
    lab.load(['m0', 'm1', 'm2']);
    expectRule(
      [4, 4, 4],
      VERDICTS.flatMap(a => VERDICTS.flatMap(b => VERDICTS.map(c => [a, b, c]))),
    );
  });

  test('the last of several continues: PASS; it decides alone: its verdict', () => {
    lab.load([request(0, 4), request(1, 0b10)]);
    expect([lab.judge(2, 1), lab.judge(2, 2), lab.judge(2, 3)]).toEqual([2, 2, 3]);
    lab.unload(['m0']);
    expect([lab.judge(0, 1), lab.judge(0, 2), lab.judge(0, 3)]).toEqual([1, 2, 3]);
  });
});
