/**
 * `npm run bench:chain`: what a chain costs per packet, in the kernel.
 *
 * Nanoseconds of `BPF_PROG_TEST_RUN` over an empty program, in one run, each figure the median of several: our
 * re-linked chain beside the same filters written by hand in one file (static calls, and all inlined) and beside a chain
 * of tail calls. Needs root and clang-19.
 */

import type { Sys } from '../src/kernel/sys.ts';
import { openSys } from '../src/kernel/sys-koffi.ts';
import { executeLoad, type LoadedObject, planLoad } from '../src/load/index.ts';
import type { BpfObject } from '../src/object/index.ts';
import { Filters, packet } from './filters.ts';
import { median, table, writeResults } from './support.ts';

const COUNTS = [2, 5, 10, 20];
const ROUNDS = 15;
const REPEAT = 200_000;

interface Subject {
  readonly name: string;
  readonly loaded: LoadedObject;
  readonly program: string;
  readonly times: number[];
}

function load(sys: Sys, name: string, object: BpfObject, program: string): Subject {
  return { name, loaded: executeLoad(planLoad(object), sys), program, times: [] };
}

/** All subjects of one length in turn, round after round, so that a change of the machine's speed meets all alike. */
function measure(subjects: readonly Subject[]): void {
  const bytes = packet();
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of subjects) {
      const run = subject.loaded.testRun(subject.program, bytes, { repeat: REPEAT });
      if (run.verdict !== 2) throw new Error(`${subject.name} does not pass the packet: ${run.verdict}`);
      subject.times.push(run.durationNs);
    }
  }
}

function row(sys: Sys, filters: Filters, count: number): string[] {
  const subjects = [
    load(sys, 'empty', filters.compile('empty', 'EMPTY'), 'prog'),
    load(sys, 'chain', filters.chain(count), 'chain'),
    load(sys, 'static', filters.compile('static', 'STATIC', `COUNT=${count}`), 'prog'),
    load(sys, 'inline', filters.compile('inline', 'INLINE', `COUNT=${count}`), 'prog'),
    load(sys, 'tail', filters.compile('tail', 'TAIL', `COUNT=${count}`), 'prog'),
  ];
  measure(subjects);
  for (const subject of subjects) subject.loaded.close();
  const [base = 0, ...times] = subjects.map(subject => median(subject.times));
  const over = times.map(time => time - base);
  const [chain = 0, fixed = 1, inlined = 1] = over;
  return [
    String(count),
    base.toFixed(1),
    ...over.map(time => time.toFixed(1)),
    (chain / fixed).toFixed(2),
    (chain / inlined).toFixed(2),
  ];
}

function main(): void {
  const sys = openSys();
  using filters = new Filters();
  const rows = COUNTS.map(count => row(sys, filters, count));
  const head = [
    'filters',
    'empty program ns',
    'rootlet ns',
    'static calls ns',
    'inlined ns',
    'tail calls ns',
    'rootlet ÷ static',
    'rootlet ÷ inlined',
  ];
  writeResults(
    'chain',
    `Nanoseconds per packet over an empty program, medians of ${ROUNDS} rounds of ${REPEAT} runs; the target is at most 1.10 times static calls.\n\n${table(head, rows)}`,
  );
}

main();
