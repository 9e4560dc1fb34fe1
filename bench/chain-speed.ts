/**
 * Time of chains in the kernel.
 *
 * The kernel reports whole nanoseconds only, and counts what other processes take, so the processor time of the call
 * is divided by its many runs; the difference to the empty program is taken within each round.
 */

import type { Sys } from '../src/kernel/sys/sys.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { packet } from './filters.ts';
import { median } from './support.ts';

export const ROUNDS = 31;
export const REPEAT = 200_000;
/** Runs before the first round, so that code and branch predictors are warm. */
const WARM_UP = 50_000;
/** XDP_PASS. */
const PASS = 2;

export interface Subject {
  readonly name: string;
  readonly run: (bytes: Uint8Array, repeat: number) => { readonly verdict: number };
  /** Instructions that the verifier processed when it was loaded. */
  readonly processed: number;
  readonly close: () => void;
  readonly times: number[];
}

/** Loads a program of an object. */
export function load(sys: Sys, name: string, object: BpfObject, program = 'prog'): Subject {
  const loaded = executeLoad(planLoad(preparedAlone(object)), sys);
  return {
    name,
    run: (bytes, repeat) => loaded.testRun(program, bytes, { repeat }),
    processed: loaded.program(program).info().verifiedInsns,
    close: () => loaded.close(),
    times: [],
  };
}

/** Nanoseconds of one run, in processor time of this process: the call itself is one part in many thousands of it. */
function timeOf({ name, run: test }: Subject, bytes: Uint8Array, repeat: number, verdict: number): number {
  const start = process.cpuUsage();
  const run = test(bytes, repeat);
  const { user, system } = process.cpuUsage(start);
  if (run.verdict !== verdict) throw new Error(`${name} returns ${run.verdict} for the packet`);
  return ((user + system) * 1000) / repeat;
}

/** All subjects of one length one after the other, round after round, so that a change of the machine's speed meets all alike. */
export function measure(
  subjects: readonly Subject[],
  { bytes = packet(), verdict = PASS, rounds = ROUNDS, repeat = REPEAT } = {},
): void {
  for (const subject of subjects) timeOf(subject, bytes, WARM_UP, verdict);
  for (let round = 0; round < rounds; round++) {
    // every round starts with another one
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(round + turn) % subjects.length];
      subject?.times.push(timeOf(subject, bytes, repeat, verdict));
    }
  }
}

/** What each round took more than its empty program. */
export function over(subject: Subject, empty: Subject): number[] {
  return subject.times.map((time, round) => time - (empty.times[round] ?? 0));
}

/** Median, smallest and largest. */
export function spread(times: readonly number[]): string {
  return `${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)})`;
}

/** Of medians, and of the smallest times: those are what the machine takes when nothing else runs on it. */
export function ratio(subject: Subject, other: Subject, empty: Subject): string {
  const best = ({ times }: Subject): number => Math.min(...times);
  const [a, b] = [over(subject, empty), over(other, empty)].map(median);
  const least = (best(subject) - best(empty)) / (best(other) - best(empty));
  return `${((a ?? 0) / (b ?? 1)).toFixed(2)} (${least.toFixed(2)})`;
}
