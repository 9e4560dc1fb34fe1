/**
 * Replacements under traffic: a generator in one network namespace, a rootlet in another, and a count of every packet.
 *
 * Every version of a component counts the packets that it judges in an array that all versions share, one entry each;
 * the rootlet counts all that it gets, and the slots' own code counts as well. All packets were judged, by the old or
 * by the new code, if the sum of the versions is what the generator sent and the slots' own code counted none. Two slots
 * that are replaced together leave their version in the packet and compare: no packet may meet one old and one new.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SlotBackEnd } from '../../../src/dynamic/generation/generation.ts';
import { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { mapKey } from '../../../src/state/identity.ts';

const NAMES = ['host', 'first_a', 'first_b', 'second_a', 'second_b'] as const;

export type TrafficObjects = Readonly<Record<(typeof NAMES)[number], ObjectFile>>;

/** `test/vm/programs/traffic_*.bpf.c`, compiled; `directory` has the objects. */
export function trafficObjects(folder: string): TrafficObjects {
  const read = (name: (typeof NAMES)[number]): ObjectFile => {
    const file = `traffic_${name}.bpf.o`;
    return { name: file, bytes: readFileSync(join(folder, file)) };
  };
  return {
    host: read('host'),
    first_a: read('first_a'),
    first_b: read('first_b'),
    second_a: read('second_a'),
    second_b: read('second_b'),
  };
}

export interface TrafficResult {
  readonly via: SlotBackEnd;
  readonly swaps: number;
  readonly seconds: number;
  readonly sent: number;
  /** Lost on the wire, before any program saw them. */
  readonly dropped: number;
  readonly seen: number;
  /** By the slots' own code. */
  readonly byDefault: number;
  /** For each slot: packets judged by the versions. */
  readonly judged: readonly (readonly [old: number, fresh: number])[];
  /** Packets that met one old and one new slot. */
  readonly mixed: number;
  /** Milliseconds of one replacement. */
  readonly times: readonly number[];
}

export interface TrafficOptions {
  readonly sys: Sys;
  readonly objects: TrafficObjects;
  readonly via: SlotBackEnd;
  readonly swaps: number;
  readonly mode: 'native' | 'generic';
}

/** Two network namespaces with a wire between them, one end in each. */
export class TrafficWire {
  readonly here: string;
  readonly there: string;

  constructor(name: string) {
    this.here = `${name}-h${process.pid}`;
    this.there = `${name}-t${process.pid}`;
    const ip = (...words: readonly string[]) => execFileSync('ip', words);
    ip('netns', 'add', this.here);
    ip('netns', 'add', this.there);
    ip('-n', this.here, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', this.there);
    // only the packets of the test
    for (const [netns, end] of [
      [this.here, 'va'],
      [this.there, 'vb'],
    ] as const) {
      execFileSync('ip', [
        'netns',
        'exec',
        netns,
        'sh',
        '-c',
        'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6',
      ]);
      ip('-n', netns, 'link', 'set', end, 'arp', 'off', 'up');
    }
  }

  close(): void {
    for (const netns of [this.here, this.there]) execFileSync('ip', ['netns', 'del', netns]);
  }

  /** Of both ends. */
  bothStatistics(): Statistics {
    return [this.statistics(this.here, 'va'), this.statistics(this.there, 'vb')];
  }

  /** Frames that this end of the wire sent, and that it could not. */
  statistics(netns: string, end: string): { readonly received: number; readonly dropped: number } {
    const text = execFileSync('ip', ['-n', netns, '-s', '-j', 'link', 'show', end], { encoding: 'utf8' });
    const [link] = JSON.parse(text);
    const { rx, tx } = link.stats64;
    return { received: rx.packets, dropped: rx.dropped + tx.dropped };
  }
}

/** A generator that sends until it is asked to stop. */
export class Generator {
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', text => {
      this.#output += String(text);
    });
  }

  static async start(program: string, netns: string, end: string): Promise<Generator> {
    const child = spawn('ip', ['netns', 'exec', netns, program, end], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const generator = new Generator(child);
    while (!generator.#output.includes('sending')) await pause(5);
    return generator;
  }

  /** Packets that were sent. */
  async stop(): Promise<number> {
    const ended = new Promise(resolve => this.#child.once('close', resolve));
    this.#child.kill('SIGTERM');
    await ended;
    const [, line = ''] = this.#output.trim().split('\n');
    const [sent = ''] = line.split(' ');
    if (!/^\d+$/.test(sent)) throw new Error(`the generator said ${JSON.stringify(this.#output)}`);
    return Number(sent);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Compiles the generator; the caller removes the directory. */
export function compileGenerator(source = join(import.meta.dirname, 'traffic.c')): {
  readonly program: string;
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'rootlet-traffic-'));
  const program = join(folder, 'traffic');
  execFileSync('gcc', ['-O2', '-o', program, source]);
  return { program, remove: () => rmSync(folder, { recursive: true }) };
}

/** Replaces both slots together (with `tail` the second one alone) again and again while packets come in. */
export async function replaceUnderTraffic(
  wire: TrafficWire,
  program: string,
  options: TrafficOptions,
): Promise<TrafficResult> {
  const { sys, objects, via, swaps, mode } = options;
  const change = (version: 0 | 1) => ({
    fill: [
      ...(via === 'tail' ? [] : [{ slot: 'slot1', file: version === 0 ? objects.first_a : objects.first_b }]),
      { slot: 'slot2', file: version === 0 ? objects.second_a : objects.second_b },
    ],
  });
  const start = {
    fill: [...change(0).fill, ...(via === 'tail' ? [{ slot: 'slot1', file: objects.first_a }] : [])],
  };
  const attach = () => Rootlet.attach(sys, objects.host, { interface: 'va', mode }, { via, slots: start });
  using rootlet = inNetns(sys, `/run/netns/${wire.here}`, attach);
  const before = wire.bothStatistics();
  const times: number[] = [];
  const begin = performance.now();
  const generator = await Generator.start(program, wire.there, 'vb');
  let sent = 0;
  try {
    for (let swap = 1; swap <= swaps; swap++) {
      const from = performance.now();
      rootlet.change(change(swap % 2 === 1 ? 1 : 0));
      times.push(performance.now() - from);
      await pause(1);
    }
    sent = await generator.stop();
  } catch (error) {
    generator.kill();
    throw error;
  }
  const seconds = (performance.now() - begin) / 1000;
  await pause(200); // what is on the wire arrives
  const after = wire.bothStatistics();
  return {
    via,
    swaps,
    seconds,
    sent,
    times,
    dropped: droppedBetween(before, after),
    ...countsOf(rootlet, via),
  };
}

type Statistics = readonly { readonly dropped: number }[];

/** Frames that were lost on the wire. */
export function droppedBetween(before: Statistics, after: Statistics): number {
  return after.reduce((sum, { dropped }, at) => sum + dropped - (before[at]?.dropped ?? 0), 0);
}

function countsOf(
  rootlet: Rootlet,
  via: SlotBackEnd,
): Pick<TrafficResult, 'seen' | 'byDefault' | 'judged' | 'mixed'> {
  const ownerOf = (slot: string) => rootlet.slots.find(state => state.slot === slot)?.fill?.component ?? '';
  const [first, second] = [ownerOf('slot1'), ownerOf('slot2')];
  const judged = (owner: string) => [entryOf(rootlet, owner, 0), entryOf(rootlet, owner, 1)] as const;
  return {
    seen: entryOf(rootlet, null, 0),
    byDefault: entryOf(rootlet, null, 1),
    judged: [judged(first), judged(second)],
    mixed: via === 'tail' ? 0 : entryOf(rootlet, second, 2),
  };
}

/** An entry of `counts` of a component, or of the rootlet itself. */
export function entryOf(rootlet: Rootlet, owner: string | null, index: number): number {
  const map = rootlet.generation.maps.get(mapKey({ owner, name: 'counts' }));
  if (map === undefined) throw new Error(`no counts of ${owner ?? 'the rootlet'}`);
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  const value = map.lookup(key);
  return value === undefined ? 0 : Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
