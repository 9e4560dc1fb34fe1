/**
 * `npm run bench:traffic`: slots of an attached rootlet are replaced, components and rootlets of several stages as well,
 * and a provider is upgraded under its consumer, while packets come in as fast as they can be sent.
 *
 * Every packet is counted where it is sent and where it is judged. The run fails when one was lost, judged by an empty
 * slot, by slots or stages of different versions, or fell through an empty array of programs; and when less than a million
 * packets came in. Needs root, gcc and iproute2.
 */

import { loadavg } from 'node:os';
import { join } from 'node:path';
import { openSys } from '../src/kernel/open/koffi.ts';
import { testStore } from '../test/e2e/dynamic/support.ts';
import {
  type UpgradeTrafficResult,
  upgradeObjects,
  upgradeUnderTraffic,
} from '../test/e2e/dynamic/upgrade-traffic.ts';
import {
  misjudged,
  replaceStages,
  type StagedOptions,
  type StagedResult,
  stagedObjects,
} from '../test/e2e/slots/staged-traffic.ts';
import {
  compileGenerator,
  Generator,
  pause,
  replaceUnderTraffic,
  type TrafficOptions,
  type TrafficResult,
  TrafficWire,
  trafficObjects,
} from '../test/e2e/slots/traffic.ts';
import { ChainHookLab } from './chain-hook.ts';
import { Filters } from './filters.ts';
import { median, ROOT, table, writeResults } from './support.ts';

const SWAPS = 500;
const RUNS: readonly Pick<TrafficOptions, 'via' | 'mode'>[] = [
  { via: 'static', mode: 'native' },
  { via: 'static', mode: 'generic' },
  { via: 'tail', mode: 'generic' },
];

const STAGED_RUNS: readonly Pick<StagedOptions, 'what' | 'via' | 'mode'>[] = [
  { what: 'component', via: 'static', mode: 'native' },
  { what: 'component', via: 'static', mode: 'generic' },
  { what: 'component', via: 'tail', mode: 'generic' },
  { what: 'rootlet', via: 'static', mode: 'generic' },
  { what: 'rootlet', via: 'tail', mode: 'generic' },
];

const CHAIN_LENGTHS = [1, 2, 5, 10, 30];
const CHAIN_ROUNDS = 5;
const CHAIN_MS = 1000;
const CHAIN_HEAD = ['members', 'rootlet', 'static calls', 'tail calls', 'rootlet ÷ static', 'rootlet ÷ tail'];

/** For each row of the tables. */
const PACKETS = 1_000_000;

const STAGED_HEAD = [
  'what is replaced',
  'back end',
  'replacements',
  'packets',
  'packets/s',
  'judged by old',
  'judged by new',
  'mixed',
  'fell through',
  'lost',
  'ms each',
  'ms 99 %',
];

const UPGRADE_HEAD = [
  'bound by',
  'upgrades',
  'packets',
  'packets/s',
  'judged by old',
  'judged by new',
  'by default',
  'mixed',
  'fell through',
  'lost',
  'ms each',
  'ms 99 %',
];

const sys = openSys();
const objects = trafficObjects(join(ROOT, 'test/vm/programs/obj/el'));
const generator = compileGenerator(join(ROOT, 'test/e2e/slots/traffic.c'));
const wire = new TrafficWire('rlb');
const rows: string[][] = [];
const upgrades: string[][] = [];
const stagedRows: string[][] = [];
const chainRows: string[][] = [];
try {
  for (const { via, mode } of RUNS) {
    const result = await replaceUnderTraffic(wire, generator.program, {
      sys,
      objects,
      via,
      mode,
      swaps: SWAPS,
    });
    requireNothingLost(result);
    rows.push(rowOf(mode, result));
  }
  for (const run of STAGED_RUNS) {
    const result = await replaceStages(wire, generator.program, {
      ...run,
      sys,
      objects: stagedObjects(join(ROOT, 'test/vm/programs/obj/el')),
      swaps: SWAPS,
    });
    if (misjudged(result) > 0) throw lostPackets(result);
    requireEnough(result.sent);
    stagedRows.push(stagedRow(result));
  }
  await upgradeAll();
  await measureChains();
} finally {
  wire.close();
  generator.remove();
}
writeResults('traffic', text());

/** Packets per second through chains, one after the other with the same filters in one file and with tail calls. */
async function measureChains(): Promise<void> {
  using filters = new Filters();
  const hook = new ChainHookLab(sys);
  try {
    for (const count of CHAIN_LENGTHS) {
      const rates: number[][] = [[], [], []];
      for (let round = 0; round < CHAIN_ROUNDS; round++) {
        rates[0]?.push(await rateOf(hook, () => hook.set(filters.files(count))));
        hook.clear();
        for (const [at, kind] of ['STATIC', 'TAIL'].entries()) {
          const object = filters.compile(kind.toLowerCase(), kind, `COUNT=${count}`);
          rates[at + 1]?.push(await rateOf(hook, () => hook.attach(object)));
        }
      }
      const [ours = 0, fixed = 0, tail = 0] = rates.map(median);
      const numbers = [ours, fixed, tail].map(rate => String(Math.round(rate)));
      chainRows.push([String(count), ...numbers, (ours / fixed).toFixed(2), (ours / tail).toFixed(2)]);
    }
  } finally {
    hook.close();
  }
}

/** Packets per second while something is attached. */
async function rateOf(hook: ChainHookLab, attach: () => { close(): void }): Promise<number> {
  const attached = attach();
  try {
    const sender = await Generator.start(generator.program, hook.netns, 'vb');
    const begin = performance.now();
    await pause(CHAIN_MS);
    const sent = await sender.stop();
    return (sent * 1000) / (performance.now() - begin);
  } finally {
    attached.close();
  }
}

async function upgradeAll(): Promise<void> {
  const testing = testStore(sys);
  try {
    const common = {
      store: testing.store,
      wire,
      generator: generator.program,
      objects: upgradeObjects(),
      upgrades: SWAPS,
    };
    for (const via of ['tail', 'copy'] as const) {
      const result = await upgradeUnderTraffic({ ...common, via });
      const { sent, seen, byDefault, old, fresh, mixed, fellThrough } = result;
      if (sent !== seen || byDefault + mixed + fellThrough !== 0 || old + fresh !== sent)
        throw lostPackets(result);
      requireEnough(sent);
      upgrades.push(upgradeRow(via, result));
    }
  } finally {
    testing.close();
  }
}

function upgradeRow(via: string, result: UpgradeTrafficResult): string[] {
  const { sent, seconds, old, fresh, byDefault, mixed, fellThrough, seen, times } = result;
  const sorted = [...times].sort((a, b) => a - b);
  return [
    via,
    String(times.length),
    String(sent),
    String(Math.round(sent / seconds)),
    String(old),
    String(fresh),
    String(byDefault),
    String(mixed),
    String(fellThrough),
    String(sent - seen),
    median(times).toFixed(1),
    (sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(1),
  ];
}

function requireNothingLost(result: TrafficResult): void {
  const { sent, seen, dropped, byDefault, mixed, judged } = result;
  const sums = judged.map(([old, fresh]) => old + fresh);
  const isWhole =
    sent === seen + dropped &&
    dropped === 0 &&
    byDefault === 0 &&
    mixed === 0 &&
    sums.every(sum => sum === seen);
  if (!isWhole) throw lostPackets(result);
  requireEnough(sent);
}

function lostPackets(result: object): Error {
  return new Error(`packets were lost or misjudged: ${JSON.stringify({ ...result, times: undefined })}`);
}

function requireEnough(sent: number): void {
  if (sent < PACKETS) throw new Error(`only ${sent} packets came in: the machine is too slow, or too busy`);
}

function stagedRow({
  what,
  via,
  mode,
  swaps,
  sent,
  seconds,
  judged,
  mixed,
  fellThrough,
  dropped,
  times,
}: StagedResult) {
  const sorted = [...times].sort((a, b) => a - b);
  return [
    what,
    `${via}, ${mode} XDP`,
    String(swaps),
    String(sent),
    String(Math.round(sent / seconds)),
    ...judged.map(String),
    String(mixed),
    String(fellThrough),
    String(dropped),
    median(times).toFixed(1),
    (sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(1),
  ];
}

function rowOf(
  mode: string,
  { via, swaps, sent, seconds, byDefault, mixed, judged, times }: TrafficResult,
): string[] {
  const [, [old = 0, fresh = 0] = []] = judged;
  const sorted = [...times].sort((a, b) => a - b);
  return [
    `${via}, ${mode} XDP`,
    String(swaps),
    String(sent),
    String(Math.round(sent / seconds)),
    String(old),
    String(fresh),
    String(byDefault),
    String(mixed),
    '0',
    median(times).toFixed(1),
    (sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(1),
  ];
}

function text(): string {
  const head = [
    'back end',
    'replacements',
    'packets',
    'packets/s',
    'judged by old',
    'judged by new',
    'by empty slots',
    'by both',
    'lost',
    'ms each',
    'ms 99 %',
  ];
  return [
    'One process sends frames of 64 bytes over a veth pair into another network namespace; with `static` both slots of the rootlet are replaced together, with `tail` one.',
    '',
    table(head, rows),
    '',
    'The same with code of two stages: the entry leaves its version in the packet and calls the stage through an array of programs, the stage compares. The component is in one of two slots; the rootlet has the array itself, and its component stays.',
    '',
    table(STAGED_HEAD, stagedRows),
    '',
    'The same wire with a consumer on generic XDP, whose provider of two stages is upgraded; a packet that met neither version would be judged by default.',
    '',
    table(UPGRADE_HEAD, upgrades),
    '',
    `Chains of small filters on native XDP, all of which pass the packet: packets per second that one process sends through them, medians of ${CHAIN_ROUNDS} times ${CHAIN_MS} ms, one after the other. Load average of the machine: ${loadavg()[0]?.toFixed(1)}.`,
    '',
    table(CHAIN_HEAD, chainRows),
  ].join('\n');
}
