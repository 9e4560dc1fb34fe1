/** Runs cases one after the other, and says by shared memory which, so that one that hangs is known. */

import { parentPort, workerData } from 'node:worker_threads';
import { caseNumber, makeCase, runCase } from './cases.ts';
import { saveFailure } from './failures.ts';
import { readSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';
import { type Found, WORD, type WorkerSettings } from './state.ts';

function work({ seed, first, step, target, directory, shared }: WorkerSettings): void {
  const state = new Int32Array(shared);
  const seeds = readSeeds();
  const known = new Set<string>();
  for (let index = first; Atomics.load(state, WORD.stop) === 0; index += step) {
    Atomics.store(state, WORD.current, index);
    const one = makeCase(seeds, caseNumber(seed, index), target);
    const broken = runCase(one);
    Atomics.add(state, WORD.done, 1);
    if (broken === undefined || known.has(broken.kind)) continue;
    known.add(broken.kind);
    Atomics.store(state, WORD.shrinking, 1);
    const small = shrink(one, broken.kind);
    const file = saveFailure(directory, small, runCase(small) ?? broken);
    Atomics.store(state, WORD.shrinking, 0);
    parentPort?.postMessage({ kind: broken.kind, message: broken.message, file } satisfies Found);
  }
}

if (parentPort !== null) work(workerData as WorkerSettings); // what main.ts gives
