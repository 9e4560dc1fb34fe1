/**
 * Code of several stages in slots that are filled by function replacement: the entry calls its stage through an array of
 * programs, and no packet may meet an entry of one version and a stage of another, or an empty array. By replacement of
 * components, of the rootlet under them, and after kills.
 */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInterface } from '../../src/kernel/hooks/interface.ts';
import { openById } from '../../src/kernel/objects/info.ts';
import type { BpfMap } from '../../src/kernel/objects/map.ts';
import { BpfProgram } from '../../src/kernel/objects/program.ts';
import { duplicateMap } from '../../src/state/execute.ts';
import { EntryUnderTest } from '../e2e/slots/entry.ts';
import {
  attachStaged,
  misjudged,
  replaceStages,
  stageChange,
  stagedCounts,
  stagedObjects,
} from '../e2e/slots/staged-traffic.ts';
import { compileGenerator, TrafficWire } from '../e2e/slots/traffic.ts';
import { stepsOfToday } from '../support/steps.ts';
import { sys } from './guest/kernel.ts';
import { openWire, type Wire } from './guest/net.ts';

const PACKET = new Uint8Array(64);
const OBJECTS = fileURLToPath(new URL('programs/obj/el', import.meta.url));
const objects = stagedObjects(OBJECTS);
const place = { interface: 'near', mode: 'generic' } as const;
/** Beside the bundle of the run. */
const KILLED = join(dirname(process.argv[1] ?? ''), 'killed.mjs');
/** Each of them costs a process. */
const STEPS = stepsOfToday(17, 17);

let wire: Wire;
beforeAll(() => {
  wire = openWire();
});
afterAll(() => wire.close());

describe.each(['component', 'rootlet'] as const)('a %s of two stages', what => {
  test('replaced again and again: each packet by one version', () => {
    using rootlet = wire.inside(() => attachStaged({ sys, objects, what, via: 'ext' }, place));
    const runs: number[] = [];
    for (const version of [1, 0, 1] as const) {
      rootlet.generation.program.testRun({ data: PACKET });
      rootlet.change(stageChange(objects, what, version));
      expect(rootlet.generation.via).toBe('ext');
      rootlet.generation.program.testRun({ data: PACKET });
      const { seen, judged, mixed, fellThrough, byDefault } = stagedCounts(rootlet, what);
      expect([mixed, fellThrough, byDefault, judged[0] + judged[1]]).toEqual([0, 0, 0, seen]);
      runs.push(judged[1]);
    }
    expect(runs[0]).toBeGreaterThan(0);
    expect(runs[2]).toBeGreaterThan(runs[0] ?? 0);
    for (const via of ['static', 'ext'] as const) {
      rootlet.change({}, { via });
      rootlet.generation.program.testRun({ data: PACKET });
      expect([via, stagedCounts(rootlet, what)]).toMatchObject([via, { mixed: 0, fellThrough: 0 }]);
    }
    if (what === 'component') {
      // a neighbour that changes leaves it its arrays
      const array = rootlet.generation.maps.get('staged:rl_next')?.info().id;
      rootlet.change({ reset: ['slot1'] });
      expect(rootlet.generation.maps.get('staged:rl_next')?.info().id).toBe(array);
      rootlet.generation.program.testRun({ data: PACKET });
      expect(stagedCounts(rootlet, what)).toMatchObject({ mixed: 0, fellThrough: 0 });
    }
  });

  test('a process that is killed leaves the old code or the new, and the next one continues', () => {
    const main = what === 'rootlet' ? 'rl_gate' : 'rl_host';
    const file = what === 'rootlet' ? objects.gate[0] : objects.host;
    const root = '/sys/fs/bpf/stages-vm';
    using entry = new EntryUnderTest(sys, root, file, main, undefined, place, body => wire.inside(body));
    const counts = entry.with(rootlet => {
      const neighbour = { slot: 'slot1', file: objects.neighbour };
      const staged = { slot: 'slot2', file: objects.staged[0], program: 'rl_part' };
      rootlet.change({ fill: what === 'rootlet' ? [neighbour] : [neighbour, staged] }, { via: 'ext' });
      const map = rootlet.generation.maps.get(what === 'rootlet' ? 'counts' : 'staged:counts');
      return map === undefined ? undefined : duplicateMap(map);
    });
    if (counts === undefined) throw new Error('no counts');
    using _counts = counts;
    const first = what === 'rootlet' ? 2 : 0;
    let version: 0 | 1 = 0;
    let kills = 0;
    for (let step = STEPS.first; ; step += STEPS.stride) {
      const next: 0 | 1 = version === 0 ? 1 : 0;
      const args = [KILLED, root, main, what, String(next), String(step), OBJECTS];
      const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      const before = fourOf(counts, first);
      judge();
      const after = fourOf(counts, first);
      // packets of the wire come in between; mixed and fallen through stay what they were
      expect([step, after[2], after[3]]).toEqual([step, 0, 0]);
      expect((after[0] ?? 0) + (after[1] ?? 0)).toBeGreaterThan((before[0] ?? 0) + (before[1] ?? 0));
      if (signal === null) {
        expect([status, stderr]).toEqual([0, '']);
        break;
      }
      kills++;
      entry.with(rootlet => rootlet.change(stageChange(objects, what, next)));
      judge();
      expect(fourOf(counts, first).slice(2, 4)).toEqual([0, 0]);
      version = next;
    }
    expect(kills).toBeGreaterThan(1);
  });
});

test('under traffic', async () => {
  const generator = compileGenerator(fileURLToPath(new URL('../e2e/slots/traffic.c', import.meta.url)));
  const traffic = new TrafficWire('vms');
  try {
    const options = { sys, objects, what: 'component', via: 'ext', mode: 'generic', swaps: 6 } as const;
    const result = await replaceStages(traffic, generator.program, options);
    expect([misjudged(result), result]).toEqual([0, result]);
    expect(result.seen).toBeGreaterThan(100);
  } finally {
    traffic.close();
    generator.remove();
  }
});

/** One packet through what is on the interface. */
function judge(): void {
  const fd = openById(sys, 'program', wire.inside(() => readInterface(sys, place.interface)).xdp.generic);
  if (fd === undefined) throw new Error('nothing is on the interface');
  using program = BpfProgram.adopt(sys, fd);
  program.testRun({ data: PACKET });
}

/** Entries from `first` on: by version 0 and 1, mixed, fallen through. */
function fourOf(map: BpfMap, first: number): number[] {
  return [0, 1, 2, 3].map(at => {
    const value = map.lookup(new Uint8Array([first + at, 0, 0, 0])) ?? new Uint8Array(8);
    return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
  });
}
