import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BpfMap } from '../kernel/objects/map.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { possibleCpus } from '../kernel/sys/machine.ts';
import { decodeU32s, encodeU32s, type Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { BPF_MAP_TYPE_HASH } from '../uapi/map-types.ts';
import { type LoadOptions, loadObject } from './load.ts';
import { planLoad } from './plan/object.ts';
import { preparedAlone } from './plan/prepared.ts';
import { mountBpffs, packet } from './testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const read = (name: string) =>
  readObject({ name, bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el', name)) });
const MAPS = read('maps.bpf.o');
const GLOBALS = read('globals.bpf.o');

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const bpffs = sys === undefined ? { path: '', close() {} } : mountBpffs();
  afterAll(() => bpffs.close());
  const load = (options: LoadOptions = {}) => loadObject(MAPS, kernel, { pinRoot: bpffs.path, ...options });
  const pinPath = join(bpffs.path, 'pinned');

  test('every type of map is created, and all are gone after close', () => {
    const before = countFds();
    const object = load();
    expect(object.maps.size).toBe(32);
    expect(object.map('ring').info().maxEntries).toBe(8192);
    expect(object.map('events').info().maxEntries).toBe(possibleCpus());
    expect(object.map('bloom').info().mapExtra).toBe(3n);
    object.close();
    expect(countFds()).toBe(before);
  });

  test('arrays of programs and of maps have their static values', () => {
    using object = load();
    expect(object.testRun('jump', packet()).verdict).toBe(33);
    expect(object.testRun('write_inner', packet()).verdict).toBe(1);
    expect(object.map('inner_two').lookup(encodeU32s([0]))?.[0]).toBe(77);
    expect(object.map('inner_one').lookup(encodeU32s([0]))?.[0]).toBe(0);
    expect(decodeU32s(object.map('hash_of_maps').lookup(encodeU32s([0])) ?? new Uint8Array(0))).toEqual([
      object.map('inner_one').info().id,
    ]);
  });

  test('programs that an array holds are loaded, whatever the caller selects', () => {
    using object = load({ programs: name => name === 'jump' });
    expect(object.testRun('jump', packet()).verdict).toBe(33);
    expect(object.programs.has('write_inner')).toBe(false);
  });

  test('a pinned map is found again, with its elements', () => {
    const key = encodeU32s([1]);
    {
      using first = load();
      first.testRun('count', packet());
      expect(existsSync(pinPath)).toBe(true);
    }
    using second = load();
    expect(second.map('pinned').lookup(key)?.[0]).toBe(1);
  });

  test('a pin of another map is refused, with every difference', () => {
    const other = BpfMap.create(kernel, {
      name: 'other',
      type: BPF_MAP_TYPE_HASH,
      keySize: 8,
      valueSize: 4,
      maxEntries: 3,
      flags: 1,
    });
    execFileSync('rm', ['-f', pinPath]);
    other.pin(pinPath);
    other.close();
    const before = countFds();
    expect(() => load()).toThrow(
      expect.objectContaining({
        code: 'load-map-mismatch',
        message: expect.stringContaining(
          'key size 8 instead of 4, value size 4 instead of 8, flags 0x1 instead of 0x0',
        ),
      }),
    );
    expect(countFds()).toBe(before);
    execFileSync('rm', ['-f', pinPath]);
  });

  test('a failed load takes its new pins away again', () => {
    const stray = () =>
      BpfMap.create(kernel, { name: 'x', type: BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(() => load({ reuse: plan => (plan.name === 'hash' ? stray() : undefined) })).toThrow(
      /given by the caller/,
    );
    expect(() => load({ targets: new Map([['count', { fd: 999_999, btfId: 1 }]]) })).toThrow();
    expect(readdirSync(bpffs.path)).not.toContain('pinned');
  });

  test('directories for pins are made, but not through links or in places of other users', () => {
    const at = (...names: readonly string[]) => join(bpffs.path, ...names);
    const loadAt = (pinRoot: string) => load({ pinRoot }).close();
    loadAt(at('a', 'b'));
    expect(readdirSync(at('a', 'b'))).toContain('pinned');
    expect(['a', 'a/b'].map(name => lstatSync(at(name)).mode & 0o7777)).toEqual([0o700, 0o700]);
    symlinkSync('a', at('link'));
    mkdirSync(at('theirs'));
    chownSync(at('theirs'), 65534, 65534);
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    for (const name of ['link', 'link/new', 'theirs', 'theirs/new', 'open/new'])
      expect(() => loadAt(at(name)), name).toThrow(expect.objectContaining({ code: 'load-pin-untrusted' }));
    expect([readdirSync(at('a')), readdirSync(at('theirs')), readdirSync(at('open'))]).toEqual([
      ['b'],
      [],
      [],
    ]);
    execFileSync('rm', ['-r', at('a'), at('link'), at('theirs'), at('open')]);
  });

  test('a map of the caller is used in place of a new one', () => {
    const map = BpfMap.create(kernel, {
      name: 'mine',
      type: BPF_MAP_TYPE_HASH,
      keySize: 4,
      valueSize: 8,
      maxEntries: 3,
    });
    const copy = map.fd.duplicate();
    using object = load({ reuse: plan => (plan.name === 'pinned' ? BpfMap.adopt(kernel, copy) : undefined) });
    object.testRun('count', packet());
    expect(map.lookup(encodeU32s([1]))?.[0]).toBe(1);
    map.close();
    expect(existsSync(pinPath)).toBe(false);
  });

  test('typed maps: keys and values by name', () => {
    using object = load();
    const array = object.typedMap('array');
    object.testRun('count', packet());
    expect(array.lookup(1)).toMatchObject({ count: 1n, pair: [0, -5] });
    array.update(3, { count: 7, pair: [1, 2] });
    expect([...array.entries()][3]).toMatchObject([3, { count: 7n, pair: [1, 2] }]);
    expect(() => array.update(3, { total: 1 })).toThrow(/there is no member "total"/);
    const trie = object.typedMap('trie');
    trie.update({ length: 24, address: [10, 0, 0, 0] }, -4);
    expect(trie.lookup({ length: 32, address: [10, 0, 0, 9] })).toBe(-4);
    expect(trie.delete({ length: 24, address: [10, 0, 0, 0] })).toBe(true);
    const perCpu = object.typedMap('percpu_array');
    perCpu.update(0, { count: 9 });
    expect(perCpu.lookup(0)).toHaveLength(possibleCpus());
    expect(perCpu.lookup(0)).toMatchObject([
      { count: 9n },
      ...Array.from({ length: possibleCpus() - 1 }, () => ({ count: 9n })),
    ]);
    expect(object.typedMap('traces').map.valueSize).toBe(80);
    expect(() => object.typedMap('traces').lookup(1)).toThrow(/4 bytes must be given: the type is not known/);
  });

  test('globals: constants before loading, variables afterwards, by name and type', () => {
    const before = countFds();
    {
      using object = loadObject(GLOBALS, kernel, {
        globals: { limit: 25, start: { flags: 1, inner: { color: 'GREEN' } }, text: 'hi', counter: 100 },
      });
      const { globals } = object;
      expect(object.testRun('run', packet()).verdict).toBe(25);
      expect(globals).toMatchObject({
        counter: 101,
        total: 25n,
        hidden: 3,
        text: 'hi',
        numbers: [1, 2, 203],
        limit: 25,
        enabled: true,
      });
      expect(object.variables.get('place')).toMatchObject({ x: 101, y: 4 });
      expect(object.variables.get('start')).toMatchObject({
        x: 1,
        y: -2,
        flags: 1,
        small: -3,
        inner: { name: 'abc', color: 5 },
      });
      Object.assign(globals, { counter: -7, byte: 1, wide: 3n << 40n, color: 'BLUE' });
      expect(object.testRun('sum', packet()).verdict).toBe(1 + 60000 + 3 + 1 - 3 - 1);
      object.testRun('run', packet());
      expect(object.variables.get('counter')).toBe(-6);
    }
    expect(countFds()).toBe(before);
  });

  test('globals that cannot be written say why', () => {
    using object = loadObject(GLOBALS, kernel);
    expect(() => object.variables.set('limit', 1)).toThrow(/variable "limit": is a constant/);
    expect(() => object.variables.set('byte', 256)).toThrow('256 does not fit unsigned char (0 to 255)');
    expect(() => object.variables.set('numbr', 1)).toThrow(
      /there is no variable "numbr"; there are: .*numbers/,
    );
    expect('byte' in object.globals && !('constructor' in object.globals)).toBe(true);
    expect(Object.keys(object.globals)).toContain('unused_float');
  });

  test('variables are not to be had after close', () => {
    const object = loadObject(GLOBALS, kernel);
    object.variables.get('counter');
    object.close();
    expect(() => object.variables.get('counter')).toThrow(
      expect.objectContaining({ code: 'kernel-fd-closed' }),
    );
  });
});

test('values for constants change the plan, not the object', () => {
  const plan = planLoad(preparedAlone(GLOBALS), { globals: new Map([['limit', 99]]) });
  const contentsOf = (which: typeof plan) =>
    which.maps.find(map => map.name === '.rodata')?.contents ?? new Uint8Array(0);
  const limit = plan.globals.find(global => global.name === 'limit');
  expect(contentsOf(plan)[limit?.offset ?? -1]).toBe(99);
  expect(contentsOf(planLoad(preparedAlone(GLOBALS)))[limit?.offset ?? -1]).toBe(10);
  expect(() => planLoad(preparedAlone(GLOBALS), { globals: { limit: 2 ** 40 } })).toThrow(
    'variable "limit": 1099511627776 does not fit',
  );
});
