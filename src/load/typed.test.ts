import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf } from '../btf/model/testing.ts';
import { PerfBuffer } from '../kernel/objects/perf-buffer.ts';
import { RingBuffer } from '../kernel/objects/ring-buffer.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { loadObject } from './load.ts';
import { packet } from './testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const OBJECT = readObject({
  name: 'typed.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el/typed.bpf.o')),
});
const FLOW = { saddr: 7, port: 80, proto: 17, class: 0 };

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('maps and variables of an object have the types of C', () => {
    using object = loadObject(OBJECT, kernel);
    expect(object.testRun('watch', packet()).verdict).toBe(2);
    expect(object.typedMap('flows').lookup(FLOW)).toMatchObject({ packets: 1n, word: 0x01020304, small: 5 });
    expect(object.globals['last']).toEqual(FLOW);
    expect(object.globals['total']).toBe(1n);
    expect(errorOf(() => (object.globals['first_port'] = 1)).code).toBe('load-global-constant');
  });

  test('records of a ring buffer are values of its type, read, in batches and one by one', async () => {
    using object = loadObject(OBJECT, kernel);
    using ring = new RingBuffer(object.typedMap('records'));
    object.testRun('watch', packet(), { repeat: 3 });
    expect(ring.read(1)).toMatchObject([{ number: 0, time: 1n << 40n, flow: FLOW }]);
    for await (const event of ring) {
      expect(event).toMatchObject({ number: 1 });
      break;
    }
    for await (const batch of ring.batches()) {
      expect(batch).toMatchObject([{ number: 2 }]);
      break;
    }
    expect(ring.read()).toEqual([]);
  });

  test('a type can be named where the map has none; without one records are bytes', () => {
    using object = loadObject(OBJECT, kernel);
    object.testRun('watch', packet(), { repeat: 2 });
    using ring = new RingBuffer(object.typedMap('plain', { value: '__u32' }));
    expect(ring.read(1)).toEqual([0]);
    ring.close();
    using bytes = new RingBuffer(object.map('plain'));
    expect(bytes.read()).toEqual([Uint8Array.of(1, 0, 0, 0)]);
    object.testRun('watch', packet());
    using untyped = new RingBuffer(object.typedMap('plain'));
    expect(untyped.read()).toEqual([Uint8Array.of(2, 0, 0, 0)]);
  });

  test('a record that is too short for its type is reported alone', () => {
    using object = loadObject(OBJECT, kernel);
    object.testRun('watch', packet(), { repeat: 2 });
    using ring = new RingBuffer(object.typedMap('plain', { value: 'struct event' }));
    const problem = errorOf(() => ring.read());
    expect(problem.code).toBe('value-record');
    expect(problem.problems[0]?.message).toBe(
      'a record has 4 bytes, which is too short for "struct event" of 24 bytes',
    );
    expect(errorOf(() => ring.read()).code).toBe('value-record');
    expect(ring.read()).toEqual([]);
  });

  test('perf buffers have values, and the CPU that they come from', () => {
    using object = loadObject(OBJECT, kernel);
    using buffer = new PerfBuffer(object.typedMap('perf'));
    object.testRun('send', packet());
    expect(buffer.read()).toMatchObject([{ cpu: expect.any(Number), data: { time: 9n, flow: { port: 3 } } }]);
  });
});
