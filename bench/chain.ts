/**
 * `npm run bench:chain`: what a chain costs per packet, in the kernel.
 *
 * Nanoseconds of `BPF_PROG_TEST_RUN` over an empty program, in one run: our re-linked chain beside the same filters
 * written by hand in one file (static calls, and all inlined) and beside a chain of tail calls. The kernel reports whole
 * nanoseconds only, and counts what other processes take, so the processor time of the call is divided by its many runs;
 * the difference to the empty program is taken within each round. Needs root and clang-19.
 */

import { loadavg } from 'node:os';
import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { ChainHookLab, memberOf } from './chain-hook.ts';
import { Filters, packet } from './filters.ts';
import { median, table, writeResults } from './support.ts';

const COUNTS = [1, 2, 5, 10, 30];
const ROUNDS = 31;
const REPEAT = 200_000;
/** Runs before the first round, so that code and branch predictors are warm. */
const WARM_UP = 50_000;

interface Subject {
  readonly name: string;
  readonly run: (bytes: Uint8Array, repeat: number) => { readonly verdict: number };
  readonly close: () => void;
  readonly times: number[];
}

function load(sys: Sys, name: string, object: BpfObject): Subject {
  const loaded = executeLoad(planLoad(preparedAlone(object)), sys);
  return {
    name,
    run: (bytes, repeat) => loaded.testRun('prog', bytes, { repeat }),
    close: () => loaded.close(),
    times: [],
  };
}

/** The members as a chain on an interface: the program that the back end `static` attached. */
function attached(hook: ChainHookLab, files: readonly string[]): Subject {
  const program = hook.set(files);
  return {
    name: 'chain',
    run: (data, repeat) => program.testRun({ data, repeat }),
    close: () => program.close(),
    times: [],
  };
}

/** Nanoseconds of one run, in processor time of this process: the call itself is one part in many thousands of it. */
function timeOf({ name, run: test }: Subject, bytes: Uint8Array, repeat: number): number {
  const start = process.cpuUsage();
  const run = test(bytes, repeat);
  const { user, system } = process.cpuUsage(start);
  if (run.verdict !== 2) throw new Error(`${name} does not pass the packet: ${run.verdict}`);
  return ((user + system) * 1000) / repeat;
}

/** All subjects of one length one after the other, round after round, so that a change of the machine's speed meets all alike. */
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

function row(sys: Sys, filters: Filters, hook: ChainHookLab, count: number): string[] {
  const empty = load(sys, 'empty', filters.compile('empty', 'EMPTY'));
  const chain = attached(hook, filters.files(count));
  const fixed = load(sys, 'static', filters.compile('static', 'STATIC', `COUNT=${count}`));
  const inlined = load(sys, 'inline', filters.compile('inline', 'INLINE', `COUNT=${count}`));
  const tail = load(sys, 'tail', filters.compile('tail', 'TAIL', `COUNT=${count}`));
  const subjects = [empty, chain, fixed, inlined, tail];
  measure(subjects);
  for (const subject of subjects) subject.close();
  hook.clear();
  return [
    String(count),
    spread(empty.times),
    ...[chain, fixed, inlined, tail].map(subject => spread(over(subject, empty))),
    ...[fixed, inlined, tail].map(other => ratio(chain, other, empty)),
    (median(over(chain, empty)) / count).toFixed(1),
    ((median(over(chain, empty)) - median(over(inlined, empty))) / count).toFixed(1),
  ];
}

/** Changes of a chain of ten members. */
const CHANGES = 15;

/** Milliseconds of each kind of change, in this process and as a command of its own. */
function changeRows(filters: Filters, hook: ChainHookLab): string[][] {
  const files = filters.files(11);
  const [ten, [other = '']] = [files.slice(0, 10), files.slice(10)];
  const times = {
    load: [] as number[],
    replace: [] as number[],
    loaded: [] as number[],
    replaced: [] as number[],
  };
  for (let round = 0; round < CHANGES; round++) {
    times.load.push(hook.change({ kind: 'load', members: ten.map(memberOf) }));
    times.replace.push(hook.change({ kind: 'replace', name: 'one4', member: memberOf(other, 4) }));
    hook.clear();
    times.loaded.push(hook.command('xdp', 'load', 'va', ...ten));
    times.replaced.push(hook.command('xdp', 'replace', 'va', 'one4', other));
    hook.clear();
  }
  return [
    ['load ten members', ms(times.load), ms(times.loaded)],
    ['replace one of ten', ms(times.replace), ms(times.replaced)],
  ];
}

function ms(times: readonly number[]): string {
  return `${median(times).toFixed(0)} (${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)})`;
}

const HEAD = [
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

function main(): void {
  const sys = openSys();
  using filters = new Filters();
  const hook = new ChainHookLab(sys);
  try {
    const rows = COUNTS.map(count => row(sys, filters, hook, count));
    const changes = changeRows(filters, hook);
    const load = loadavg()[0]?.toFixed(1);
    writeResults(
      'chain',
      [
        `Nanoseconds per packet; the chains over the empty program of the same round. Medians of ${ROUNDS} rounds of ${REPEAT} runs, in parentheses the smallest and the largest; ratios of medians, in parentheses those of the smallest times. The target is at most 1.10 times static calls. Load average of the machine: ${load}.`,
        table(HEAD, rows),
        `Milliseconds of one change of a chain on an interface, medians of ${CHANGES}, in parentheses the smallest and the largest.`,
        table(['change', 'in a process that runs', 'as a command of its own'], changes),
      ].join('\n\n'),
    );
  } finally {
    hook.close();
  }
}

main();
