/**
 * `npm run bench:chain`: what a chain costs per packet, in the kernel.
 *
 * Nanoseconds of `BPF_PROG_TEST_RUN` over an empty program, in one run: our chain as it is optimized and as it is linked,
 * the same filters written by hand in one file (static calls, and all inlined), and a chain of tail calls. Then what the
 * optimizer makes of them otherwise. Needs root and clang-19.
 */

import { loadavg } from 'node:os';
import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { ChainHookLab, memberOf } from './chain-hook.ts';
import { coldTable, machineTable, optimized, realTable, verifierTable } from './chain-optimizer.ts';
import { load, measure, over, REPEAT, ROUNDS, ratio, spread } from './chain-speed.ts';
import { type FilterSet, Filters } from './filters.ts';
import { median, table, writeResults } from './support.ts';

const COUNTS = [1, 2, 5, 10, 20];
const SETS: readonly FilterSet[] = ['same fields', 'independent'];

function row(sys: Sys, set: FilterSet, filters: Filters, count: number): string[] {
  const written = (name: string) =>
    load(sys, name, filters.compile(name, name.toUpperCase(), `COUNT=${count}`));
  const empty = load(sys, 'empty', filters.compile('empty', 'EMPTY'));
  const linked = filters.chain(count);
  const chain = load(sys, 'chain -O1', optimized(linked), 'chain');
  const plain = load(sys, 'chain -O0', linked, 'chain');
  const [fixed, inlined, tail] = [written('static'), written('inline'), written('tail')];
  const subjects = [empty, chain, plain, fixed, inlined, tail];
  measure(subjects);
  for (const subject of subjects) subject.close();
  const more = median(over(chain, empty)) - median(over(inlined, empty));
  return [
    `${count}, ${set}`,
    spread(empty.times),
    ...[chain, plain, fixed, inlined, tail].map(subject => spread(over(subject, empty))),
    ...[plain, fixed, inlined].map(other => ratio(chain, other, empty)),
    more.toFixed(1),
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
  'rootlet -O0',
  'static calls',
  'inlined',
  'tail calls',
  'rootlet ÷ -O0',
  'rootlet ÷ static',
  'rootlet ÷ inlined',
  'over inlined',
];

function main(): void {
  const sys = openSys();
  const filters = new Map(SETS.map(set => [set, new Filters(set)]));
  const hook = new ChainHookLab(sys);
  try {
    const sets = [...filters];
    const rows = sets.flatMap(([set, made]) => COUNTS.map(count => row(sys, set, made, count)));
    const changes = sets.slice(0, 1).flatMap(([, made]) => changeRows(made, hook));
    const load = loadavg()[0]?.toFixed(1);
    writeResults(
      'chain',
      [
        `Nanoseconds per packet; the chains over the empty program of the same round. Medians of ${ROUNDS} rounds of ${REPEAT} runs, in parentheses the smallest and the largest; ratios of medians, in parentheses those of the smallest times. "rootlet" is the chain at -O1, as it runs on an interface; it is loaded like the others, since the kernel calls an attached XDP program without an indirect call. Targets, for 10 filters and more: at most 1.10 times inlined for independent filters, at most 0.50 times for filters that test the same fields; for fewer at most 0.5 ns over inlined. Load average of the machine: ${load}.`,
        table(HEAD, rows),
        'Instructions of the object, and those that the verifier processed:',
        verifierTable(sys, filters),
        'Chains of other programs, nanoseconds of a run with the empty program in them:',
        realTable(sys),
        'Milliseconds of the optimizer in a process that has just started, and when it is repeated in one:',
        coldTable(filters),
        'Nanoseconds of a run in the embedded machine:',
        machineTable(filters, COUNTS),
        `Milliseconds of one change of a chain on an interface, medians of ${CHANGES}, in parentheses the smallest and the largest.`,
        table(['change', 'in a process that runs', 'as a command of its own'], changes),
      ].join('\n\n'),
    );
  } finally {
    hook.close();
    for (const made of filters.values()) made[Symbol.dispose]();
  }
}

main();
