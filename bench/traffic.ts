/**
 * `npm run bench:traffic`: slots of an attached rootlet are replaced, and a provider is upgraded under its consumer,
 * while packets come in as fast as they can be sent.
 *
 * Every packet is counted where it is sent and where it is judged. The run fails when one was lost, judged by an empty
 * slot, or by two slots of different versions where both are replaced together. Needs root, gcc and iproute2.
 */

import { join } from 'node:path';
import { openSys } from '../src/kernel/sys-koffi.ts';
import { testStore } from '../test/dynamic/link-support.ts';
import {
  compileGenerator,
  replaceUnderTraffic,
  type TrafficOptions,
  type TrafficResult,
  TrafficWire,
  trafficObjects,
} from '../test/dynamic/traffic.ts';
import {
  type UpgradeTrafficResult,
  upgradeObjects,
  upgradeUnderTraffic,
} from '../test/dynamic/upgrade-traffic.ts';
import { median, ROOT, table, writeResults } from './support.ts';

const SWAPS = 500;
const RUNS: readonly Pick<TrafficOptions, 'via' | 'mode'>[] = [
  { via: 'static', mode: 'native' },
  { via: 'static', mode: 'generic' },
  { via: 'tail', mode: 'generic' },
];

const UPGRADE_HEAD = [
  'bound by',
  'upgrades',
  'packets',
  'packets/s',
  'judged by old',
  'judged by new',
  'by default',
  'lost',
  'ms each',
  'ms 99 %',
];

const sys = openSys();
const objects = trafficObjects(join(ROOT, 'test/vm/programs/obj/el'));
const generator = compileGenerator(join(ROOT, 'test/dynamic/traffic.c'));
const wire = new TrafficWire('rlb');
const rows: string[][] = [];
const upgrades: string[][] = [];
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
  await upgradeAll();
} finally {
  wire.close();
  generator.remove();
}
writeResults('traffic', text());

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
      const { sent, seen, byDefault, old, fresh } = result;
      if (sent !== seen || byDefault !== 0 || old + fresh !== sent)
        throw new Error(
          `packets were lost or judged by nobody: ${JSON.stringify({ ...result, times: undefined })}`,
        );
      upgrades.push(upgradeRow(via, result));
    }
  } finally {
    testing.close();
  }
}

function upgradeRow(via: string, result: UpgradeTrafficResult): string[] {
  const { sent, seconds, old, fresh, byDefault, seen, times } = result;
  const sorted = [...times].sort((a, b) => a - b);
  return [
    via,
    String(times.length),
    String(sent),
    String(Math.round(sent / seconds)),
    String(old),
    String(fresh),
    String(byDefault),
    String(sent - seen),
    median(times).toFixed(1),
    (sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(1),
  ];
}

function requireNothingLost(result: TrafficResult): void {
  const { sent, seen, dropped, byDefault, mixed, judged } = result;
  const sums = judged.map(([old, fresh]) => old + fresh);
  if (
    sent === seen + dropped &&
    dropped === 0 &&
    byDefault === 0 &&
    mixed === 0 &&
    sums.every(sum => sum === seen)
  )
    return;
  throw new Error(
    `packets were lost or judged by nobody: ${JSON.stringify({ ...result, times: undefined })}`,
  );
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
    'The same wire with a consumer on generic XDP, whose provider is upgraded; a packet that met neither version would be judged by default.',
    '',
    table(UPGRADE_HEAD, upgrades),
  ].join('\n');
}
