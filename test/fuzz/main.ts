/**
 * `npm run fuzz`: corrupted objects, archives, captures and programs, as many as fit in the time.
 *
 *   npm run fuzz -- --minutes N [--seed S] [--target NAME] [--first N] [--keep DIRECTORY]
 *   npm run fuzz -- --replay FILE
 *
 * The same seed gives the same cases. A failure is made smaller and written to a file, with the command that runs it
 * again. A case that does not end in ten seconds is a failure, too: the worker that runs it is replaced.
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { replay } from './failures.ts';
import { FuzzRun } from './run.ts';
import { TARGETS } from './targets.ts';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    target: { type: 'string' },
    first: { type: 'string', default: '0' },
    keep: { type: 'string', default: 'fuzz-failures' },
    replay: { type: 'string' },
  },
});

if (flags.replay !== undefined) replayOne(flags.replay);
else await fuzz();

function replayOne(file: string): void {
  const broken = replay(file);
  console.log(broken === undefined ? 'all promises hold' : (broken.cause ?? broken));
  if (broken !== undefined) process.exitCode = 1;
}

/** Runs until the time is over; the exit status is 1 after a failure. */
async function fuzz(): Promise<void> {
  const { target } = flags;
  const minutes = positive('minutes', flags.minutes);
  const seed = flags.seed === undefined ? today() : positive('seed', flags.seed);
  if (target !== undefined && !TARGETS.has(target)) {
    console.error(`no target "${target}": there are ${[...TARGETS.keys()].join(', ')}`);
    process.exitCode = 2;
    return;
  }
  console.log(`seed ${seed}, ${minutes} minutes${target === undefined ? '' : `, target ${target}`}`);
  const run = new FuzzRun(seed, target, positive('first', flags.first), path.resolve(flags.keep));
  const total = await run.until(performance.now() + minutes * 60_000);
  console.log(`${total} cases, ${run.failures} failures (seed ${seed}, next --first ${run.next})`);
  process.exitCode = run.failures > 0 ? 1 : 0;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name} takes a number, not ${text}`);
  process.exit(2);
}

/** The day as a number, such as 20240229. */
function today(): number {
  return Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
}
