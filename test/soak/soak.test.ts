/**
 * The soak test, short: that its rule finds what grows, and that some cycles of everything leave nothing behind. Long runs are
 * `npm run soak` (docs/robustness.md).
 */

import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { tinyProgram } from '../../src/store/testing.ts';
import { needs } from '../support/needs.ts';
import { bundleCommand } from '../support/stepped-command.ts';
import { growthOf, type Rule, type Sample } from './growth.ts';
import { PREFIX } from './measure.ts';
import { type Cycles, grown, repeat } from './subject.ts';

const COUNT: Rule = { kind: 'count', limit: 0 };
const BYTES: Rule = { kind: 'bytes', limit: 2 ** 20 };
const samples = (valueAt: (sample: number) => number): Sample[] =>
  Array.from({ length: 40 }, (_, at) => ({ cycle: at * 250, value: valueAt(at) }));

test.each([
  ['a number that stays', COUNT, () => 7, false],
  ['one that rises while a run warms up', COUNT, (at: number) => Math.min(at, 10), false],
  ['one that is higher in some samples', COUNT, (at: number) => at % 3, false],
  ['one that rises in the end', COUNT, (at: number) => (at < 30 ? 0 : 1), true],
  ['one for each cycle', COUNT, (at: number) => at * 250, true],
  ['noise', BYTES, (at: number) => 2 ** 24 + ((at * 7919) % 13) * 2 ** 18, false],
  ['one large sample', BYTES, (at: number) => (at === 39 ? 2 ** 30 : 2 ** 20), false],
  ['100 bytes for each cycle', BYTES, (at: number) => at * 250 * 100, false],
  ['300 bytes for each cycle, and noise', BYTES, (at: number) => at * 250 * 300 + (at % 5) * 2 ** 18, true],
])('growth: %s', (_, rule, valueAt, grows) => {
  expect(growthOf(samples(valueAt), rule).grows).toBe(grows);
});

/** What grows when a cycle does that. */
async function foundIn(cycle: Cycles['cycle'], cycles = 40): Promise<string[]> {
  const subject = { what: 'loads', name: 'leak', open: () => ({ cycle }) } as const;
  return grown(await repeat(subject, { cycles, milliseconds: 60_000 }, kernelForTests().sys ?? null, null));
}

const kept: unknown[] = [];

/** Cycles of the run of everything. */
const SHORT = 8;

test('a descriptor, memory and objects that stay are found', async () => {
  const fds: number[] = [];
  expect(await foundIn(() => void fds.push(openSync('/dev/null', 'r')))).toContain('fds');
  for (const fd of fds) closeSync(fd);
  expect(await foundIn(() => void kept.push(new Uint8Array(2 ** 17)))).toContain('external');
  const objects = () => void kept.push(Array.from({ length: 2000 }, (_, at) => ({ at })));
  expect(await foundIn(objects)).toContain('heap');
  kept.length = 0;
});

test('larger ones are found in a run as short as that of everything below', async () => {
  const fds: number[] = [];
  expect(await foundIn(() => void fds.push(openSync('/dev/null', 'r')), SHORT)).toContain('fds');
  for (const fd of fds) closeSync(fd);
  expect(await foundIn(() => void kept.push(new Uint8Array(2 ** 20)), SHORT)).toContain('external');
  const objects = () => void kept.push(Array.from({ length: 40_000 }, (_, at) => ({ at })));
  expect(await foundIn(objects, SHORT)).toContain('heap');
  kept.length = 0;
});

needs('bpf').test('a program that stays is found', async () => {
  const { sys } = kernelForTests();
  if (sys === undefined) throw new Error('no kernel');
  const programs: Disposable[] = [];
  for (const cycles of [40, SHORT]) {
    const found = await foundIn(() => void programs.push(tinyProgram(sys, `${PREFIX}leak`)), cycles);
    expect(found).toEqual(expect.arrayContaining(['fds', 'programs']));
  }
  for (const program of programs) program[Symbol.dispose]();
});

vi.setConfig({ testTimeout: 240_000 }); // everything is run, each command some times

needs('root', 'bpf', 'clang', 'ip').test('a few cycles of everything leave nothing behind', async () => {
  const path = join(import.meta.dirname, 'run.ts');
  const soak = await bundleCommand(`import { run } from ${JSON.stringify(path)}; await run();`);
  const words = [soak.path, '--cycles', String(SHORT), '--minutes', '5'];
  const { code, out } = await new Promise<{ code: unknown; out: string }>(resolve => {
    execFile(process.execPath, words, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, out: stdout + stderr }),
    );
  });
  soak.remove();
  expect(code, out).toBe(0);
  expect(out.split('\n').filter(line => / \| no \|$/.test(line)).length).toBe(34); // all subjects, in one form
});
