/** What the optimizer makes of chains beside their speed: work for the verifier, its own time, the embedded machine. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { optimize } from '../src/link/optimize/optimize.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { readObject } from '../src/object/read/read.ts';
import { createMachine } from '../src/vm/run/machine.ts';
import { load, measure, over, ratio, spread } from './chain-speed.ts';
import { chainOf, type FilterSet, type Filters, packet } from './filters.ts';
import { median, ROOT, table } from './support.ts';

const VERIFIER_COUNTS = [2, 5, 10, 20, 40, 60];
const COLD_COUNTS = [10, 20, 60];
const COLD_PROCESSES = 9;
const MACHINE_ROUNDS = 9;
const MACHINE_RUNS = 20_000;
const REAL_ROUNDS = 11;
const XDP_FILTERS = '/usr/lib/x86_64-linux-gnu/bpf';

/** As the linker optimizes a chain. */
export function optimized(object: BpfObject): BpfObject {
  return optimize(object, { removeInlined: true }).object;
}

/** Instruction slots of all functions of an object. */
function insnsOf({ symbols }: BpfObject): number {
  return symbols.reduce((sum, symbol) => sum + (symbol.kind === 'function' ? symbol.code.length / 8 : 0), 0);
}

/** Instructions, and those that the verifier processed, of chains of every length. */
export function verifierTable(sys: Sys, filters: ReadonlyMap<FilterSet, Filters>): string {
  const rows = [...filters].flatMap(([set, made]) =>
    VERIFIER_COUNTS.map(count => {
      const chain = made.chain(count);
      const inlined = made.compile('inline', 'INLINE', `COUNT=${count}`);
      const objects = [
        [chain, 'chain'],
        [optimized(chain), 'chain'],
        [inlined, 'prog'],
      ] as const;
      const cells = objects.map(([object, program]) => {
        const subject = load(sys, program, object, program);
        subject.close();
        return `${insnsOf(object)} / ${subject.processed}`;
      });
      return [`${count}, ${set}`, ...cells];
    }),
  );
  return table(['filters', 'rootlet -O0', 'rootlet -O1', 'one file, all inlined'], rows);
}

/** Milliseconds of the optimizer per member, in processes that do nothing else. */
export function coldTable(filters: ReadonlyMap<FilterSet, Filters>): string {
  const rows = [...filters].flatMap(([set, made]) =>
    COLD_COUNTS.map(count => {
      const files = made.files(count);
      const runs = Array.from({ length: COLD_PROCESSES }, () => {
        const worker = join(ROOT, 'dist/bench/optimizer-worker.js');
        const text = execFileSync(process.execPath, [worker, ...files], { encoding: 'utf8' });
        return text.split(' ').map(Number);
      });
      const [cold, warm] = [0, 1].map(at => median(runs.map(run => run[at] ?? Number.NaN)));
      return [
        `${count}, ${set}`,
        (cold ?? 0).toFixed(1),
        ((cold ?? 0) / count).toFixed(2),
        (warm ?? 0).toFixed(1),
      ];
    }),
  );
  return table(['filters', 'first run', 'per member', 'when repeated'], rows);
}

/** Time in the embedded machine, optimized ÷ not optimized. */
export function machineTable(filters: ReadonlyMap<FilterSet, Filters>, counts: readonly number[]): string {
  const rows = [...filters].flatMap(([set, made]) =>
    counts.map(count => {
      const chain = made.chain(count);
      const machines = [chain, optimized(chain)].map(object => createMachine(object));
      const times = machines.map((): number[] => []);
      const bytes = packet();
      for (let round = 0; round < MACHINE_ROUNDS; round++)
        machines.forEach((machine, at) => {
          const begin = process.cpuUsage();
          for (let run = 0; run < MACHINE_RUNS; run++) machine.run(bytes);
          const { user } = process.cpuUsage(begin);
          times[at]?.push((user * 1000) / MACHINE_RUNS);
        });
      for (const machine of machines) machine.close();
      const [plain = 0, fast = 0] = times.map(median);
      return [`${count}, ${set}`, plain.toFixed(0), fast.toFixed(0), (fast / plain).toFixed(2)];
    }),
  );
  return table(['filters', 'rootlet -O0', 'rootlet -O1', '-O1 ÷ -O0'], rows);
}

/** Chains of programs that others wrote: Debian's packet filters, and the firewalls of the examples. */
export function realTable(sys: Sys): string {
  const rows = realChains().map(([name, members]) => {
    const chain = chainOf(members);
    const fast = optimized(chain);
    const subjects = [load(sys, '-O0', chain, 'chain'), load(sys, '-O1', fast, 'chain')];
    const [plain, made] = subjects;
    if (plain === undefined || made === undefined) return [];
    const bytes = packet();
    const { verdict } = plain.run(bytes, 1);
    measure(subjects, { bytes, verdict, rounds: REAL_ROUNDS });
    for (const subject of subjects) subject.close();
    const zero = { ...plain, times: plain.times.map(() => 0) };
    return [
      name,
      `${insnsOf(chain)} / ${plain.processed}`,
      `${insnsOf(fast)} / ${made.processed}`,
      spread(over(plain, zero)),
      spread(over(made, zero)),
      ratio(made, plain, zero),
    ];
  });
  return table(['chain', '-O0', '-O1', '-O0 ns', '-O1 ns', '-O1 ÷ -O0'], rows);
}

function realChains(): (readonly [string, readonly BpfObject[]])[] {
  const read = (path: string): BpfObject => readObject({ name: path, bytes: readFileSync(path) });
  const example = (name: string) => read(join(ROOT, 'examples/obj/el', `${name}.bpf.o`));
  const chains: (readonly [string, readonly BpfObject[]])[] = [
    ["the examples' two firewalls", [example('first_firewall'), example('second_firewall')]],
  ];
  if (!existsSync(join(XDP_FILTERS, 'xdpfilt_alw_udp.o'))) return chains;
  const sorts = [
    ['alw_udp', 'alw_tcp'],
    ['alw_udp', 'alw_ip', 'alw_eth'],
    ['alw_all', 'alw_ip', 'alw_tcp'],
  ];
  return [
    ...chains,
    ...sorts.map(
      names =>
        [
          `xdpfilt ${names.join(', ')}`,
          names.map(name => read(join(XDP_FILTERS, `xdpfilt_${name}.o`))),
        ] as const,
    ),
  ];
}
