/**
 * `npm run bench:chain`: what a chain costs per packet, in the kernel.
 *
 * Nanoseconds of `BPF_PROG_TEST_RUN` over an empty program, in one run: our re-linked chain beside the same filters
 * written by hand in one file (static calls, and all inlined) and beside a chain of tail calls. The kernel says whole
 * nanoseconds only, and counts what other processes take, so the processor time of the call is divided by its many runs;
 * the difference to the empty program is taken within each round. Needs root and clang-19.
 */

import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import type { LoadedObject } from '../src/load/execute/loaded-object.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { Filters, packet } from './filters.ts';
import { median, table, writeResults } from './support.ts';

const COUNTS = [2, 5, 10, 20];
const ROUNDS = 31;
const REPEAT = 200_000;
/** Runs before the first round, so that code and branch predictors are warm. */
const WARM_UP = 50_000;

interface Subject {
  readonly name: string;
  readonly loaded: LoadedObject;
  readonly program: string;
  readonly times: number[];
}

function load(sys: Sys, name: string, object: BpfObject, program: string): Subject {
  return { name, loaded: executeLoad(planLoad(preparedAlone(object)), sys), program, times: [] };
}

/** Nanoseconds of one run, in processor time of this process: the call itself is one part in many thousands of it. */
function timeOf({ name, loaded, program }: Subject, bytes: Uint8Array, repeat: number): number {
  const start = process.cpuUsage();
  const run = loaded.testRun(program, bytes, { repeat });
  const { user, system } = process.cpuUsage(start);
  if (run.verdict !== 2) throw new Error(`${name} does not pass the packet: ${run.verdict}`);
  return ((user + system) * 1000) / repeat;
}

/** All subjects of one length in turn, round after round, so that a change of the machine's speed meets all alike. */
function measure(subjects: readonly Subject[]): void {
  const bytes = packet();
  for (const subject of subjects) timeOf(subject, bytes, WARM_UP);
  for (let round = 0; round < ROUNDS; round++) {
    // every round starts with another one
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(round + turn) % subjects.length];
      subject?.times.push(timeOf(subject, bytes, REPEAT));
    }
  }
}

/** What each round took more than its empty program. */
function over(subject: Subject, empty: Subject): number[] {
  return subject.times.map((time, round) => time - (empty.times[round] ?? 0));
}

function spread(times: readonly number[]): string {
  return `${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)})`;
}

/** The smallest time of each is what the machine takes when nothing else runs on it. */
function ratio(subject: Subject, other: Subject, empty: Subject): string {
  const best = ({ times }: Subject): number => Math.min(...times);
  const [a, b] = [over(subject, empty), over(other, empty)].map(median);
  const least = (best(subject) - best(empty)) / (best(other) - best(empty));
  return `${((a ?? 0) / (b ?? 1)).toFixed(2)} (${least.toFixed(2)})`;
}

function row(sys: Sys, filters: Filters, count: number): string[] {
  const empty = load(sys, 'empty', filters.compile('empty', 'EMPTY'), 'prog');
  const chain = load(sys, 'chain', filters.chain(count), 'chain');
  const fixed = load(sys, 'static', filters.compile('static', 'STATIC', `COUNT=${count}`), 'prog');
  const inlined = load(sys, 'inline', filters.compile('inline', 'INLINE', `COUNT=${count}`), 'prog');
  const tail = load(sys, 'tail', filters.compile('tail', 'TAIL', `COUNT=${count}`), 'prog');
  const subjects = [empty, chain, fixed, inlined, tail];
  measure(subjects);
  for (const subject of subjects) subject.loaded.close();
  return [
    String(count),
    spread(empty.times),
    ...[chain, fixed, inlined, tail].map(subject => spread(over(subject, empty))),
    ...[fixed, inlined, tail].map(other => ratio(chain, other, empty)),
    (median(over(chain, empty)) / count).toFixed(1),
    ((median(over(chain, empty)) - median(over(inlined, empty))) / count).toFixed(1),
  ];
}

function main(): void {
  const sys = openSys();
  using filters = new Filters();
  const rows = COUNTS.map(count => row(sys, filters, count));
  const head = [
    'filters',
    'empty program',
    'rootlet',
    'static calls',
    'inlined',
    'tail calls',
    'rootlet ÷ static',
    'rootlet ÷ inlined',
    'rootlet ÷ tail',
    'per filter',
    'per filter over inlined',
  ];
  writeResults(
    'chain',
    `Nanoseconds per packet; the chains over the empty program of the same round. Medians of ${ROUNDS} rounds of ${REPEAT} runs, in parentheses the smallest and the largest; ratios of medians, in parentheses those of the smallest times. The target is at most 1.10 times static calls.\n\n${table(head, rows)}`,
  );
}

main();
