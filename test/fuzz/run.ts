/** Workers that run cases until the time is over, one after the other: those that hang or die are replaced. */

import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { caseNumber, makeCase } from './cases.ts';
import { saveFailure } from './failures.ts';
import { readSeeds } from './seeds.ts';
import { type Found, WORD, type WorkerSettings } from './state.ts';

const HANGS_AFTER_MS = 10_000;
const SHRINKS_AT_MOST_MS = 120_000;
const POLL_MS = 250;
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export class FuzzRun {
  failures = 0;
  next: number;
  readonly #seed: number;
  readonly #target: string | undefined;
  readonly #directory: string;
  #total = 0;

  constructor(seed: number, target: string | undefined, first: number, directory: string) {
    this.#seed = seed;
    this.#target = target;
    this.next = first;
    this.#directory = directory;
  }

  /** Replaces workers until the time is over; returns the number of cases. */
  async until(end: number): Promise<number> {
    while (performance.now() < end) await this.#oneWorker(end);
    return this.#total;
  }

  async #oneWorker(end: number): Promise<void> {
    const shared = new SharedArrayBuffer(4 * WORD.words);
    const state = new Int32Array(shared);
    const settings: WorkerSettings = {
      seed: this.#seed,
      first: this.next,
      step: 1,
      target: this.#target,
      directory: this.#directory,
      shared,
    };
    Atomics.store(state, WORD.current, this.next);
    const worker = new Worker(WORKER, {
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
    worker.on('message', (found: Found) => this.#report(found.message, found.file));
    const died = new Promise<string>(resolve => {
      worker.once('error', error => resolve(String(error)));
      worker.once('exit', () => resolve('ended'));
    });
    const reason = await this.#watch(state, end, died);
    await worker.terminate();
    this.#total += Atomics.load(state, WORD.done);
    this.next = Atomics.load(state, WORD.current) + 1;
    if (reason !== undefined) this.#saveCurrent(this.next - 1, reason);
  }

  /** Why the worker has to be replaced; undefined at the end of the time. */
  async #watch(state: Int32Array, end: number, died: Promise<string>): Promise<string | undefined> {
    let last = -1;
    let since = performance.now();
    for (;;) {
      const dead = await Promise.race([died, setTimeout(POLL_MS, undefined)]);
      if (dead !== undefined) return dead;
      const now = performance.now();
      const done = Atomics.load(state, WORD.done);
      if (done !== last) [last, since] = [done, now];
      const patience = Atomics.load(state, WORD.shrinking) === 1 ? SHRINKS_AT_MOST_MS : HANGS_AFTER_MS;
      if (now >= end) {
        Atomics.store(state, WORD.stop, 1);
        return undefined;
      }
      if (done > 0 && now - since > patience) return 'does not end';
    }
  }

  #saveCurrent(index: number, reason: string): void {
    const one = makeCase(readSeeds(), caseNumber(this.#seed, index), this.#target);
    this.#report(reason, saveFailure(this.#directory, one, reason));
  }

  #report(message: string, file: string): void {
    this.failures++;
    console.log(`FAILURE ${message.slice(0, 2000)}\n  npm run fuzz -- --replay ${file}`);
  }
}
