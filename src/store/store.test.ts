import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RootletError } from '../diag/index.ts';
import { FileLock } from '../kernel/lock.ts';
import { FakeSys } from '../kernel/sys-fake.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { mountBpffs } from '../load/testing.ts';
import { recordAmongMaps } from './record-map.ts';
import { SAVE_STEPS } from './save.ts';
import { Store, type StoreEntry } from './store.ts';
import { tinyMap, tinyProgram } from './testing.ts';
import { requireUnused } from './users.ts';

const { sys, reason } = kernelForTests();

/** What the process that is killed does. */
const CHILD = `
import { openSys } from '../kernel/sys-koffi.ts';
import { Store } from './store.ts';
import { tinyMap, tinyProgram } from './testing.ts';
const [root = '', step = '', name = ''] = process.argv.slice(2);
const sys = openSys();
const store = Store.open(sys, root, { onStep: at => { if (at === step) process.kill(process.pid, 'SIGKILL'); } });
store.save('object', name, {
  source: 'x.o',
  programs: new Map([['xdp.main', tinyProgram(sys, 'main', 2)]]),
  maps: new Map([['.bss', tinyMap(sys, 'counts')]]),
});
`;

test('a folder that is on no bpf file system is refused, with what to do', () => {
  expect(() => Store.open(new FakeSys(), join(tmpdir(), 'nothing', 'here'))).toThrow(
    expect.objectContaining({
      code: 'store-no-bpffs',
      problems: [
        expect.objectContaining({ class: 'platform', hint: expect.stringContaining('mount -t bpf') }),
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
    mount = mountBpffs();
    root = join(mount.path, 'rootlet');
  });
  afterEach(() => {
    mount.close();
    expect(countFds()).toBe(fds);
  });

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
          if (at === step) throw new RootletError([{ code: 'test', class: 'bug', where: [], message: step }]);
        },
      });
      for (const name of ['old', 'new']) expect(() => saveTiny(failing, name, 2), step).toThrow(step);
      expect(verdictOf(store, 'old')).toBe(1);
      expect(readdirSync(join(root, 'objects')), step).toEqual(['old']);
      expect(readdirSync(join(root, 'objects', 'old')).sort(), step).toEqual(['1', 'current']);
    }
  });

  test('strangers are reported as broken, and can be removed', () => {
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
      const folder = join(root, 'objects', name);
      mkdirSync(join(folder, '1'), { recursive: true });
      fill(join(folder, '1'));
      symlinkSync('1', join(folder, 'current'));
    }
    mkdirSync(join(root, 'objects', 'astray'));
    symlinkSync('/etc', join(root, 'objects', 'astray', 'current'));
    const entries = Store.open(kernel, root).list();
    expect(entries.map(entry => [entry.name, entry.kind])).toEqual([
      ['astray', 'broken'],
      ['good', 'object'],
      ['map', 'broken'],
      ['nothing', 'broken'],
      ['program', 'broken'],
    ]);
    expect(() => store.find('object', 'map')).toThrow(expect.objectContaining({ code: 'store-record' }));
    for (const entry of entries) if (entry.kind === 'broken') store.remove(entry);
    expect(store.list().map(entry => entry.name)).toEqual(['good']);
    expect(existsSync('/etc/passwd')).toBe(true);
  });

  test('the lock nests, and somebody else waits', () => {
    const store = Store.open(kernel, root, { patience: 0 });
    store.locked(() => {
      store.locked(() => saveTiny(store, 'first', 2));
      expect(() => FileLock.take(kernel, root)).toThrow(/locked/);
    });
    using _lock = FileLock.take(kernel, root);
    expect(() => saveTiny(store, 'first', 2)).toThrow(expect.objectContaining({ code: 'kernel-lock-busy' }));
    expect(Store.open(kernel, root).list()).toHaveLength(1); // looking needs no lock
  });

  test('guards keep an entry that is used', () => {
    const store = Store.open(kernel, root);
    const entry = saveTiny(store, 'first', 2);
    requireUnused(store, entry, [() => []]);
    expect(() => requireUnused(store, entry, [() => [{ entry, reason: 'function "foo"' }]])).toThrow(
      /function "foo"/,
    );
    store.remove(entry);
  });

  describe('a process killed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rootlet-killed-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const child = join(folder, 'child.cjs');
    buildSync({
      stdin: { contents: CHILD, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      define: { 'import.meta.url': JSON.stringify(import.meta.url) }, // koffi is found from here
      outfile: child,
    });
    const kill = (step: string, name: string) => spawnSync(process.execPath, [child, root, step, name]);

    test.each(SAVE_STEPS)('at step %s leaves the old generation or the new one', step => {
      saveTiny(Store.open(kernel, root), 'old', 1);
      for (const name of ['old', 'new']) {
        const { signal, stderr } = kill(step, name);
        expect(`${signal} ${stderr}`).toBe('SIGKILL ');
      }
      const store = Store.open(kernel, root);
      const switched = step === 'remove-old';
      expect(verdictOf(store, 'old')).toBe(switched ? 2 : 1);
      expect(store.find('object', 'new') !== undefined).toBe(switched);
      const generation = switched ? '2' : '1';
      expect(readdirSync(join(root, 'objects', 'old')).sort()).toEqual([generation, 'current']);
      expect(readdirSync(join(root, 'objects'))).toEqual(switched ? ['new', 'old'] : ['old']);
      expect(execFileSync('find', [root, '-name', 'next'], { encoding: 'utf8' })).toBe('');
    });
  });
});
