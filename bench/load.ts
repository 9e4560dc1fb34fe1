/**
 * `npm run bench:load`: what loading costs beside bpftool, which is libbpf, and what it costs to talk to what is loaded.
 *
 * Whole processes one after the other, each figure the median of several, over the start of an empty process of the same kind.
 * Needs root, clang-19, gcc, libbpf-dev and bpftool.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpfMap } from '../src/kernel/objects/map.ts';
import { RingBuffer } from '../src/kernel/objects/ring-buffer.ts';
import { openSys } from '../src/kernel/open/koffi.ts';
import { bpf, encodeU32s, type Sys } from '../src/kernel/sys/sys.ts';
import { encodeAttr } from '../src/kernel/uapi/attr.ts';
import { MapElemAttr } from '../src/kernel/uapi/uapi.ts';
import { loadObject } from '../src/load/load.ts';
import { readObject } from '../src/object/read/read.ts';
import { BPF_MAP_LOOKUP_ELEM } from '../src/uapi/commands.ts';
import { BPF_MAP_TYPE_ARRAY } from '../src/uapi/map-types.ts';
import { compileLoadObject, measureLoad, withBpffs } from './load-processes.ts';
import { median, ROOT, table, writeResults } from './support.ts';

const ROUNDS = 15;
const OBJECTS = 100;
const LOOKUPS = 200_000;
const EVENTS = 1_000_000;

const directory = mkdtempSync(join(tmpdir(), 'rootlet-bench-load-'));

function milliseconds(body: () => void): number {
  const start = process.hrtime.bigint();
  body();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

const fds = () => readdirSync('/proc/self/fd').length;

function residentMiB(): number {
  return process.memoryUsage().rss / 2 ** 20;
}

/** The same object again and again: what remains after the first few. */
function manyObjects(sys: Sys, path: string) {
  const bytes = readFileSync(path);
  const once = () => loadObject(readObject({ name: path, bytes }), sys).close();
  for (let n = 0; n < OBJECTS / 2; n++) once();
  const before = { fds: fds(), memory: residentMiB() };
  const time = milliseconds(() => {
    for (let n = 0; n < OBJECTS; n++) once();
  });
  return { fds: fds() - before.fds, memory: residentMiB() - before.memory, time: time / OBJECTS };
}

/** Microseconds of one look-up by way of the map and by the bare system call. */
function lookups(sys: Sys) {
  using map = BpfMap.create(sys, {
    name: 'bench',
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
  });
  const key = encodeU32s([3]);
  const value = new Uint8Array(8);
  const attr = encodeAttr(MapElemAttr, {
    map_fd: map.fd.number,
    key: sys.addressOf(key),
    value: sys.addressOf(value),
  });
  const results = { map: [] as number[], raw: [] as number[] };
  for (let round = 0; round < 7; round++) {
    results.map.push(
      milliseconds(() => {
        for (let n = 0; n < LOOKUPS; n++) map.lookup(key);
      }),
    );
    results.raw.push(
      milliseconds(() => {
        for (let n = 0; n < LOOKUPS; n++) bpf(sys, BPF_MAP_LOOKUP_ELEM, attr);
      }),
    );
  }
  const each = (times: readonly number[]) => (median(times) * 1000) / LOOKUPS;
  return { map: each(results.map), raw: each(results.raw) };
}

/** Counts events and sees whether one is missing. */
class Tally {
  count = 0;
  #next = 0;

  readonly add = (data: Uint8Array, offset: number): void => {
    const number = readU64(data, offset);
    if (this.count > 0 && number !== this.#next) throw new Error(`event ${this.#next} is missing`);
    this.#next = number + 1;
    this.count += 1;
  };
}

function readU64(data: Uint8Array, at: number): number {
  const low = (data[at] ?? 0) + (data[at + 1] ?? 0) * 256 + (data[at + 2] ?? 0) * 65536;
  return low + (data[at + 3] ?? 0) * 2 ** 24 + (data[at + 4] ?? 0) * 2 ** 32;
}

/** Nanoseconds of processor time to take all events out of a full ring. */
function ourFullRing(sys: Sys, path: string): number {
  using object = loadObject(readObject({ name: path, bytes: readFileSync(path) }), sys);
  object.testRun('fill', new Uint8Array(64), { repeat: EVENTS / 1000 });
  using ring = new RingBuffer(object.map('ring'));
  const tally = new Tally();
  const start = process.cpuUsage();
  ring.drain(tally.add);
  const { user, system } = process.cpuUsage(start);
  if (tally.count !== EVENTS) throw new Error('events were lost');
  return (user + system) * 1000;
}

/** Nanoseconds in which all events come out of a ring that another process fills meanwhile. */
async function ourLiveRing(map: BpfMap, sender: string[]): Promise<number> {
  using ring = new RingBuffer(map);
  const tally = new Tally();
  const child = spawn(sender[0] ?? '', sender.slice(1), { stdio: 'inherit' });
  await ring.wait();
  const start = process.hrtime.bigint();
  while (tally.count < EVENTS) if (ring.drain(tally.add) === 0) await ring.wait();
  const time = Number(process.hrtime.bigint() - start);
  await new Promise(resolve => (child.exitCode === null ? child.once('exit', resolve) : resolve(0)));
  return time;
}

/** The same by libbpf. */
async function peerLiveRing(consumer: string, pin: string, sender: string[]): Promise<number> {
  const child = spawn(consumer, ['live', pin, String(EVENTS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    if (output === '') spawn(sender[0] ?? '', sender.slice(1), { stdio: 'inherit' });
    output += text;
  });
  await new Promise(resolve => child.once('close', resolve));
  return Number(output.split('\n')[1]);
}

async function rings(sys: Sys, path: string, bpffs: string) {
  const consumer = join(directory, 'ring-consumer');
  execFileSync('gcc', ['-O2', '-o', consumer, join(ROOT, 'bench/ring_consumer.c'), '-lbpf']);
  using object = loadObject(readObject({ name: path, bytes: readFileSync(path) }), sys);
  const [pin, program] = [join(bpffs, 'ring'), join(bpffs, 'send')];
  object.map('ring').pin(pin);
  object.program('send').pin(program);
  const sender = [consumer, 'send', program, String(EVENTS)];
  const times = {
    full: [] as number[],
    peerFull: [] as number[],
    live: [] as number[],
    peerLive: [] as number[],
  };
  for (let round = 0; round < 5; round++) {
    times.full.push(ourFullRing(sys, path));
    times.peerFull.push(Number(execFileSync(consumer, ['full', path, String(EVENTS)], { encoding: 'utf8' })));
    times.live.push(await ourLiveRing(object.map('ring'), sender));
    times.peerLive.push(await peerLiveRing(consumer, pin, sender));
  }
  const rate = (list: readonly number[]) => (EVENTS / median(list)) * 1000;
  return {
    full: rate(times.full),
    peerFull: rate(times.peerFull),
    live: rate(times.live),
    peerLive: rate(times.peerLive),
  };
}

async function main(): Promise<void> {
  await withBpffs(directory, async bpffs => {
    const plain = compileLoadObject(join(directory, 'load.o'));
    const ring = compileLoadObject(join(directory, 'ring.o'), '-DWITH_RING');
    const sys = openSys();
    const whole = measureLoad(plain, bpffs, directory, ROUNDS);
    const many = manyObjects(sys, plain);
    const lookup = lookups(sys);
    const events = await rings(sys, ring, bpffs);
    const rows = [
      [
        '`rootlet load` as a whole process, 50 CO-RE relocations, over an empty process',
        `${(whole.ours * 1000).toFixed(0)} ms`,
        `bpftool: ${(whole.peer * 1000).toFixed(0)} ms`,
        `${(whole.ours / whole.peer).toFixed(2)} times`,
        'at most 2 times',
      ],
      [
        '… of that, for reading and compiling the command (`--help`)',
        `${(whole.help * 1000).toFixed(0)} ms`,
        '',
        '',
        '',
      ],
      [
        'peak memory of that, over an empty process',
        `${(whole.memory / 2 ** 20).toFixed(0)} MiB`,
        '',
        '',
        'at most 150 MB',
      ],
      [`${OBJECTS} objects in one process: each`, `${many.time.toFixed(1)} ms`, '', '', ''],
      ['… descriptors more afterwards', `${many.fds}`, '', '', '0'],
      ['… memory more afterwards', `${many.memory.toFixed(1)} MiB`, '', '', 'none that grows'],
      [
        'look-up in a map',
        `${lookup.map.toFixed(2)} µs`,
        `bare call: ${lookup.raw.toFixed(2)} µs`,
        `${(lookup.map - lookup.raw).toFixed(2)} µs more`,
        'at most 2 µs more',
      ],
      [
        `ring buffer, ${EVENTS / 1e6} million events while they are sent, none lost`,
        `${events.live.toFixed(1)} million/s`,
        `libbpf: ${events.peerLive.toFixed(1)} million/s`,
        `${(events.live / events.peerLive).toFixed(2)} times`,
        'at least 0.5 times',
      ],
      [
        '… out of a full ring (processor time)',
        `${events.full.toFixed(0)} million/s`,
        `libbpf: ${events.peerFull.toFixed(0)} million/s`,
        `${(events.full / events.peerFull).toFixed(2)} times`,
        '',
      ],
    ];
    const text = [
      table(['', 'rootlet', 'peer', 'ratio', 'aim'], rows),
      '',
      `An empty Node process takes ${(whole.bare * 1000).toFixed(0)} ms. Medians; whole processes, alternately, ${ROUNDS} times.`,
      'What is above the aim: code that runs once and is interpreted, over the 126,000 types of this kernel and the object;',
      'bpftool runs the same steps compiled.',
    ].join('\n');
    writeResults('load', text);
  });
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true });
}
