/**
 * Three-way merge of arrays of programs and maps of maps, on real maps: what was written, what is there, what
 * is new.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import type { BpfProgram } from '../kernel/objects/program.ts';
import { decodeU32s, encodeU32s } from '../kernel/sys/sys.ts';
import { countFds } from '../kernel/testing.ts';
import { tinyMap, tinyProgram } from '../store/testing.ts';
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../uapi/map-types.ts';
import { ContentsMerge, changedEntries, type Successors, staticContents } from './contents.ts';
import type { PreviousMap } from './decision.ts';
import { kernel } from './testing.ts';

/**
 * Programs: `a`, `b`, `gone` of the old generation, `a2`, `b2` of the next one, `x`, `y` of another process.
 */
const NAMES = ['a', 'b', 'gone', 'a2', 'b2', 'x', 'y'] as const;
type Name = (typeof NAMES)[number];

const GONE = 'was a program or map that the new version does not have';

needs('bpf').describe('arrays of programs', () => {
  let fds = 0;
  let programs: Map<Name, BpfProgram>;
  let old: BpfMap;
  let next: BpfMap;
  beforeEach(() => {
    fds = countFds();
    programs = new Map(NAMES.map(name => [name, tinyProgram(kernel, name)]));
    [old, next] = [arrayOf(5), arrayOf(4)];
    set(old, { 0: 'a', 1: 'b' });
    set(next, { 0: 'a2', 1: 'b2' });
  });
  afterEach(() => {
    for (const one of [...programs.values(), old, next]) one.close();
    expect(countFds()).toBe(fds);
  });

  const arrayOf = (maxEntries: number): BpfMap =>
    BpfMap.create(kernel, {
      name: 'stages',
      type: BPF_MAP_TYPE_PROG_ARRAY,
      keySize: 4,
      valueSize: 4,
      maxEntries,
    });
  const program = (name: Name): BpfProgram => {
    const found = programs.get(name);
    if (found === undefined) throw new Error(`no program ${name}`);
    return found;
  };
  const idOf = (name: Name): number => program(name).info().id;
  const fdOf = (name: Name): number => program(name).fd.number;
  type Entries = Readonly<Record<number, Name | null>>;

  /** Sets entries, and deletes those that are null. */
  function set(map: BpfMap, entries: Entries): void {
    for (const [index, name] of Object.entries(entries)) {
      const key = encodeU32s([Number(index)]);
      if (name === null) map.delete(key);
      else map.update(key, encodeU32s([fdOf(name)]));
    }
  }
  function read(map: BpfMap): Entries {
    const entries = [...map.entries()].map(([key, value]) => {
      const name = NAMES.find(one => idOf(one) === decodeU32s(value)[0]);
      return [decodeU32s(key)[0] ?? -1, name ?? null] as const;
    });
    return Object.fromEntries(entries);
  }
  const previous = (contents: PreviousMap['state']['contents'] = base()): PreviousMap => ({
    map: old,
    state: { owner: null, name: 'stages', contents, inner: null },
  });
  const base = () => new Map([0, 1].map((index, at) => [index, idOf(at === 0 ? 'a' : 'b')]));
  const successors: Successors = {
    of: id => {
      if (id === idOf('a')) return fdOf('a2');
      if (id === idOf('b')) return fdOf('b2');
      return id === idOf('gone') ? null : undefined;
    },
  };
  const merge = (of = previous()): ContentsMerge =>
    new ContentsMerge(
      of,
      next,
      new Map([0, 1].map((index, at) => [index, fdOf(at === 0 ? 'a2' : 'b2')])),
      successors,
    );

  test.each<[what: string, changed: Entries, expected: Entries, carried: number, lost?: readonly string[]]>([
    ['nothing changed', {}, { 0: 'a2', 1: 'b2' }, 0],
    ['written again as it was', { 0: 'a' }, { 0: 'a2', 1: 'b2' }, 0],
    ['added', { 2: 'x' }, { 0: 'a2', 1: 'b2', 2: 'x' }, 1],
    ['replaced', { 0: 'x' }, { 0: 'x', 1: 'b2' }, 1],
    ['deleted', { 1: null }, { 0: 'a2' }, 1],
    ['all deleted', { 0: null, 1: null }, {}, 2],
    ['another stage of its own', { 0: 'b' }, { 0: 'b2', 1: 'b2' }, 1],
    ['a stage of its own in another entry', { 3: 'a' }, { 0: 'a2', 1: 'b2', 3: 'a2' }, 1],
    ['swapped', { 0: 'b', 1: 'a' }, { 0: 'b2', 1: 'a2' }, 2],
    [
      'a stage that the new version does not have',
      { 2: 'gone' },
      { 0: 'a2', 1: 'b2' },
      0,
      [`entry 2 ${GONE}`],
    ],
    [
      'the same in a static entry',
      { 0: 'gone', 2: 'x' },
      { 0: 'a2', 1: 'b2', 2: 'x' },
      1,
      [`entry 0 ${GONE}`],
    ],
    [
      'an entry that the new array does not have',
      { 4: 'x' },
      { 0: 'a2', 1: 'b2' },
      0,
      ['entry 4 does not fit the new map'],
    ],
  ])('%s', (_, changed, expected, carried, lost = []) => {
    set(old, changed);
    const result = merge().apply();
    expect(read(next)).toEqual(expected);
    expect(result.carried).toBe(carried);
    expect(result.lost).toEqual(lost.map(start => expect.stringMatching(`^${start}`)));
  });

  test.each<[what: string, first: Entries, then: Entries, expected: Entries, carried: number]>([
    ['added, then deleted', { 2: 'x' }, { 2: null }, { 0: 'a2', 1: 'b2' }, 0],
    ['replaced, then changed back', { 0: 'x' }, { 0: 'a' }, { 0: 'a2', 1: 'b2' }, 0],
    ['deleted, then written again', { 1: null }, { 1: 'b' }, { 0: 'a2', 1: 'b2' }, 0],
    ['replaced twice', { 0: 'x' }, { 0: 'y' }, { 0: 'y', 1: 'b2' }, 1],
    ['replaced, then deleted', { 0: 'x' }, { 0: null }, { 1: 'b2' }, 1],
    ['added, and another one later', { 2: 'x' }, { 3: 'y' }, { 0: 'a2', 1: 'b2', 2: 'x', 3: 'y' }, 2],
    ['nothing in between', { 2: 'x' }, {}, { 0: 'a2', 1: 'b2', 2: 'x' }, 1],
  ])('repeated: %s', (_, first, then, expected, carried) => {
    set(old, first);
    const again = merge();
    again.apply();
    set(old, then);
    expect(again.apply()).toEqual({ carried, lost: [] });
    expect(read(next)).toEqual(expected);
  });

  test('what was written is not known: stages of its own are translated, the rest is carried over', () => {
    set(old, { 2: 'x' });
    expect(merge(previous(null)).apply()).toEqual({ carried: 3, lost: [] });
    expect(read(next)).toEqual({ 0: 'a2', 1: 'b2', 2: 'x' });
    set(old, { 0: null }); // may have been in the file: the new version's entry comes back
    merge(previous(null)).apply();
    expect(read(next)).toEqual({ 0: 'a2', 1: 'b2', 2: 'x' });
  });

  test('the old array is only read', () => {
    set(old, { 0: 'gone', 2: 'x', 1: null });
    const before = read(old);
    merge().apply();
    expect(read(old)).toEqual(before);
  });

  test('changed entries by key and id', () => {
    set(old, { 0: 'x', 1: null, 4: 'y' });
    const changed = changedEntries(previous()).map(({ key, id }) => [decodeU32s(key)[0], id]);
    expect(changed.sort()).toEqual([
      [0, idOf('x')],
      [1, null],
      [4, idOf('y')],
    ]);
  });
});

needs('bpf').describe('maps of maps', () => {
  test('an array: inner maps of its own become the new ones, others are the same map', () => {
    const fds = countFds();
    {
      using inner = tinyMap(kernel, 'inner');
      using inner2 = tinyMap(kernel, 'inner');
      using added = tinyMap(kernel, 'added');
      const outer = (maxEntries: number) =>
        BpfMap.create(kernel, {
          name: 'outer',
          type: BPF_MAP_TYPE_ARRAY_OF_MAPS,
          keySize: 4,
          valueSize: 4,
          maxEntries,
          innerMapFd: inner.fd.number,
        });
      using old = outer(3);
      using next = outer(3);
      const put = (map: BpfMap, index: number, one: BpfMap) =>
        map.update(encodeU32s([index]), encodeU32s([one.fd.number]));
      put(old, 0, inner);
      put(next, 0, inner2);
      put(old, 1, added);
      put(old, 2, inner);
      const contents = new Map([[0, inner.info().id]]);
      const state = { owner: null, name: 'outer', contents, inner: null };
      const own: Successors = { of: id => (id === inner.info().id ? inner2.fd.number : undefined) };
      const merge = new ContentsMerge({ map: old, state }, next, new Map([[0, inner2.fd.number]]), own);
      expect(merge.apply()).toEqual({ carried: 2, lost: [] });
      const ids = [...next.entries()].map(([, value]) => decodeU32s(value)[0]);
      expect(ids).toEqual([inner2, added, inner2].map(map => map.info().id));
    }
    expect(countFds()).toBe(fds);
  });

  test('a hash with keys of any size: what is of another shape does not fit, and is named by its key', () => {
    using inner = tinyMap(kernel, 'inner');
    using other = BpfMap.create(kernel, {
      name: 'other',
      type: BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 2,
    });
    const outer = (of: BpfMap) =>
      BpfMap.create(kernel, {
        name: 'outer',
        type: BPF_MAP_TYPE_HASH_OF_MAPS,
        keySize: 6,
        valueSize: 4,
        maxEntries: 4,
        innerMapFd: of.fd.number,
      });
    using old = outer(other);
    using next = outer(inner);
    old.update(Uint8Array.of(1, 2, 3, 4, 5, 6), encodeU32s([other.fd.number]));
    const state = { owner: null, name: 'outer', contents: null, inner: null };
    const merge = new ContentsMerge({ map: old, state }, next, new Map(), { of: () => undefined });
    const { carried, lost } = merge.apply();
    expect([carried, lost]).toEqual([
      0,
      [expect.stringMatching(/^entry 1 2 3 4 5 6 does not fit the new map: /)],
    ]);
    expect([...next.entries()]).toEqual([]);
  });
});

test('nothing was written: no contents', () => {
  expect(staticContents([])).toBeNull();
  expect(staticContents([[3, 7]])).toEqual(new Map([[3, 7]]));
});
