import { describe, expect, test } from 'vitest';
import { BPF_F_MMAPABLE, BPF_NOEXIST } from '../../uapi/flags.ts';
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_QUEUE,
} from '../../uapi/map-types.ts';
import { FakeSys } from '../sys/fake.ts';
import { cpuCountOf, possibleCpus } from '../sys/machine.ts';
import { buffersInFlight, encodeU32s } from '../sys/sys.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { decodeAttr } from '../uapi/attr.ts';
import { MapCreateAttr } from '../uapi/uapi.ts';
import { BpfMap } from './map.ts';
import { deleteBatch, readBatches, updateBatch } from './map-batch.ts';

const { sys, reason } = kernelForTests();
const u32 = (value: number) => encodeU32s([value]);

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();
  const hash = () =>
    BpfMap.create(kernel, {
      name: 'test_hash',
      type: BPF_MAP_TYPE_HASH,
      keySize: 4,
      valueSize: 8,
      maxEntries: 1000,
    });

  test('a map without batches is reported: an errno that only the kernel knows', () => {
    using map = BpfMap.create(kernel, {
      name: 'test_queue',
      type: BPF_MAP_TYPE_QUEUE,
      keySize: 0,
      valueSize: 4,
      maxEntries: 4,
    });
    const refusal = expect.objectContaining({
      problems: [
        expect.objectContaining({
          errno: 524,
          message: expect.stringContaining('ENOTSUPP'),
          hint: expect.stringContaining('no batches'),
        }),
      ],
    });
    expect(() => [...readBatches(map)]).toThrow(refusal);
  });

  test('elements: write, read, walk, delete, and no descriptor is left', () => {
    const before = countFds();
    {
      using map = hash();
      const value = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
      map.update(u32(7), value);
      map.update(u32(9), new Uint8Array(8));
      expect(map.lookup(u32(7))).toEqual(value);
      expect(map.lookup(u32(8))).toBeUndefined();
      expect([...map.entries()].map(([key]) => key[0]).sort()).toEqual([7, 9]);
      expect(map.delete(u32(7))).toBe(true);
      expect(map.delete(u32(7))).toBe(false);
      expect(() => map.update(u32(9), value, BPF_NOEXIST)).toThrow(/EEXIST/);
      expect(() => map.update(u32(9), new Uint8Array(4))).toThrow(/value has 4 bytes, not 8/);
      expect(map.info()).toMatchObject({
        name: 'test_hash',
        type: BPF_MAP_TYPE_HASH,
        keySize: 4,
        valueSize: 8,
      });
    }
    expect(countFds()).toBe(before);
    expect(buffersInFlight()).toBe(0);
  });

  test('batches see every element once', () => {
    using map = hash();
    const count = 777;
    const keys = encodeU32s(Array.from({ length: count }, (_, i) => i));
    updateBatch(map, { count, keys, values: new Uint8Array(8 * count).fill(5) });
    const seen: number[] = [];
    for (const batch of readBatches(map, { size: 100 })) {
      for (let i = 0; i < batch.count; i++)
        seen.push((batch.keys[4 * i] ?? 0) + 256 * (batch.keys[4 * i + 1] ?? 0));
      expect(batch.values.every(byte => byte === 5)).toBe(true);
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    deleteBatch(map, keys.subarray(0, 40), 10);
    expect([...map.entries()]).toHaveLength(count - 10);
    expect([...readBatches(map, { remove: true })].reduce((sum, batch) => sum + batch.count, 0)).toBe(
      count - 10,
    );
    expect(map.nextKey(undefined)).toBeUndefined();
  });

  test('per-CPU values are as long as there may be CPUs', () => {
    using map = BpfMap.create(kernel, {
      name: 'pc',
      type: BPF_MAP_TYPE_PERCPU_ARRAY,
      keySize: 4,
      valueSize: 4,
      maxEntries: 1,
    });
    const value = new Uint8Array(8 * possibleCpus()).fill(3);
    map.update(u32(0), value);
    expect(map.valueLength).toBe(8 * possibleCpus());
    expect(map.lookup(u32(0))).toHaveLength(map.valueLength);
  });

  test('a queue is taken from without a key', () => {
    using map = BpfMap.create(kernel, {
      name: 'q',
      type: BPF_MAP_TYPE_QUEUE,
      keySize: 0,
      valueSize: 4,
      maxEntries: 4,
    });
    map.update(new Uint8Array(0), u32(42));
    expect(map.lookupAndDelete()).toEqual(u32(42));
    expect(map.lookupAndDelete()).toBeUndefined();
  });

  test('array memory: what is written there is read by a look-up, and nothing after close', () => {
    using map = BpfMap.create(kernel, {
      name: 'mm',
      type: BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 2,
      flags: BPF_F_MMAPABLE,
    });
    const mapping = map.mmap('read-write', 16);
    mapping.bytes.set([9], 8);
    expect(map.lookup(u32(1))?.[0]).toBe(9);
    mapping.close();
    expect(mapping.bytes).toHaveLength(0);
    map.freeze();
    expect(() => map.update(u32(0), new Uint8Array(8))).toThrow(/EPERM/);
  });

  test('a refused map says what was requested', () => {
    expect(() =>
      BpfMap.create(kernel, {
        name: 'bad',
        type: BPF_MAP_TYPE_ARRAY,
        keySize: 8,
        valueSize: 8,
        maxEntries: 1,
      }),
    ).toThrow(/creating map "bad" \(array, key 8, value 8, 1 entry\): invalid argument \(EINVAL\)/);
  });
});

test('the attribute of a new map has every part of its specification', () => {
  const fake = new FakeSys();
  BpfMap.create(fake, {
    name: 'm',
    type: 1,
    keySize: 4,
    valueSize: 8,
    maxEntries: 5,
    flags: 1,
    numaNode: 2,
    mapExtra: 3n,
    innerMapFd: 4,
    btfFd: 6,
    keyTypeId: 7,
    valueTypeId: 8,
  });
  expect(decodeAttr(MapCreateAttr, fake.calls[0]?.attr ?? new Uint8Array(72))).toMatchObject({
    map_type: 1,
    key_size: 4,
    value_size: 8,
    max_entries: 5,
    map_flags: 1,
    inner_map_fd: 4,
    numa_node: 2,
    map_name: 'm',
    btf_fd: 6,
    btf_key_type_id: 7,
    btf_value_type_id: 8,
    map_extra: 3n,
  });
});

test.each([
  ['0\n', 1],
  ['0-3\n', 4],
  ['0,2-127', 128],
])('CPU list %j means %d CPUs', (list, count) => {
  expect(cpuCountOf(list)).toBe(count);
});

test.each(['', 'x', '0-', '0-999999999'])('CPU list %j is refused', list => {
  expect(() => cpuCountOf(list)).toThrow(expect.objectContaining({ code: 'kernel-cpus' }));
});
