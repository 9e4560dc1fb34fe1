/** Chains are changed again and again while packets come in: each packet meets one chain as a whole, and none is lost. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { ChainLab } from './lab.ts';
import { Trails, tracer } from './trails.ts';

const REPLACEMENTS = 200;

needs('bpf', 'ip', 'clang', 'gcc').describe('a chain under traffic', () => {
  let lab: ChainLab;
  let trails: Trails;
  beforeAll(() => {
    lab = new ChainLab('ct');
    const sources = [...'ABC'].map(letter => [letter, tracer(letter)] as const);
    lab.compile({ ...Object.fromEntries(sources), 'B.v2': tracer('b') });
    trails = new Trails(lab);
  });
  afterEach(() => lab.reset());
  afterAll(() => {
    trails.close();
    lab.close();
  });

  test(`${REPLACEMENTS} replacements: every packet is judged by the old chain or the new, and counted once`, async () => {
    lab.load(['A', 'B', 'C'].map((name, at) => lab.member(name, { priority: at + 1 })));
    await trails.start(false);
    for (let round = 0; round < REPLACEMENTS; round++) {
      lab.replace('B', round % 2 === 0 ? 'B.v2' : 'B');
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    const sent = await trails.stop();
    const counts = trails.take();
    expect([...counts.keys()].sort()).toEqual(['ABC', 'AbC']);
    const judged = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(judged).toBe(sent - trails.dropped());
    for (const name of ['A', 'B', 'C']) expect([name, lab.word(name, 'seen')]).toEqual([name, judged]);
    expect(Math.min(...counts.values())).toBeGreaterThan(0);
  }, 240_000);

  test('members come, go and change places', async () => {
    trails.take();
    lab.load([lab.member('A', { priority: 1 })]);
    await trails.start(false);
    const allowed = new Set(['A']);
    for (let round = 0; round < 10; round++) {
      lab.load([lab.member('B', { priority: 2 }), lab.member('C', { priority: 3 })]);
      lab.order('C', 'A', 'B');
      lab.unload(['B']);
      lab.unload(['C']);
      // in later rounds A has the priority that the order gave it
      for (const trail of [round === 0 ? 'ABC' : 'BCA', 'CAB', 'CA']) allowed.add(trail);
    }
    await trails.stop();
    const counts = trails.take();
    for (const trail of counts.keys()) expect([...allowed]).toContain(trail);
    expect(counts.size).toBe(allowed.size);
    const judged = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(lab.word('A', 'seen')).toBe(judged);
  }, 120_000);
});
