import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PerfBuffer } from '../kernel/objects/perf-buffer.ts';
import { RingBuffer } from '../kernel/objects/ring-buffer.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { cpuListOf, pageSizeOf } from '../kernel/sys/machine.ts';
import { decodeU32s, type Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { loadObject } from './load.ts';
import { packet } from './testing.ts';

const { sys, reason } = kernelForTests();
/** Since Linux 6.0 the kernel counts the records that a perf buffer had no room for. */
const countsLost = Number(release().split('.')[0]) >= 6;
const kernel: Sys = sys ?? new FakeSys();
const OBJECT = readObject({
  name: 'events.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el/events.bpf.o')),
});

/** Waits until `condition` holds; the test's own time limit ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
}

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const load = () => loadObject(OBJECT, kernel);

  test('records come in order, discarded ones do not, and the ring may go round', () => {
    using object = load();
    using ring = new RingBuffer(object.map('ring'));
    const seen: number[] = [];
    for (let round = 0; round < 40; round++) {
      object.testRun('to_ring', packet(), { repeat: 50 });
      for (const record of ring.read()) {
        const [number = -1, double, mark] = decodeU32s(record);
        expect([record.length, double, mark]).toEqual([12, number * 2, 0xabcd]);
        seen.push(number);
      }
    }
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => i).filter(i => i % 3 !== 2));
    expect(object.variables.get('dropped')).toBe(0);
    expect(ring.read()).toEqual([]);
  });

  test('a limit leaves the rest for the next time', () => {
    using object = load();
    using ring = new RingBuffer(object.map('ring'));
    object.testRun('to_ring', packet(), { repeat: 9 });
    expect([ring.read(4).length, ring.read(4).length, ring.read().length]).toEqual([4, 2, 0]);
  });

  test('for await waits for the kernel and ends with close', async () => {
    const before = countFds();
    {
      using object = load();
      const ring = new RingBuffer(object.map('ring'));
      const seen: number[] = [];
      const done = (async () => {
        for await (const record of ring) seen.push(decodeU32s(record)[0] ?? -1);
      })();
      for (let turn = 0; turn < 3; turn++) {
        await new Promise(resolve => setTimeout(resolve, 20));
        object.testRun('to_ring', packet());
      }
      await until(() => seen.length === 2);
      ring.close();
      await done;
      expect(seen).toEqual([0, 1]);
      expect(ring.read()).toEqual([]);
    }
    await until(() => countFds() === before);
  });

  test('perf buffers: records with their CPU, and how many were lost', async () => {
    // lost records are reported by the next one on the same CPU
    execFileSync('taskset', ['-cp', '0', String(process.pid)]);
    using object = load();
    using buffer = new PerfBuffer(object.map('perf'), 1);
    object.testRun('to_perf', packet());
    const [first] = buffer.read();
    expect(decodeU32s(first?.data ?? new Uint8Array(0)).slice(0, 3)).toEqual([0, 7, 9]);
    expect(first?.cpu).toBeGreaterThanOrEqual(0);
    object.testRun('to_perf', packet(), { repeat: 500 });
    const got = buffer.read();
    if (countsLost) expect(got.length + buffer.lost).toBe(500); // no further record has to come
    object.testRun('to_perf', packet());
    const after = buffer.read();
    expect(got.length + after.length + buffer.lost).toBe(501);
    expect(buffer.lost).toBeGreaterThan(300);
    const seen: number[] = [];
    const done = (async () => {
      for await (const record of buffer) seen.push(decodeU32s(record.data)[0] ?? -1);
    })();
    await new Promise(resolve => setTimeout(resolve, 20));
    object.testRun('to_perf', packet());
    await until(() => seen.length === 1);
    buffer.close();
    await done;
    expect(seen).toEqual([502]);
    const { lost } = buffer;
    expect(lost).toBeGreaterThan(300);
  });

  test('a loop that ends early leaves its records to the next one, and to read()', async () => {
    using object = load();
    using ring = new RingBuffer(object.map('ring'));
    using buffer = new PerfBuffer(object.map('perf'));
    object.testRun('to_ring', packet(), { repeat: 9 });
    const seen: number[] = [];
    const one = async () => {
      for await (const record of ring) {
        seen.push(decodeU32s(record)[0] ?? -1);
        break;
      }
    };
    await one();
    await one();
    await ring.wait(); // there are some
    const rest = [...ring.read(2), ...ring.read()].map(record => decodeU32s(record)[0] ?? -1);
    expect([...seen, ...rest]).toEqual([0, 1, 3, 4, 6, 7]);
    object.testRun('to_perf', packet(), { repeat: 4 });
    for await (const { data } of buffer) {
      expect(decodeU32s(data)[0]).toBe(9);
      break;
    }
    expect(buffer.read().map(({ data }) => decodeU32s(data)[0])).toEqual([10, 11, 12]);
  });

  test('a map that is not a ring buffer is refused', () => {
    using object = load();
    expect(() => new RingBuffer(object.map('perf'))).toThrow(
      expect.objectContaining({ code: 'kernel-ring-buffer' }),
    );
    expect(() => new PerfBuffer(object.map('perf'), 3)).toThrow(/not a power of two/);
  });
});

test.each([
  ['0', [0]],
  ['0-3,8\n', [0, 1, 2, 3, 8]],
  ['', []],
])('CPU list %j', (list, cpus) => {
  expect(list === '' ? [] : cpuListOf(list)).toEqual(cpus);
});

test('the page size is found in an auxiliary vector', () => {
  const auxv = new Uint8Array(new BigUint64Array([3n, 5n, 6n, 16384n, 0n, 0n]).buffer);
  expect(pageSizeOf(auxv)).toBe(16384);
  expect(pageSizeOf(new Uint8Array(8))).toBeUndefined();
});
