/**
 * Random programs in C: the objects that clang makes of their files, linked by rootlet, behave as those that
 * bpftool links, and no pass that the result goes through changes that. ROOTLET_RUNS sets how many programs,
 * ROOTLET_SEED the first seed.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { SeededRandom } from '../hostile/random.ts';
import { makeSources } from '../oracle/support-blocks.ts';
import { compileAll } from '../oracle/support-compile.ts';
import { peerLink } from '../oracle/support-peer.ts';
import { COMMANDS, missing, needs } from '../support/needs.ts';
import { linked } from './passes.ts';
import { compare, firstDifference, machineObservation, packetPrograms, stepsFor } from './single.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 10);
const FIRST_SEED = Number(ROOTLET_SEED ?? 500);
const { sys } = kernelForTests();

/** Local type ids become part of what the programs return, and each linker numbers types in its own way. */
const SHOWS_TYPES = new Set(['typeIds']);

function read(file: string): BpfObject {
  return readObject({ name: path.basename(file), bytes: readFileSync(file) });
}

needs('clang').describe('random programs in C', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-differential-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const compiler = { command: COMMANDS.clang, cpu: 'v3', target: 'bpfel' };
  const sets = Array.from({ length: COUNT }, (_, index) => {
    const seed = FIRST_SEED + index;
    return makeSources(seed, new SeededRandom(seed));
  });
  let files: string[][] = [];
  const loads: boolean[] = [];

  beforeAll(
    async () => {
      files = await compileAll(
        directory,
        sets.map(set => ({ set, compiler })),
      );
    },
    30_000 + COUNT * 3000,
  );

  const titled = sets.map(({ seed, pieces }, index) => ({
    name: `seed ${seed}: ${pieces.join(' ')}`,
    index,
  }));
  test.each(titled)('$name', ({ index }) => {
    const inputs = files[index] ?? [];
    const ours = linked(inputs.map(read));
    const shows = sets[index]?.pieces.some(piece => SHOWS_TYPES.has(piece)) === true;
    const wrong = firstDifference(ours, { sys, without: shows ? ['collect'] : [] }, loaded =>
      loads.push(loaded),
    );
    expect(wrong).toBeUndefined();
    const peer = path.join(directory, `peer${index}.o`);
    if (missing('bpftool') !== undefined || !peerLink(peer, inputs).ok) return;
    const steps = stepsFor(packetPrograms(ours));
    const theirs = machineObservation(read(peer), steps);
    if (typeof theirs !== 'string') expect(compare(theirs, machineObservation(ours, steps))).toBeUndefined();
  });

  test.skipIf(sys === undefined)('are programs that the kernel loads', () => {
    expect(loads.filter(Boolean).length).toBeGreaterThanOrEqual(loads.length * 0.6);
  });
});
