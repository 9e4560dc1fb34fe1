/**
 * What counters cost: chains of 1, 5, 10 and 30 filters by test runs in the kernel, without counters, with
 * counters that are off, and on. Rounds are paired: each takes all forms one after the other, in turning order.
 *
 *   node dist/bench/counters.js [ROUNDS]
 */

import { openSys } from '../src/kernel/open/koffi.ts';
import { relinkChain } from '../src/link/relink-chain.ts';
import { WATCH_COUNT, WATCH_SECTION, WATCH_TIME, WATCH_TRACE, WatchWords } from '../src/link/watch/layout.ts';
import { withCounters } from '../src/link/watch/with-counters.ts';
import type { LoadedObject } from '../src/load/execute/loaded-object.ts';
import { loadObject } from '../src/load/load.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { Filters, packet } from './filters.ts';

const ROUNDS = Number(process.argv[2] ?? 40);
const REPEAT = 200_000;
const COUNTS = [1, 5, 10, 30];

interface Form {
  readonly name: string;
  readonly loaded: LoadedObject;
  readonly program: string;
  /** Undefined: without counters. */
  readonly flags: number | undefined;
}

using filters = new Filters();
const sys = openSys();

function chain(parts: readonly BpfObject[], watch: boolean): BpfObject {
  const components = parts.map(component => ({ component }));
  const result = relinkChain(components, { watch });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.object;
}

function setSwitch({ loaded, flags }: Form): void {
  if (flags === undefined) return;
  const bytes = new Uint8Array(WatchWords.size);
  WatchWords.encode(new DataView(bytes.buffer), 0, { flags, continueMask: 0, member: 0 }, 'little');
  loaded.map(WATCH_SECTION).update(new Uint8Array(4), bytes);
}

/** Nanoseconds of a packet, the least of a few runs. */
function measure(form: Form): number {
  setSwitch(form);
  const runs = Array.from({ length: 3 }, () =>
    form.loaded.program(form.program).testRun({ data: packet(), repeat: REPEAT }),
  );
  return Math.min(...runs.map(({ durationNs }) => durationNs));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function compare(title: string, forms: readonly Form[]): void {
  const all = forms.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    forms.forEach((_, step) => {
      const at = (step + round) % forms.length;
      const form = forms[at];
      if (form !== undefined) all[at]?.push(measure(form));
    });
  }
  const base = all[0] ?? [];
  forms.forEach(({ name }, at) => {
    const mine = all[at] ?? [];
    const extra = median(mine.map((value, round) => value - (base[round] ?? 0)));
    console.log(
      `${title.padEnd(14)} ${name.padEnd(22)} ${median(mine).toFixed(0).padStart(5)} ns  ${extra >= 0 ? '+' : ''}${extra.toFixed(0)}`,
    );
  });
}

const MODES = [
  ['counters off', 0],
  ['counting', WATCH_COUNT],
  ['counting and timing', WATCH_COUNT | WATCH_TIME],
  ['tracing, no reader', WATCH_TRACE],
] as const;

for (const count of COUNTS) {
  const parts = Array.from({ length: count }, (_, index) => filters.compile(`one${index}`, `ONE=${index}`));
  using plain = loadObject(chain(parts, false), sys);
  using watched = loadObject(chain(parts, true), sys);
  compare(`${count} members`, [
    { name: 'without counters', loaded: plain, program: 'chain', flags: undefined },
    ...MODES.map(([name, flags]) => ({ name, loaded: watched, program: 'chain', flags })),
  ]);
}

const member = filters.compile('one0', 'ONE=0');
const [program] = member.symbols.filter(symbol => symbol.kind === 'function');
const result = withCounters(member, program?.name ?? '');
if (!result.ok) throw new Error(result.problem.message);
using plain = loadObject(member, sys);
using wrapped = loadObject(result.value, sys);
compare('one program', [
  { name: 'without counters', loaded: plain, program: program?.name ?? '', flags: undefined },
  ...MODES.map(([name, flags]) => ({ name, loaded: wrapped, program: program?.name ?? '', flags })),
]);
