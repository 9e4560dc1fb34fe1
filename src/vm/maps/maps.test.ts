/** Maps against plain models, on random operations over few keys. */

import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { useRandom } from '../../image/random.ts';
import type { MapDefinition } from '../../object/model/map-definition.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC } from '../../uapi/errno.ts';
import * as uapi from '../../uapi/index.ts';
import { createStore, storageSize } from '../run/map-factory.ts';
import { Heap } from '../state/heap.ts';
import { memorySize } from '../state/layout.ts';
import type { MapStorage, MapStore } from '../state/map-store.ts';
import { MachineMemory } from '../state/memory.ts';
import { randomSource } from '../testing.ts';
import { RingBufferStore } from './ring-buffer.ts';
import { UseOrder } from './use-order.ts';

const [KEY, VALUE, CELL, ZEROS, STORAGE] = [0x100, 0x8200, 0x300, 0x400, 0x11000];

type StorageKind = MapStorage['kind'];
const STORAGES: readonly StorageKind[] = ['reserved', 'on-demand'];

function storeOf(
  type: number,
  keySize: number,
  valueSize: number,
  maxEntries: number,
  kind: StorageKind = 'reserved',
) {
  const definition: MapDefinition = {
    name: 'map',
    type,
    keySize,
    valueSize,
    maxEntries,
    flags: 0,
    mapExtra: 0n,
    numaNode: 0,
    pinning: 0,
    keyType: 0,
    valueType: 0,
    inner: null,
    holdsPrograms: false,
    valuesOffset: 0,
  };
  const bytes = Math.ceil((STORAGE + storageSize(definition)) / 0x10000) * 0x10000;
  const onDemand = kind === 'on-demand';
  const memory = new MachineMemory(bytes * (onDemand ? 16 : 1), 'little');
  const heap = new Heap('test.o', memory, bytes);
  const storage: MapStorage = onDemand ? { kind, table: STORAGE } : { kind: 'reserved', address: STORAGE };
  const env = { memory, heap, definition, storage, hasLock: false, keyCell: CELL, zeros: ZEROS };
  const store = createStore(env, () => 0);
  return { store, memory, heap };
}

interface Prefix {
  readonly length: number;
  readonly bits: number;
}

const prefixMask = (length: number) => (length === 0 ? 0 : (0xffff << (16 - length)) & 0xffff);
const matches = (prefix: Prefix, key: Prefix) =>
  prefix.length <= key.length && ((prefix.bits ^ key.bits) & prefixMask(prefix.length)) === 0;

describe.each(STORAGES)('longest prefixes in %s memory', kind => {
  const MAX = 12;
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_LPM_TRIE, 6, 4, MAX, kind);
  const put = ({ length, bits }: Prefix) => {
    memory.setU32(KEY, length);
    memory.view.setUint16(KEY + 4, bits, false);
    return KEY;
  };
  const nameOf = ({ length, bits }: Prefix) => `${bits & prefixMask(length)}/${length}`;

  test('are those that a list finds', () => {
    const random = randomSource(11);
    const model = new Map<string, { readonly prefix: Prefix; value: number }>();
    const seen = new Set<number>();
    for (let step = 0; step < 40_000; step++) {
      // Few prefixes, of which many contain each other.
      const prefix = { length: random(7) + (random(4) === 0 ? 10 : 0), bits: (random(16) << 12) | random(2) };
      const name = nameOf(prefix);
      const operation = random(4);
      if (operation < 2) {
        const flags = random(3);
        memory.setU32(VALUE, step);
        const known = model.get(name);
        let expected = 0;
        if (known !== undefined && flags === 1) expected = -EEXIST;
        else if (known === undefined && flags === 2) expected = -ENOENT;
        else if (known === undefined && model.size === MAX) expected = -ENOSPC;
        else model.set(name, { prefix, value: step });
        expect(store.update(put(prefix), VALUE, flags), `step ${step}`).toBe(expected);
        seen.add(expected);
      } else if (operation === 2) {
        const expected = model.delete(name) ? 0 : -ENOENT;
        expect(store.remove(put(prefix)), `step ${step}`).toBe(expected);
      } else {
        const key = { length: 6 + random(11), bits: random(0x10000) };
        const found = [...model.values()]
          .filter(entry => matches(entry.prefix, key))
          .sort((a, b) => b.prefix.length - a.prefix.length)[0];
        const at = store.lookup(put(key));
        expect(at === 0 ? undefined : memory.u32(at), `step ${step}`).toBe(found?.value);
      }
    }
    expect(seen).toEqual(new Set([0, -EEXIST, -ENOENT, -ENOSPC]));
    const names = [...store.elements()].map(({ key }) =>
      nameOf({ length: memory.u32(key), bits: memory.view.getUint16(key + 4, false) }),
    );
    expect(names.sort()).toEqual([...model.keys()].sort());
  });

  test('that are too long are refused', () => {
    memory.setU32(VALUE, 1);
    expect(store.update(put({ length: 17, bits: 0 }), VALUE, 0)).toBe(-EINVAL);
    expect(store.remove(put({ length: 17, bits: 0 }))).toBe(-EINVAL);
    expect(store.lookup(put({ length: 17, bits: 0 }))).toBe(0);
  });
});

describe.each([1, 2, 3, 4, 6, 8, 13])('hash tables with keys of %d bytes', keySize => {
  test.each(STORAGES)('do what a Map does in %s memory', kind => {
    const max = 20;
    const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_HASH, keySize, 8, max, kind);
    const model = new Map<number, bigint>();
    const random = randomSource(keySize);
    const put = (key: number) => {
      memory.bytes.fill(0, KEY, KEY + keySize);
      memory.setU8(KEY + keySize - 1, key); // the last byte counts as all others
      return KEY;
    };
    for (let step = 0; step < 20_000; step++) {
      const key = random(40);
      const operation = random(4);
      if (operation === 0) expect(store.remove(put(key))).toBe(model.delete(key) ? 0 : -ENOENT);
      else if (operation === 1) {
        const at = store.lookup(put(key));
        expect(at === 0 ? undefined : memory.u64(at), `step ${step}`).toBe(model.get(key));
      } else {
        const flags = random(3);
        memory.setU64(VALUE, BigInt(step));
        let expected = 0;
        if (model.has(key) && flags === 1) expected = -EEXIST;
        else if (!model.has(key) && flags === 2) expected = -ENOENT;
        else if (!model.has(key) && model.size === max) expected = -E2BIG;
        else model.set(key, BigInt(step));
        expect(store.update(put(key), VALUE, flags), `step ${step}`).toBe(expected);
      }
    }
    const found = [...store.elements()].map(({ key, value }) => [
      memory.u8(key + keySize - 1),
      memory.u64(value),
    ]);
    expect(new Map(found as [number, bigint][])).toEqual(model); // pairs by construction
  });
});

test.each(STORAGES)('an LRU table in %s memory keeps what was used last', kind => {
  const max = 5;
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_LRU_HASH, 4, 4, max, kind);
  let order: number[] = [];
  const random = randomSource(3);
  const put = (key: number) => {
    memory.setU32(KEY, key);
    return KEY;
  };
  for (let step = 0; step < 5000; step++) {
    const key = random(9);
    const operation = random(5);
    if (operation === 0) {
      expect(store.remove(put(key)), `step ${step}`).toBe(order.includes(key) ? 0 : -ENOENT);
      order = order.filter(other => other !== key);
    } else if (operation === 1) {
      expect(store.lookup(put(key)) !== 0, `step ${step}`).toBe(order.includes(key));
      if (order.includes(key)) order = [...order.filter(other => other !== key), key];
    } else {
      expect(store.update(put(key), VALUE, 0)).toBe(0);
      order = [...order.filter(other => other !== key), key].slice(-max);
    }
  }
  expect([...store.elements()].map(({ key }) => memory.u32(key)).sort()).toEqual([...order].sort());
});

test('an order of use that is empty has no oldest', () => {
  const order = new UseOrder(2);
  expect(order.oldest()).toBe(0);
  order.add(1);
  order.add(2);
  order.touch(1);
  expect(order.oldest()).toBe(2);
  order.remove(2);
  order.remove(1);
  expect(order.oldest()).toBe(0);
});

test.each([
  ['queue', uapi.BPF_MAP_TYPE_QUEUE, 'reserved'],
  ['stack', uapi.BPF_MAP_TYPE_STACK, 'reserved'],
  ['queue', uapi.BPF_MAP_TYPE_QUEUE, 'on-demand'],
  ['stack', uapi.BPF_MAP_TYPE_STACK, 'on-demand'],
] as const)('a %s', (_, type, kind) => {
  const { store, memory } = storeOf(type, 0, 4, 4, kind);
  const { queue } = store;
  if (queue === undefined) throw new Error('no queue');
  const model: number[] = [];
  const random = randomSource(type);
  for (let step = 0; step < 5000; step++) {
    const operation = random(4);
    memory.setU32(VALUE, step);
    if (operation < 2) {
      const flags = random(2) * 2;
      const full = model.length === 4;
      expect(queue.push(VALUE, flags)).toBe(full && flags === 0 ? -E2BIG : 0);
      if (!full || flags !== 0) model.push(step);
      if (model.length > 4) model.shift();
    } else {
      const next = type === uapi.BPF_MAP_TYPE_QUEUE ? model[0] : model.at(-1);
      const result = operation === 2 ? queue.pop(VALUE) : queue.peek(VALUE);
      expect(result).toBe(next === undefined ? -ENOENT : 0);
      expect(memory.u32(VALUE)).toBe(next ?? 0);
      if (operation === 2) model.splice(type === uapi.BPF_MAP_TYPE_QUEUE ? 0 : -1, 1);
    }
  }
  const left = [...store.elements()].map(({ value }) => memory.u32(value));
  expect(left).toEqual(model);
});

test('between the values of an array nothing is accessible', () => {
  const { memory } = storeOf(uapi.BPF_MAP_TYPE_ARRAY, 4, 12, 100);
  const store: MapStore = storeOf(uapi.BPF_MAP_TYPE_ARRAY, 4, 12, 100).store;
  const stride = store.array === null ? 0 : store.array.stride;
  expect(stride).toBe(32);
  for (const index of [0, 1, 50, 99]) {
    const at = STORAGE + index * stride;
    expect([...memory.shadow.subarray(at - 1, at + 13)]).toEqual([0, ...new Array(12).fill(3), 0]);
  }
  expect(memory.shadow[STORAGE + 100 * stride]).toBe(0);
});

describe('tables that grow', () => {
  const COUNT = 20_000;

  test.each([
    ['hash', uapi.BPF_MAP_TYPE_HASH],
    ['lru', uapi.BPF_MAP_TYPE_LRU_HASH],
  ])('a %s keeps all elements, and evicts none before it is full', (_, type) => {
    const { store, memory } = storeOf(type, 4, 4, COUNT, 'on-demand');
    const addresses = new Map<number, number>();
    for (let key = 0; key < COUNT; key++) {
      memory.setU32(KEY, key * 7);
      memory.setU32(VALUE, key);
      expect(store.update(KEY, VALUE, 0)).toBe(0);
      addresses.set(key, store.lookup(KEY));
    }
    for (const [key, address] of addresses) {
      memory.setU32(KEY, key * 7);
      expect(store.lookup(KEY)).toBe(address);
      expect(memory.u32(address)).toBe(key);
    }
    memory.setU32(KEY, COUNT * 7);
    expect(store.update(KEY, VALUE, 0)).toBe(type === uapi.BPF_MAP_TYPE_HASH ? -E2BIG : 0);
    memory.setU32(KEY, 0);
    expect(store.lookup(KEY) === 0).toBe(type === uapi.BPF_MAP_TYPE_LRU_HASH);
  });

  test('a trie finds each of many prefixes', () => {
    const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_LPM_TRIE, 8, 4, COUNT, 'on-demand');
    const put = (key: number) => {
      memory.setU32(KEY, 32);
      memory.view.setUint32(KEY + 4, Math.imul(key, 0x9e3779b1) >>> 0, false);
    };
    for (let key = 0; key < COUNT; key++) {
      put(key);
      memory.setU32(VALUE, key);
      expect(store.update(KEY, VALUE, 0)).toBe(0);
    }
    for (let key = 0; key < COUNT; key++) {
      put(key);
      expect(memory.u32(store.lookup(KEY))).toBe(key);
    }
  });
});

describe('an array in chunks', () => {
  const COUNT = 10_000;

  test('has memory only for chunks that were used', () => {
    const { store, memory, heap } = storeOf(uapi.BPF_MAP_TYPE_ARRAY, 4, 40, COUNT, 'on-demand');
    memory.setU32(KEY, 9000);
    expect(store.reader?.lookup(KEY)).toBe(ZEROS);
    expect(heap.regions).toHaveLength(0);
    const address = store.lookup(KEY);
    expect(heap.regions).toHaveLength(1);
    expect([...memory.shadow.subarray(address - 1, address + 41)]).toEqual([0, ...Array(40).fill(3), 0]);
    memory.setU32(address, 77);
    expect(store.lookup(KEY)).toBe(address);
    const values = [...(store.reader?.elements() ?? [])].map(({ value }) => value);
    expect(values.length).toBe(COUNT);
    expect(values.flatMap((value, index) => (memory.u32(value) === 0 ? [] : [index]))).toEqual([9000]);
    expect(heap.regions).toHaveLength(1);
    memory.setU32(KEY, COUNT);
    expect(store.lookup(KEY)).toBe(0);
  });
});

test.each(STORAGES)('slots of a device map in %s memory are there or not', kind => {
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_DEVMAP, 4, 8, 5000, kind);
  const model = new Map<number, number>();
  const random = randomSource(5);
  for (let step = 0; step < 3000; step++) {
    const index = random(6000);
    memory.setU32(KEY, index);
    memory.setU32(VALUE, step);
    if (random(3) === 0) {
      expect(store.remove(KEY)).toBe(index < 5000 ? 0 : -EINVAL);
      model.delete(index);
    } else {
      expect(store.update(KEY, VALUE, 0)).toBe(index < 5000 ? 0 : -E2BIG);
      if (index < 5000) model.set(index, step);
    }
    expect(store.lookup(KEY) !== 0).toBe(model.has(index));
  }
  const found: (readonly number[])[] = [];
  for (const { key, value } of store.elements()) found.push([memory.u32(key), memory.u32(value)]);
  expect(found).toEqual([...model].sort((a, b) => a[0] - b[0]));
});

test('a large ring takes segments as they are needed, and uses them again', () => {
  const { store, memory, heap } = storeOf(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, 0x80000, 'on-demand');
  if (!(store instanceof RingBufferStore)) throw new Error('no ring');
  const random = randomSource(9);
  for (let round = 0; round < 200; round++) {
    const sent: number[] = [];
    let ends = 0;
    for (;;) {
      const size = 1 + random(round === 0 ? 100 : 0x18000);
      const at = store.reserve(size);
      const fits = ends + Math.ceil((size + 8) / 8) * 8 < 0x80000;
      expect(at !== 0).toBe(fits);
      if (at === 0) break;
      ends += Math.ceil((size + 8) / 8) * 8;
      memory.bytes.fill(sent.length, at, at + size);
      sent.push(size);
      expect(store.finish(at, false)).toBe(true);
      if (round === 0 && sent.length === 10) break;
    }
    const taken: number[] = [];
    store.drain(record => {
      expect(record.every(byte => byte === (taken.length & 0xff))).toBe(true);
      taken.push(record.length);
    });
    expect(taken).toEqual(sent);
    if (round === 0) expect(heap.regions.map(({ start, end }) => end - start)).toEqual([0x10000]);
  }
  const total = heap.regions.reduce((sum, { start, end }) => sum + end - start, 0);
  expect(total).toBeLessThanOrEqual(2 * 0x80000);
});

test('a ring is never quite full', () => {
  const SIZE = 4096;
  const HEADER = 8;
  const ring = () => {
    const { store } = storeOf(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, SIZE);
    if (!(store instanceof RingBufferStore)) throw new Error('no ring');
    return store;
  };
  expect(ring().reserve(SIZE - HEADER)).toBe(0);
  expect(ring().reserve(SIZE - 2 * HEADER + 1)).toBe(0);
  const full = ring();
  expect(full.reserve(SIZE - 2 * HEADER)).not.toBe(0);
  expect([full.reserve(0), full.available]).toEqual([0, SIZE - HEADER]);
});

test('memory that is used up names the map and options', () => {
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_ARRAY, 4, 0x8000, 1000, 'on-demand');
  memory.setU32(KEY, 0);
  const first = store.lookup(KEY);
  const fill = () => {
    for (let index = 0; index < 1000; index++) {
      memory.setU32(KEY, index);
      store.lookup(KEY);
    }
  };
  const heap = new Heap('test.o', memory, memory.shadowOffset - 0x10000);
  expect(first).not.toBe(0);
  expect(fill).not.toThrow();
  expect(() => heap.take('map', 0x10000, {})).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({
          code: 'vm-memory-limit',
          where: ['test.o', 'map "map"'],
          hint: expect.stringMatching(/--memory SIZE.*maxMemory.*--max-entries map=N.*maxEntries/),
        }),
      ],
    }),
  );
});

test('what no limit makes room for has no hint to raise it', () => {
  const needs = { fixed: 2 ** 32, heap: 0, largest: undefined };
  const hintOf = (largest: string | undefined, fixed = 2 ** 32) => {
    try {
      return memorySize('a.o', { ...needs, fixed, largest }, 2 ** 31);
    } catch (error) {
      return error instanceof RootletError ? error.problems[0]?.hint : error;
    }
  };
  expect(hintOf(undefined)).toBe('a machine has at most 4096 MiB: make the variables smaller');
  expect(hintOf('m')).toMatch(/^a machine has at most 4096 MiB: lower .* \(--max-entries m=N/);
  expect(hintOf(undefined, 2 ** 30 + 1)).toMatch(/^raise the limit/);
});

describe('keys that are made to have one hash', () => {
  /** Two words: the second undoes what the first does to the hash of the machine. */
  function collidingKey(first: number): readonly [number, number] {
    let hash = Math.imul(8 ^ first, 0x9e3779b1);
    hash ^= hash >>> 15;
    return [first, hash ^ 77];
  }

  test.each([
    ['plain keys', 2000, (index: number) => [index, 0] as const, 0],
    ['keys that collide', 2000, collidingKey, 1],
  ])('%s', (_, count, keyOf, draws) => {
    let drawn = 0;
    const restore = useRandom(() => {
      drawn++;
      return 0x54321;
    });
    try {
      const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_HASH, 8, 4, count, 'on-demand');
      const place = (index: number): number => {
        const [first, second] = keyOf(index);
        memory.setU32(KEY, first >>> 0);
        memory.setU32(KEY + 4, second >>> 0);
        return KEY;
      };
      for (let index = 0; index < count; index++) {
        memory.setU32(VALUE, index);
        expect(store.update(place(index), VALUE, 0)).toBe(0);
      }
      for (let index = 0; index < count; index += 2) expect(store.remove(place(index))).toBe(0);
      for (let index = 0; index < count; index++) {
        const found = store.lookup(place(index));
        expect(found === 0 ? null : memory.u32(found)).toBe(index % 2 === 0 ? null : index);
      }
      expect([...store.elements()].map(({ value }) => memory.u32(value))).toEqual(
        Array.from({ length: count / 2 }, (__, index) => 2 * index + 1),
      );
      expect(drawn).toBe(draws);
    } finally {
      restore();
    }
  });
});
