/** Maps against plain models, on random operations over few keys. */

import { describe, expect, test } from 'vitest';
import type { MapDefinition } from '../../object/model/map-definition.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC } from '../../uapi/errno.ts';
import * as uapi from '../../uapi/index.ts';
import { createStore, storageSize } from '../run/map-factory.ts';
import type { MapStore } from '../state/map-store.ts';
import { MachineMemory } from '../state/memory.ts';
import { randomSource } from '../testing.ts';
import { UseOrder } from './use-order.ts';

const [KEY, VALUE, CELL, STORAGE] = [0x100, 0x200, 0x300, 0x1000];

function storeOf(type: number, keySize: number, valueSize: number, maxEntries: number) {
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
  const memory = new MachineMemory(bytes, 'little');
  const store = createStore({ memory, definition, storage: STORAGE, hasLock: false, keyCell: CELL }, () => 0);
  return { store, memory };
}

interface Prefix {
  readonly length: number;
  readonly bits: number;
}

const prefixMask = (length: number) => (length === 0 ? 0 : (0xffff << (16 - length)) & 0xffff);
const matches = (prefix: Prefix, key: Prefix) =>
  prefix.length <= key.length && ((prefix.bits ^ key.bits) & prefixMask(prefix.length)) === 0;

describe('longest prefixes', () => {
  const MAX = 12;
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_LPM_TRIE, 6, 4, MAX);
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
  test('do what a Map does', () => {
    const max = 20;
    const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_HASH, keySize, 8, max);
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

test('an LRU table keeps what was used last', () => {
  const max = 5;
  const { store, memory } = storeOf(uapi.BPF_MAP_TYPE_LRU_HASH, 4, 4, max);
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
  ['queue', uapi.BPF_MAP_TYPE_QUEUE],
  ['stack', uapi.BPF_MAP_TYPE_STACK],
])('a %s', (_, type) => {
  const { store, memory } = storeOf(type, 0, 4, 4);
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
  const stride = store.array?.stride ?? 0;
  expect(stride).toBe(32);
  for (const index of [0, 1, 50, 99]) {
    const at = STORAGE + index * stride;
    expect([...memory.shadow.subarray(at - 1, at + 13)]).toEqual([0, ...new Array(12).fill(3), 0]);
  }
  expect(memory.shadow[STORAGE + 100 * stride]).toBe(0);
});
