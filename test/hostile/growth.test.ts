/**
 * Twice the input takes about twice the time: every command on every shape. Time is processor time, the best of
 * several; what takes little time of itself is not compared.
 *
 * `ROOTLET_GROWTH=20000` compares larger inputs, which shows slower growth.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disassembleObject } from '../../cli/format/disassembly.ts';
import { formatBtfAsC } from '../../src/btf/c/format-c.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { useCompiled } from '../../src/image/form.ts';
import { compiledForTests } from '../../src/image/testing.ts';
import { link } from '../../src/link/link.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { inspect } from '../../src/link/report/inspect.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { loadDry } from '../fuzz/load-target.ts';
import { archiveOf } from '../support/archives.ts';
import { grown, SHAPES } from './shapes.ts';

const COUNT = Number(process.env['ROOTLET_GROWTH'] ?? 1000);
/** Seconds: shorter times are mostly those of starting. */
const SHORT = 0.06;
const MOST_GROWTH = 2.3;
/** Outputs are at most so many times as long as their inputs, and some bytes of their own. */
const MOST_OUTPUT = 4;
const OUTPUT_BASE = 4096;

const { wasm } = compiledForTests();
let restore: (() => void) | undefined;
beforeAll(() => {
  restore = useCompiled({ wasm, script: null }, 'wasm');
});
afterAll(() => restore?.());

function linked(files: readonly Uint8Array[], options: Parameters<typeof link>[1]): void {
  const inputs = files.map((bytes, index) => ({ name: `file${index}.o`, bytes }));
  const result = link(inputs, options);
  if (!result.ok) return;
  const size = writeObject(result.object).length;
  const given = files.reduce((sum, { length }) => sum + length, 0);
  expect(size, 'bytes written').toBeLessThan(MOST_OUTPUT * given + OUTPUT_BASE);
}

function shown(bytes: Uint8Array): void {
  const object = readObject({ name: 'x.o', bytes }, { onProblems: () => undefined });
  JSON.stringify(inspect(object));
  disassembleObject(object);
  if (object.btf !== null) formatBtfAsC(object.btf);
}

function chained(bytes: Uint8Array): void {
  const result = relinkChain([{ component: { name: 'x.o', bytes }, program: 'prog' }]);
  if (result.ok) writeObject(result.object);
}

const archive = (bytes: Uint8Array): Uint8Array => archiveOf([{ name: 'x.o', bytes, defines: ['prog'] }]);

const COMMANDS: readonly (readonly [name: string, run: (bytes: Uint8Array) => void])[] = [
  ['link', bytes => linked([bytes], {})],
  ['link -r', bytes => linked([bytes], { partial: true })],
  ['link --gc-sections', bytes => linked([bytes], { gcSections: true })],
  ['link --fold-identical, twice the file', bytes => linked([bytes, bytes], { foldIdentical: true })],
  ['link, twice the file', bytes => linked([bytes, bytes], {})],
  ['link of an archive', bytes => void link([{ name: 'x.a', bytes: archive(bytes), wholeArchive: true }])],
  ['link -O1', bytes => linked([bytes], { optimize: {} })],
  ['relink --chain', chained],
  ['inspect', shown],
  ['run', bytes => createMachine(readObject({ name: 'x.o', bytes }), { maxMemory: 2 ** 28 }).close()],
  ['load --dry-run', bytes => loadDry({ name: 'x.o', bytes })],
];

/** Seconds of processor time; what is refused is refused in that time. */
function time(body: () => void): number {
  const before = process.cpuUsage();
  try {
    body();
  } catch (error) {
    if (!(error instanceof RootletError) || error.code.startsWith('bug-')) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** How much longer the large one takes; the best of several, 1 for what is short. */
function growth(small: () => void, large: () => void): number {
  let [few, many, ratio] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  for (let round = 0; round < 5; round++) {
    many = Math.min(many, time(large));
    if (many < SHORT) return 1;
    few = Math.min(few, time(small));
    ratio = many / few;
    if (ratio <= MOST_GROWTH) return ratio;
  }
  return ratio;
}

describe.each([...SHAPES])('%s', (_, grow) => {
  test('time grows as the input does', () => {
    const at = (count: number, run: (bytes: Uint8Array) => void): number => {
      const [small, large] = [grown(grow, count), grown(grow, 2 * count)];
      return growth(
        () => run(small),
        () => run(large),
      );
    };
    const found = COMMANDS.map(([name, run]) => {
      const ratio = at(COUNT, run);
      // Short times have noise. What grows faster than the input does so even more where it is large.
      return { name, ratio: ratio <= MOST_GROWTH ? ratio : at(4 * COUNT, run) };
    });
    expect(found.filter(({ ratio }) => ratio > MOST_GROWTH)).toEqual([]);
  }, 600_000);
});
