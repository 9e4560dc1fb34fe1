/**
 * One process of `bench:chain`: reads the objects of a chain, links them, optimizes the chain, and prints the
 * milliseconds that the optimizer took, the first time and when it is repeated.
 */

import { readFileSync } from 'node:fs';
import { optimize } from '../src/link/optimize/optimize.ts';
import { readObject } from '../src/object/read/read.ts';
import { chainOf } from './filters.ts';

/** More than a process that runs once ever does. */
const REPEATS = 20;

const chain = chainOf(process.argv.slice(2).map(name => readObject({ name, bytes: readFileSync(name) })));
const times = Array.from({ length: REPEATS }, () => {
  const begin = performance.now();
  optimize(chain, { removeInlined: true });
  return performance.now() - begin;
});
process.stdout.write(`${times[0]} ${Math.min(...times)}\n`);
