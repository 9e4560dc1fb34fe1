/**
 * Soak of consumers of events, under overload: programs produce more than the buffer holds before it is read. What was
 * received and what is reported as lost has to be what was produced, as the program itself counts it. Ring buffers do not
 * count what they have no room for: programs are given an error, and have to count it themselves.
 */

import { viewOf } from '../../src/bytes/index.ts';
import { PerfBuffer } from '../../src/kernel/objects/perf-buffer.ts';
import { RingBuffer } from '../../src/kernel/objects/ring-buffer.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { PREFIX } from './measure.ts';
import type { Cycles, Subject } from './subject.ts';
import type { World } from './world.ts';

const PACKET = new Uint8Array(64);

export function eventSubjects(world: World): Subject[] {
  const subject = (
    name: string,
    cycle: (loaded: LoadedObject, at: number) => void | Promise<void>,
  ): Subject => ({
    what: 'events',
    name,
    open(): Cycles {
      const loaded = loadObject(readObject(world.object('events')), world.sys, { pinRoot: null });
      return { cycle: at => cycle(loaded, at), close: () => loaded.close() };
    },
  });
  return [
    subject('ring buffer: open, overload, read, close', ringCycle),
    subject('perf buffer: open, overload, read, close', perfCycle),
    subject('ring buffer: for await', async loaded => {
      using ring = new RingBuffer(loaded.map('ring'));
      await consume(ring, loaded, `${PREFIX}ring`, data => data);
    }),
    subject('perf buffer: for await', async loaded => {
      using buffer = new PerfBuffer(loaded.map('perf'), 1);
      await consume(buffer, loaded, `${PREFIX}perf`, ({ data }) => data);
    }),
  ];
}

/** Up to three times what the buffer holds. */
const many = (at: number): number => 1 + ((Math.imul(at, 7919) >>> 0) % 600);

function counters(loaded: LoadedObject): { readonly produced: number; readonly refused: number } {
  const { produced, refused } = loaded.globals;
  return { produced: Number(produced), refused: Number(refused) };
}

/** Checks that a record is whole, and gives its number. */
function numberOf(record: Uint8Array): number {
  const view = viewOf(record);
  const number = view.getBigUint64(0, true);
  if (BigInt.asUintN(64, ~number) !== view.getBigUint64(8, true)) throw new Error(`record ${number} is torn`);
  return Number(number);
}

function requireSum(what: string, received: number, lost: number, produced: number): void {
  if (received + lost !== produced)
    throw new Error(`${what}: ${received} received and ${lost} lost of ${produced}`);
}

function ringCycle(loaded: LoadedObject, at: number): void {
  const before = counters(loaded);
  using ring = new RingBuffer(loaded.map('ring'));
  loaded.testRun(`${PREFIX}ring`, PACKET, { repeat: many(at) });
  const numbers = ring.read().map(numberOf);
  const { produced, refused } = counters(loaded);
  const lost = refused - before.refused;
  requireSum('ring buffer', numbers.length, lost, produced - before.produced);
  // what was received is the beginning, without gaps
  if (numbers.some((number, position) => number !== before.produced + position))
    throw new Error('ring buffer: records have gaps');
}

function perfCycle(loaded: LoadedObject, at: number): void {
  const before = counters(loaded);
  using buffer = new PerfBuffer(loaded.map('perf'), 1);
  let received = 0;
  for (let turn = 0; turn < 3; turn++) {
    loaded.testRun(`${PREFIX}perf`, PACKET, { repeat: many(at + turn) });
    received += buffer.read().map(({ data }) => numberOf(data)).length;
  }
  const { produced } = counters(loaded);
  requireSum('perf buffer', received, buffer.lost, produced - before.produced);
}

/** Reads with `for await`, which is ended after three records and begun once more: nothing is lost in between. */
async function consume<T>(
  source: AsyncIterable<T>,
  loaded: LoadedObject,
  program: string,
  bytesOf: (record: T) => Uint8Array,
): Promise<void> {
  const before = counters(loaded);
  loaded.testRun(program, PACKET, { repeat: 10 });
  const numbers: number[] = [];
  for (const end of [3, 10]) {
    for await (const record of source) {
      numbers.push(numberOf(bytesOf(record)));
      if (numbers.length === end) break;
    }
  }
  if (numbers.some((number, position) => number !== before.produced + position))
    throw new Error(`records have gaps: ${numbers.map(number => number - before.produced)}`);
}
