/** Cases by number: which target, which files, which changes. The same number and seeds give the same case. */

import { SeededRandom } from '../hostile/random.ts';
import { BrokenPromise, limitsFor, peakMemory, processorTime, thrownBy } from './check.ts';
import { corruptBytes, corruptObject } from './corrupt.ts';
import { applyEdits, type Edit } from './edits.ts';
import type { SeedFile, SeedObject, Seeds } from './seeds.ts';
import { TARGETS } from './targets.ts';

export interface CaseFile extends SeedFile {
  readonly edits: readonly Edit[];
}

export interface Case {
  readonly target: string;
  /** Of the whole case, and of what the target chooses. */
  readonly number: number;
  readonly files: readonly CaseFile[];
}

/** Case numbers of a seed. */
export function caseNumber(seed: number, index: number): number {
  return (Math.imul(seed, 0x9e3779b1) + Math.imul(index, 0x85ebca6b)) >>> 0;
}

/** `target`: its name; undefined for a choice by weight. */
export function makeCase(seeds: Seeds, number: number, target: string | undefined): Case {
  const random = new SeededRandom(number);
  const chosen = chooseTarget(random);
  const name = target ?? chosen;
  return { target: name, number, files: filesFor(name, random, seeds) };
}

function chooseTarget(random: SeededRandom): string {
  const all = [...TARGETS];
  let left = random.below(all.reduce((sum, [, { weight }]) => sum + weight, 0));
  for (const [name, { weight }] of all) {
    if (left < weight) return name;
    left -= weight;
  }
  return 'link';
}

function filesFor(target: string, random: SeededRandom, seeds: Seeds): CaseFile[] {
  const plain = (file: SeedFile): CaseFile => ({ ...file, edits: [] });
  switch (target) {
    case 'code':
      return [];
    case 'capture':
      return [broken(random, random.pick(seeds.captures))];
    case 'archive':
      return [broken(random, random.pick(seeds.archives)), plain(random.pick(seeds.groups[0] ?? []))];
    case 'relink':
      return objects(random, seeds, random.pick(seeds.groups.slice(0, 1)), 3);
    case 'link':
      return objects(random, seeds, random.pick(seeds.groups), 1 + random.below(3));
    default:
      return objects(random, seeds, random.pick(seeds.groups), 1);
  }
}

function broken(random: SeededRandom, file: SeedFile): CaseFile {
  return { ...file, edits: corruptBytes(random, file.bytes) };
}

/** Objects of a group, the first of which is corrupted, and sometimes the others. */
function objects(
  random: SeededRandom,
  seeds: Seeds,
  group: readonly SeedObject[],
  count: number,
): CaseFile[] {
  const chosen = Array.from({ length: count }, () => random.pick(group));
  const different = [...new Set(chosen)];
  return different.map((object, index): CaseFile => {
    const { name, bytes } = object;
    if (index > 0 && random.below(4) > 0) return { name, bytes, edits: [] };
    const donor = random.pick(random.pick(seeds.groups));
    return { name, bytes, edits: corruptObject(random, object, donor) };
  });
}

/** Runs a case; undefined when all promises hold. */
export function runCase({ target, number, files }: Case): BrokenPromise | undefined {
  const inputs = files.map(({ name, bytes, edits }) => ({ name, bytes: applyEdits(bytes, edits) }));
  const { seconds, memory } = limitsFor(inputs.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const run = (): void => TARGETS.get(target)?.run(inputs, new SeededRandom(number ^ 0x5eed));
  const start = performance.now();
  try {
    run();
  } catch (error) {
    return thrownBy(target, error);
  }
  if (performance.now() - start > 1000 * seconds && isSlow(run, seconds))
    return new BrokenPromise('takes too long', `more than ${seconds} s of processor time`);
  const grown = peakMemory() - highest;
  highest = Math.max(highest, highest + grown);
  if (grown > memory) return new BrokenPromise('takes too much memory', `${grown >> 20} MiB`);
  return undefined;
}

/** Most memory that cases before took; what the process takes without any. */
let highest = 512 << 20;

/** Processor time decides, on a machine that does other things as well; the best of two. */
function isSlow(run: () => void, seconds: number): boolean {
  return [0, 1].every(() => {
    const start = processorTime();
    run();
    return processorTime() - start > seconds;
  });
}
