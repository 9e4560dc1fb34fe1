import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bugError } from '../diag/problem.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { FileLock } from '../kernel/sys/lock.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { mountBpffs } from '../load/testing.ts';
import type { MapPlace } from './names.ts';
import { openPin } from './pins.ts';
import { recordAmongMaps } from './record-map.ts';
import { type Contents, placesOf, SAVE_STEPS } from './save.ts';
import { Store, type StoreEntry } from './store.ts';
import { tinyMap, tinyProgram } from './testing.ts';
import { requireUnused } from './users.ts';

const { sys, reason } = kernelForTests();

/** What the process that is killed does. */
const CHILD = `
import { openSys } from '../kernel/open/koffi.ts';
import { Store } from './store.ts';
import { tinyMap, tinyProgram } from './testing.ts';
const [root = '', step = '', name = ''] = process.argv.slice(2);
const sys = openSys();
const store = Store.open(sys, root, { onStep: at => { if (at === step) process.kill(process.pid, 'SIGKILL'); } });
store.save('object', name, {
  source: 'x.o',
  programs: new Map([['xdp.main', tinyProgram(sys, 'main', 2)]]),
  maps: new Map(['.bss', 'a.rules', 'a.old'].map(key => [key, tinyMap(sys, 'counts')])),
  places: new Map([
    ['a.rules', { component: 'a.b', map: 'rules' }],
    ['a.old', { component: 'a.b', map: 'rules', previous: true }],
  ]),
});
`;

/** Makes generations while another thread opens the pin of a component as fast as it can. */
const SWITCHER = `
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { openSys } from '../kernel/open/koffi.ts';
import { readMapInfo } from '../kernel/objects/info.ts';
import { openPin } from './pins.ts';
import { Store } from './store.ts';
import { tinyMap } from './testing.ts';
const sys = openSys();
if (isMainThread) {
  const [root = '', path = ''] = process.argv.slice(2);
  const store = Store.open(sys, root);
  const save = () => {
    const map = tinyMap(sys, 'rules');
    const places = new Map([['m', { component: 'a.b', map: 'rules' }]]);
    store.save('object', 'first', { source: 'x.o', maps: new Map([['m', map]]), places });
    map.close();
  };
  save();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const reader = new Worker(__filename, { workerData: { path, stop } });
  reader.on('message', message => {
    if (message !== 'ready') return console.log(JSON.stringify(message));
    for (let round = 0; round < 150; round++) save();
    Atomics.store(stop, 0, 1);
  });
} else {
  const { parentPort } = require('node:worker_threads');
  const [failures, maps] = [new Set(), new Set()];
  parentPort.postMessage('ready');
  while (Atomics.load(workerData.stop, 0) === 0) {
    try {
      const fd = openPin(sys, workerData.path, 'map');
      maps.add(readMapInfo(sys, fd.number).id);
      fd.close();
    } catch (error) {
      failures.add(String(error));
    }
  }
  parentPort.postMessage({ failures: [...failures], maps: maps.size });
}
`;

const scripts = mkdtempSync(join(tmpdir(), 'rootlet-store-'));
afterAll(() => rmSync(scripts, { recursive: true }));

/** The script as a file that Node runs. Made before descriptors are counted: the bundler opens some. */
function bundled(name: string, contents: string): string {
  const outfile = join(scripts, `${name}.cjs`);
  buildSync({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    define: { 'import.meta.url': JSON.stringify(import.meta.url) }, // koffi is found from here
    outfile,
  });
  return outfile;
}

const child = bundled('child', CHILD);
const switcher = bundled('switcher', SWITCHER);

test('a directory that is not on a bpf file system is refused, with what to do', () => {
  expect(() => Store.open(new FakeSys(), join(tmpdir(), 'nothing', 'here'))).toThrow(
    expect.objectContaining({
      code: 'store-no-bpffs',
      problems: [
        expect.objectContaining({
          class: 'platform',
          hint: expect.stringContaining('mount -t bpf -o mode=0700'),
        }),
      ],
    }),
  );
});

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();
  let mount: ReturnType<typeof mountBpffs>;
  let root: string;
  let fds: number;
  beforeEach(() => {
    fds = countFds();
    mount = mountBpffs('1777');
    root = join(mount.path, 'rootlet');
  });
  afterEach(() => {
    mount.close();
    expect(countFds()).toBe(fds);
  });

  const PLACES = new Map([
    ['a.rules', { component: 'a.b', map: 'rules' }],
    ['a.old', { component: 'a.b', map: 'rules', previous: true }],
    ['c.rules', { component: 'c', map: 'rules' }],
  ]);
  const STABLE = 'objects/first/components/a%2eb/maps/rules';

  /** Saves maps of components. */
  function saveComponents(
    store: Store,
    places: NonNullable<Contents['places']> = PLACES,
    extra: Partial<Contents> = {},
  ): StoreEntry {
    const maps = new Map([...places.keys()].map(key => [key, tinyMap(kernel, 'rules')]));
    try {
      return store.save('object', 'first', { source: 'x.o', maps, places, ...extra });
    } finally {
      for (const map of maps.values()) map.close();
    }
  }

  function idAt(path: string): number {
    using map = BpfMap.adopt(kernel, openPin(kernel, path, 'map'));
    return map.info().id;
  }

  /** Saves a program that returns `verdict` and a map. */
  function saveTiny(store: Store, name: string, verdict: number, extra = {}): StoreEntry {
    using program = tinyProgram(kernel, 'main', verdict);
    using map = tinyMap(kernel, 'counts');
    return store.save('object', name, {
      source: `${name}.o`,
      programs: new Map([['xdp.main', program]]),
      maps: new Map([['.bss', map]]),
      ...extra,
    });
  }

  function verdictOf(store: Store, name: string): number {
    const entry = store.find('object', name);
    if (entry === undefined) throw new Error(`no entry ${name}`);
    using program = store.openProgram(entry, 'xdp.main');
    using map = store.openMap(entry, '.bss');
    expect(map.info().id).toBe(entry.record.maps[0]?.id);
    return program.testRun({ data: new Uint8Array(64) }).verdict;
  }

  test('what is saved is found, opened, listed and removed', () => {
    const store = Store.open(kernel, root);
    expect(store.list()).toEqual([]);
    expect(existsSync(root)).toBe(false); // looking makes nothing
    const files = new Map([['a.o', Uint8Array.of(1, 2, 3)]]);
    const entry = saveTiny(store, 'über.name', 2, { files, data: { why: 'test' }, time: 12 });
    expect(entry.generation).toBe(1);
    expect(store.find('object', 'über.name')).toEqual(entry);
    expect(store.find('hook', 'über.name')).toBeUndefined();
    expect(verdictOf(store, 'über.name')).toBe(2);
    expect([...store.files(entry)]).toEqual([...files]);
    expect(entry.record).toMatchObject({ data: { why: 'test' }, time: 12, source: 'über.name.o' });
    expect(readdirSync(entry.path).sort()).toEqual(['map_%2ebss', 'prog_xdp%2emain', 'record']);
    expect(() => store.openProgram(entry, 'other')).toThrow(/there are: "xdp.main"/);
    expect(() => store.openProgram(entry, 'other')).toThrow(
      expect.objectContaining({ code: 'store-no-pin' }),
    );
    expect(store.list()).toEqual([entry]);
    store.remove(entry);
    expect(store.list()).toEqual([]);
    expect(readdirSync(join(root, 'objects'))).toEqual([]);
  });

  test('a program leads to the record', () => {
    const entry = saveTiny(Store.open(kernel, root), 'first', 2);
    using program = Store.open(kernel, root).openProgram(entry, 'xdp.main');
    expect(recordAmongMaps(kernel, program.info().mapIds)?.record).toEqual(entry.record);
  });

  test('a new generation takes the place of the old one', () => {
    const store = Store.open(kernel, root);
    const first = saveTiny(store, 'first', 1);
    const second = saveTiny(store, 'first', 2);
    expect(second.generation).toBe(2);
    expect(existsSync(first.path)).toBe(false);
    expect(verdictOf(store, 'first')).toBe(2);
    expect(readdirSync(join(root, 'objects', 'first')).sort()).toEqual(['2', 'current']);
  });

  test('a failing save leaves what was, and nothing else', () => {
    const store = Store.open(kernel, root);
    saveTiny(store, 'old', 1);
    for (const step of SAVE_STEPS.filter(name => name !== 'remove-old')) {
      const failing = Store.open(kernel, root, {
        onStep: at => {
          if (at === step) throw bugError([], step);
        },
      });
      for (const name of ['old', 'new']) expect(() => saveTiny(failing, name, 2), step).toThrow(step);
      expect(verdictOf(store, 'old')).toBe(1);
      expect(readdirSync(join(root, 'objects')), step).toEqual(['old']);
      expect(readdirSync(join(root, 'objects', 'old')).sort(), step).toEqual(['1', 'current']);
    }
  });

  test('entries of other programs are reported as broken, and can be removed', () => {
    const store = Store.open(kernel, root);
    saveTiny(store, 'good', 2);
    const broken = {
      map: (path: string) => {
        using map = tinyMap(kernel, 'fake');
        map.pin(join(path, 'record'));
      },
      program: (path: string) => {
        using program = tinyProgram(kernel, 'fake');
        program.pin(join(path, 'record'));
      },
      nothing: () => {},
    };
    for (const [name, fill] of Object.entries(broken)) {
      const directory = join(root, 'objects', name);
      mkdirSync(join(directory, '1'), { recursive: true });
      fill(join(directory, '1'));
      symlinkSync('1', join(directory, 'current'));
    }
    const entries = Store.open(kernel, root).list();
    expect(entries.map(entry => [entry.name, entry.kind])).toEqual([
      ['good', 'object'],
      ['map', 'broken'],
      ['nothing', 'broken'],
      ['program', 'broken'],
    ]);
    expect(() => store.find('object', 'map')).toThrow(expect.objectContaining({ code: 'store-record' }));
    for (const entry of entries) if (entry.kind === 'broken') store.remove(entry);
    expect(store.list().map(entry => entry.name)).toEqual(['good']);
  });

  test('the lock nests, and another process waits', () => {
    const store = Store.open(kernel, root, { lockTimeout: 0 });
    store.locked(() => {
      store.locked(() => saveTiny(store, 'first', 2));
      expect(() => FileLock.take(kernel, root)).toThrow(/locked/);
    });
    using _lock = FileLock.take(kernel, root);
    expect(() => saveTiny(store, 'first', 2)).toThrow(expect.objectContaining({ code: 'kernel-lock-busy' }));
    expect(Store.open(kernel, root).list()).toHaveLength(1); // looking needs no lock
  });

  test('maps of components have paths that do not depend on the generation', () => {
    const store = Store.open(kernel, root);
    for (const generation of [1, 2]) {
      const entry = saveComponents(store);
      expect(
        entry.record.maps.map(({ name, pin, component, map, previous }) => [
          name,
          pin,
          component,
          map,
          previous,
        ]),
      ).toEqual([
        ['a.rules', 'components/a%2eb/maps/rules', 'a.b', 'rules', false],
        ['a.old', 'components/a%2eb/previous/maps/rules', 'a.b', 'rules', true],
        ['c.rules', 'components/c/maps/rules', 'c', 'rules', false],
      ]);
      expect(store.find('object', 'first')).toEqual(entry);
      expect([...placesOf(entry.record)]).toEqual(
        [...PLACES].map(([key, place]) => [key, { previous: false, ...place }]),
      );
      expect(idAt(join(root, STABLE))).toBe(entry.record.maps[0]?.id);
      using map = store.openMap(entry, 'a.old');
      expect(map.info().id).toBe(entry.record.maps[1]?.id);
      expect(readlinkSync(join(root, 'objects/first/components'))).toBe('current/components');
      expect(readdirSync(join(root, 'objects/first')).sort()).toEqual([
        String(generation),
        'components',
        'current',
      ]);
    }
    const without = saveTiny(store, 'first', 2);
    expect(readdirSync(join(root, 'objects/first')).sort()).toEqual(['3', 'current']);
    expect(without.record.maps).toMatchObject([{ component: null, map: '.bss' }]);
    store.remove(saveComponents(store));
    expect(readdirSync(join(root, 'objects'))).toEqual([]);
  });

  test('long names of components and maps stay apart', () => {
    const long = 'x'.repeat(300);
    const names = [long, `${long}y`, '.'.repeat(100), 'x'];
    const places = new Map(
      names.flatMap(component => names.map(map => [`${component}/${map}`, { component, map }] as const)),
    );
    const store = Store.open(kernel, root);
    const entry = saveComponents(store, places);
    expect(new Set(entry.record.maps.map(({ pin }) => pin)).size).toBe(places.size);
    expect(store.find('object', 'first')).toEqual(entry);
    store.remove(entry);
    expect(readdirSync(join(root, 'objects'))).toEqual([]);
  });

  test.each<[string, [string, MapPlace][]]>([
    [
      'two maps in one place',
      [
        ['m', { component: 'c', map: 'm' }],
        ['n', { component: 'c', map: 'm', previous: false }],
      ],
    ],
    ['a component without a name', [['m', { component: '', map: 'm' }]]],
    ['a map without a name', [['m', { component: 'c', map: '' }]]],
  ])('%s is an internal error', (_, places) => {
    const store = Store.open(kernel, root);
    expect(() => saveComponents(store, new Map(places))).toThrow(
      expect.objectContaining({ code: 'bug-invariant' }),
    );
    expect(readdirSync(join(root, 'objects'))).toEqual([]);
  });

  test('a failing save with maps of components leaves what was, and nothing else', () => {
    const store = Store.open(kernel, root);
    const old = saveComponents(store);
    for (const step of SAVE_STEPS.filter(name => name !== 'remove-old')) {
      const failing = Store.open(kernel, root, {
        onStep: at => {
          if (at === step) throw bugError([], step);
        },
      });
      expect(() => saveComponents(failing), step).toThrow(step);
      expect(readdirSync(join(root, 'objects/first')).sort(), step).toEqual(['1', 'components', 'current']);
      expect(idAt(join(root, STABLE)), step).toBe(old.record.maps[0]?.id);
    }
  });

  test('a pin of a component can be opened at any moment while generations change', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [switcher, root, join(root, STABLE)], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const { failures, maps } = JSON.parse(stdout);
    expect(failures).toEqual([]);
    expect(maps).toBeGreaterThan(20); // it has seen that many generations
  });

  test('guards keep an entry that is used', () => {
    const store = Store.open(kernel, root);
    const entry = saveTiny(store, 'first', 2);
    requireUnused(store, entry, [() => []]);
    expect(() => requireUnused(store, entry, [() => [{ entry, reason: 'function "foo"' }]])).toThrow(
      expect.objectContaining({ code: 'store-in-use', message: expect.stringContaining('function "foo"') }),
    );
    store.remove(entry);
  });

  describe('a process killed', () => {
    const kill = (step: string, name: string) => spawnSync(process.execPath, [child, root, step, name]);

    test.each(SAVE_STEPS)('at step %s leaves the old generation or the new one', step => {
      saveTiny(Store.open(kernel, root), 'old', 1);
      const old = saveComponents(Store.open(kernel, root));
      for (const name of ['old', 'new', 'first']) {
        const { signal, stderr } = kill(step, name);
        expect(`${signal} ${stderr}`).toBe('SIGKILL ');
      }
      const store = Store.open(kernel, root);
      const switched = step === 'remove-old';
      expect(verdictOf(store, 'old')).toBe(switched ? 2 : 1);
      expect(store.find('object', 'new') !== undefined).toBe(switched);
      expect(idAt(join(root, STABLE)) === old.record.maps[0]?.id).toBe(!switched);
      const links = switched ? ['2', 'components', 'current'] : ['1', 'current'];
      expect(readdirSync(join(root, 'objects', 'old')).sort()).toEqual(links);
      expect(readdirSync(join(root, 'objects', 'first')).sort()).toEqual([
        switched ? '2' : '1',
        'components',
        'current',
      ]);
      expect(readdirSync(join(root, 'objects'))).toEqual(
        switched ? ['first', 'new', 'old'] : ['first', 'old'],
      );
      expect(execFileSync('find', [root, '-name', 'next'], { encoding: 'utf8' })).toBe('');
    });
  });
});
