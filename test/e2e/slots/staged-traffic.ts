/**
 * Replacements of code in several stages under traffic: components with arrays of programs, and a rootlet that has one.
 *
 * The entry of each version leaves its version in the packet before it calls its stage through the array; the stage
 * compares. A packet that meets an entry of one version and a stage of the other is counted as mixed, one that finds the
 * array empty as fallen through. Every other packet is counted by the version that judged it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SlotChange } from '../../../src/dynamic/generation/design.ts';
import type { SlotBackEnd } from '../../../src/dynamic/generation/generation.ts';
import { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import type { AttachPlace } from '../../../src/hooks/targets/kinds.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { droppedBetween, entryOf, Generator, pause, type TrafficWire } from './traffic.ts';

export interface StagedObjects {
  readonly host: ObjectFile;
  /** Component for the slot that is not replaced. */
  readonly neighbour: ObjectFile;
  readonly staged: readonly [ObjectFile, ObjectFile];
  readonly gate: readonly [ObjectFile, ObjectFile];
}

/** `test/vm/programs/traffic_*.bpf.c`, compiled. Versions of one component, or rootlet, have one name. */
export function stagedObjects(directory: string): StagedObjects {
  const read = (name: string, called: string): ObjectFile => ({
    name: `${called}.bpf.o`,
    bytes: readFileSync(join(directory, `traffic_${name}.bpf.o`)),
  });
  return {
    host: read('host', 'host'),
    neighbour: read('first_a', 'neighbour'),
    staged: [read('staged_a', 'staged'), read('staged_b', 'staged')],
    gate: [read('gate_a', 'gate'), read('gate_b', 'gate')],
  };
}

export interface StagedOptions {
  readonly sys: Sys;
  readonly objects: StagedObjects;
  /** What is replaced: a component with stages, or a rootlet with stages and a component that stays. */
  readonly what: 'component' | 'rootlet';
  readonly via: SlotBackEnd;
  readonly swaps: number;
  readonly mode: 'native' | 'generic';
}

export interface StagedResult {
  readonly what: StagedOptions['what'];
  readonly via: SlotBackEnd;
  readonly mode: StagedOptions['mode'];
  readonly swaps: number;
  readonly seconds: number;
  readonly sent: number;
  /** Lost on the wire, before any program saw them. */
  readonly dropped: number;
  /** By the rootlet. */
  readonly seen: number;
  readonly byDefault: number;
  /** By version. */
  readonly judged: readonly [old: number, fresh: number];
  readonly mixed: number;
  readonly fellThrough: number;
  /** Milliseconds of one replacement. */
  readonly times: readonly number[];
}

/** Packets that were not judged by one version, once. 0 is what is wanted. */
export function misjudged({
  sent,
  dropped,
  seen,
  byDefault,
  judged,
  mixed,
  fellThrough,
}: StagedResult): number {
  const [old, fresh] = judged;
  return dropped + Math.abs(sent - seen) + Math.abs(seen - old - fresh) + byDefault + mixed + fellThrough;
}

/** The change to a version. */
export function stageChange(objects: StagedObjects, what: StagedOptions['what'], version: 0 | 1): SlotChange {
  if (what === 'rootlet') return { rootlet: objects.gate[version] };
  return { fill: [{ slot: 'slot2', file: objects.staged[version], program: 'rl_part' }] };
}

/** Replaces one version by the other again and again while packets come in. */
export async function replaceStages(
  wire: TrafficWire,
  generator: string,
  options: StagedOptions,
): Promise<StagedResult> {
  const { sys, objects, what, via, swaps, mode } = options;
  using rootlet = inNetns(sys, `/run/netns/${wire.here}`, () =>
    attachStaged(options, { interface: 'va', mode }),
  );
  const before = wire.bothStatistics();
  const times: number[] = [];
  const begin = performance.now();
  const sending = await Generator.start(generator, wire.there, 'vb');
  let sent = 0;
  try {
    for (let swap = 1; swap <= swaps; swap++) {
      const from = performance.now();
      rootlet.change(stageChange(objects, what, swap % 2 === 1 ? 1 : 0));
      times.push(performance.now() - from);
      await pause(1);
    }
    sent = await sending.stop();
  } catch (error) {
    sending.kill();
    throw error;
  }
  const seconds = (performance.now() - begin) / 1000;
  await pause(200); // what is on the wire arrives
  const dropped = droppedBetween(before, wire.bothStatistics());
  return { what, via, mode, swaps, seconds, sent, dropped, times, ...stagedCounts(rootlet, what) };
}

/** The first version, with the component that stays beside it. */
export function attachStaged(
  { sys, objects, what, via }: Pick<StagedOptions, 'sys' | 'objects' | 'what' | 'via'>,
  place: AttachPlace,
): Rootlet {
  const neighbour = { slot: 'slot1', file: objects.neighbour };
  if (what === 'rootlet')
    return Rootlet.attach(sys, objects.gate[0], place, {
      via,
      program: 'rl_gate',
      slots: { fill: [neighbour] },
    });
  const staged = { slot: 'slot2', file: objects.staged[0], program: 'rl_part' };
  return Rootlet.attach(sys, objects.host, place, { via, slots: { fill: [neighbour, staged] } });
}

/** What was counted since it was attached. */
export function stagedCounts(
  rootlet: Rootlet,
  what: StagedOptions['what'],
): Pick<StagedResult, 'seen' | 'byDefault' | 'judged' | 'mixed' | 'fellThrough'> {
  const host = (index: number): number => entryOf(rootlet, null, index);
  const staged = (index: number): number =>
    what === 'rootlet' ? host(2 + index) : entryOf(rootlet, 'staged', index);
  return {
    seen: host(0),
    byDefault: host(1),
    judged: [staged(0), staged(1)],
    mixed: staged(2),
    fellThrough: staged(3),
  };
}
