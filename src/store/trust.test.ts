/**
 * Another user against a store on a bpf file system that every user can write to (mode 1777, the kernel's
 * default). What is outside of the store never changes, and commands refuse a store of another user.
 */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RootletError } from '../diag/problem.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { mountBpffs } from '../load/testing.ts';
import { takeCensus } from './census.ts';
import { Directory } from './directory.ts';
import { openPin } from './pins.ts';
import { Store, type StoreEntry } from './store.ts';
import { tinyMap } from './testing.ts';

const { sys, reason } = kernelForTests();
const NOBODY = 65534;

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();
  let mount: ReturnType<typeof mountBpffs>;
  let root: string;
  let fds: number;
  /** Pins of another program, in a directory of root. */
  let secret: string;

  beforeEach(() => {
    fds = countFds();
    mount = mountBpffs('1777');
    root = join(mount.path, 'rootlet');
    secret = join(mount.path, 'private');
    mkdirSync(secret, { mode: 0o700 });
    for (const name of ['record', 'map_m', 'm']) pinMapAt(join(secret, name));
    mkdirSync(join(secret, 'maps'));
    pinMapAt(join(secret, 'maps/m'));
  });
  afterEach(() => {
    expect(contentsOf(secret)).toEqual(['m', 'map_m', 'maps', 'maps/m', 'record']);
    mount.close();
    expect(countFds()).toBe(fds);
  });

  function pinMapAt(path: string): void {
    using map = tinyMap(kernel, 'private');
    map.pin(path);
  }

  /** Saves an entry with a map of its own and one of a component. */
  function save(name = 'first', store = Store.open(kernel, root)): StoreEntry {
    using own = tinyMap(kernel, 'own');
    using rules = tinyMap(kernel, 'rules');
    return store.save('object', name, {
      source: 'x.o',
      maps: new Map([
        ['m', own],
        ['c.m', rules],
      ]),
      places: new Map([['c.m', { component: 'c', map: 'm' }]]),
    });
  }

  /**
   * Runs a shell script as an unprivileged user who may search the private directories above the mount point.
   */
  function asNobody(script: string): void {
    const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--no-new-privs'];
    const { status, stderr } = spawnSync('setpriv', [...user, 'sh', '-ec', script], {
      cwd: mount.path,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
  }

  const untrusted = expect.objectContaining({ code: 'store-untrusted' });

  /** All that a command does with a store, each of which has to be refused. */
  function expectRefused(): void {
    for (const [what, use] of Object.entries({
      list: () => Store.open(kernel, root).list(),
      find: () => Store.open(kernel, root).find('object', 'first'),
      save: () => save(),
      lock: () => Store.open(kernel, root).locked(() => {}),
    }))
      expect(use, what).toThrow(untrusted);
  }

  describe('a place that another user took', () => {
    const squats: readonly (readonly [string, string])[] = [
      ['the root', 'mkdir rootlet'],
      ['the root, as a link', 'ln -s private rootlet'],
      ['the root, as a dangling link', 'ln -s nowhere rootlet'],
      ['the root, as a link out of the file system', 'ln -s /tmp rootlet'],
      ['the root, with a kind that is a link', 'mkdir rootlet; ln -s ../private rootlet/objects'],
      ['an entry that is a link', 'mkdir -p rootlet/objects; ln -s ../../private rootlet/objects/first'],
      [
        'a generation that is a link',
        'mkdir -p rootlet/objects/first; ln -s ../../../private rootlet/objects/first/1; ln -s 7 rootlet/objects/first/current',
      ],
      ['the root, open to all', 'mkdir -m 777 rootlet; mkdir -m 777 rootlet/objects rootlet/hooks'],
      ['the root, sticky', 'mkdir -m 1777 rootlet'],
    ];
    test.each(squats)('%s is refused', (_, script) => {
      asNobody(script);
      const before = contentsOf(mount.path);
      expectRefused();
      expect(contentsOf(mount.path)).toEqual(before);
    });

    test('below a directory above the root is refused too', () => {
      asNobody('mkdir mine');
      root = join(mount.path, 'mine/rootlet');
      expectRefused();
      mkdirSync(root); // created by root, but the other user can replace it
      expectRefused();
    });

    test('is reported with path, owner, mode and a way out', () => {
      asNobody('mkdir -m 755 rootlet');
      expect(() => Store.open(kernel, root)).toThrow(
        expect.objectContaining({
          problems: [
            {
              code: 'store-untrusted',
              class: 'platform',
              where: [],
              message: `"${root}" cannot be trusted: it belongs to user ${NOBODY} (owner ${NOBODY}, mode 0755)`,
              hint: expect.stringMatching(/ls -la.*chown 0 .*mount -t bpf -o mode=0700 .*--bpffs/),
            },
          ],
        }),
      );
    });
  });

  describe('a level of a store', () => {
    const LEVELS = [
      '',
      'objects',
      'objects/first',
      'objects/first/1',
      'objects/first/1/components',
      'objects/first/1/components/c',
      'objects/first/1/components/c/maps',
    ];
    const changes: readonly (readonly [string, (path: string) => void])[] = [
      ['of another owner', path => chownSync(path, NOBODY, 0)],
      ['with mode 0777', path => chmodSync(path, 0o777)],
      ['with mode 1777', path => chmodSync(path, 0o1777)],
      ['that the group can write to', path => chmodSync(path, 0o720)],
      [
        'that is a link to a safe directory',
        path => {
          renameSync(path, join(mount.path, 'moved'));
          symlinkSync(join(mount.path, 'moved'), path);
        },
      ],
      [
        'that is a link to the private directory',
        path => {
          renameSync(path, join(mount.path, 'moved'));
          symlinkSync(secret, path);
        },
      ],
      [
        'that is a pin',
        path => {
          renameSync(path, join(mount.path, 'moved'));
          pinMapAt(path);
        },
      ],
    ];
    test.each(LEVELS.flatMap(level => changes.map(([what, change]) => [level, what, change] as const)))(
      '"%s" %s is refused',
      (level, _, change) => {
        const entry = save();
        change(join(root, level));
        const before = contentsOf(mount.path);
        expectRefused();
        for (const work of [
          () => Store.open(kernel, root).remove(entry),
          () => Store.open(kernel, root).openMap(entry, 'c.m').close(),
        ])
          expect(work).toThrow(untrusted);
        expect(contentsOf(mount.path)).toEqual(before);
      },
    );

    test('above the root is safe with the sticky bit only', () => {
      root = join(mount.path, 'above/rootlet');
      save();
      const above = dirname(root);
      for (const [mode, safe] of [
        [0o1777, true],
        [0o777, false],
        [0o770, false],
        [0o755, true],
      ] as const) {
        chmodSync(above, mode);
        if (safe) expect(Store.open(kernel, root).list()).toHaveLength(1);
        else expectRefused();
      }
      chownSync(above, NOBODY, NOBODY);
      expectRefused();
    });

    test('is made for its owner alone, whatever the umask', () => {
      const umask = process.umask(0);
      try {
        root = join(mount.path, 'a/b/rootlet');
        save();
      } finally {
        process.umask(umask);
      }
      const modes = ['..', '../..', ...LEVELS].map(level => lstatSync(join(root, level)).mode & 0o7777);
      expect(new Set(modes)).toEqual(new Set([0o700]));
    });
  });

  test('links outside of the bpf file system are the administrator’s, and followed', () => {
    const outside = mkdtempSync(join(tmpdir(), 'rootlet-trust-'));
    try {
      symlinkSync(mount.path, join(outside, 'bpf'));
      root = join(outside, 'bpf', 'rootlet');
      save();
      expect(Store.open(kernel, root).list()).toHaveLength(1);
      expect(existsSync(join(mount.path, 'rootlet/objects/first'))).toBe(true);
      symlinkSync(join(mount.path, 'rootlet'), join(outside, 'direct'));
      expect(Store.open(kernel, join(outside, 'direct')).list()).toHaveLength(1);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  describe('links and pins of an entry', () => {
    const entry = () => join(root, 'objects/first');
    const relink = (name: string, target: string) => {
      rmSync(join(entry(), name), { force: true });
      symlinkSync(target, join(entry(), name));
    };
    const repoint = (pin: string) => {
      unlinkSync(join(entry(), '1', pin));
      symlinkSync(join(secret, 'm'), join(entry(), '1', pin));
    };
    const cases: readonly (readonly [string, () => void, readonly string[]])[] = [
      ['current to a path', () => relink('current', '../../../private'), []],
      ['current to the root', () => relink('current', '/'), []],
      ['current to ..', () => relink('current', '..'), []],
      ['current to a generation by a path', () => relink('current', './1'), []],
      ['current to a number that none is', () => relink('current', '01'), []],
      ['components to a directory', () => relink('components', secret), []],
      ['a record that is a link', () => repoint('record'), ['1', '1/record PRIVATE']],
      ['a map that is a link', () => repoint('map_m'), ['1', '1/map_m PRIVATE']],
      [
        'a map of a component that is a link',
        () => repoint('components/c/maps/m'),
        ['1', '1/components', '1/components/c', '1/components/c/maps', '1/components/c/maps/m PRIVATE'],
      ],
    ];
    test.each(cases)('%s: the entry is refused, and can be removed', (_, change, left) => {
      save();
      save('second');
      change();
      const before = contentsOf(root);
      const store = Store.open(kernel, root);
      expect(() => store.list()).toThrow(untrusted);
      expect(() => store.find('object', 'first')).toThrow(untrusted);
      expect(() => save()).toThrow(untrusted);
      expect(store.find('object', 'second')?.name).toBe('second');
      expect(contentsOf(root)).toEqual(before); // nothing is swept
      const broken = store.peek('object', 'first');
      if (broken?.kind !== 'broken') throw new Error('the entry is not broken');
      if (left.length === 0) store.remove(broken);
      else expect(() => store.remove(broken)).toThrow(expect.objectContaining({ code: 'store-unknown' }));
      expect(existsSync(entry()) ? contentsOf(entry()) : []).toEqual(
        left.map(line => line.replace('PRIVATE', join(secret, 'm'))),
      );
    });

    test('what the store did not make is left, and reported', () => {
      save();
      const strange = ['0', 'mine', '1/mine', '1/components/c/mine', '1/components/c/maps/m~', '2/mine'];
      mkdirSync(join(entry(), '2'));
      for (const name of strange) pinMapAt(join(entry(), name));
      mkdirSync(join(entry(), 'directory'));
      symlinkSync(secret, join(entry(), 'link'));
      symlinkSync(secret, join(entry(), '1/link_x'));
      const store = Store.open(kernel, root);
      const [problem, ...others] = store.unknown();
      expect(others).toEqual([]);
      const expected = [...strange, 'directory', 'link', '1/link_x'].map(name => join(entry(), name));
      expect(problem).toMatchObject({ code: 'store-unknown', details: expect.arrayContaining(expected) });
      expect(problem?.details).toHaveLength(expected.length);
      const broken = store.peek('object', 'first');
      if (broken === undefined) throw new Error('no entry');
      expect(() => store.remove(broken)).toThrow(expect.objectContaining({ code: 'store-unknown' }));
      const directories = ['1', '1/components', '1/components/c', '1/components/c/maps', '2', 'directory'];
      const links = [`link ${secret}`, `1/link_x ${secret}`];
      expect(contentsOf(entry())).toEqual([...directories, ...links, ...strange].sort());
      expect(() => Store.open(kernel, root).list()).toThrow(untrusted); // link_x, where pins are
      unlinkSync(join(entry(), '1/link_x'));
      expect(Store.open(kernel, root).list()).toMatchObject([
        { kind: 'broken', problems: [{ code: 'store-unknown' }] },
      ]);
    });
  });

  test('has no pipes, devices and files that an open would wait for: the file system makes none', () => {
    const at = join(mount.path, 'waits');
    for (const command of [
      ['mkfifo', at],
      ['mknod', at, 'c', '1', '5'],
      ['sh', '-c', `: > ${at}`],
    ] as const) {
      const [name, ...words] = command;
      expect(spawnSync(name, words).status, name).not.toBe(0);
    }
    expect(existsSync(at)).toBe(false);
  });

  test('a read-only file system is named as such', () => {
    execFileSync('mount', ['-o', 'remount,ro', mount.path]);
    expect(() => save()).toThrow(
      expect.objectContaining({
        code: 'store-read-only',
        message: expect.stringMatching(/read-only.*remount,rw/s),
      }),
    );
    expect(Store.open(kernel, root).list()).toEqual([]);
  });

  test('the census lists each pin once, by the path that stays', () => {
    const entry = save();
    symlinkSync(secret, join(mount.path, 'other'));
    symlinkSync('private', join(root, 'again'));
    const { maps } = takeCensus(kernel);
    const pinsOf = (id: number | undefined) =>
      maps
        .find(map => map.id === id)
        ?.holders.flatMap(holder => (holder.kind === 'pin' ? [holder.path] : []));
    expect(pinsOf(entry.record.maps[0]?.id)).toEqual([join(root, 'objects/first/1/map_m')]);
    expect(pinsOf(entry.record.maps[1]?.id)).toEqual([join(root, 'objects/first/components/c/maps/m')]);
    using map = BpfMap.adopt(kernel, openPin(kernel, join(secret, 'm'), 'map'));
    expect(pinsOf(map.info().id)).toEqual([join(secret, 'm')]);
  });

  test('a directory is only used by names', () => {
    using directory = Directory.make(root);
    for (const name of ['', '.', '..', 'a/b', '/'])
      expect(() => directory.at(name)).toThrow(expect.objectContaining({ code: 'bug-invariant' }));
  });

  test('directories that change between look and use lead nowhere', async () => {
    const outside = contentsOf(secret);
    asNobody(
      'mkdir -p trap/objects/first/1; ln -s ../../../private trap/objects/first/2; ln -s 1 trap/objects/first/current',
    );
    asNobody('ln -s private link; mkdir plain');
    const swap =
      'while :; do mv -T link rootlet; mv -T rootlet link; mv -T trap rootlet; mv -T rootlet trap; mv -T plain rootlet; mv -T rootlet plain; done';
    const other = spawn(
      'setpriv',
      ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', 'sh', '-c', swap],
      { cwd: mount.path, stdio: 'ignore' },
    );
    try {
      const seen = new Set<string>();
      for (let round = 0; round < 400; round++) seen.add(attempt(round));
      expect([...seen].filter(code => !['', 'store-untrusted', 'store-file'].includes(code))).toEqual([]);
      expect(seen).toContain('store-untrusted'); // the other user was at work
      expect(contentsOf(secret)).toEqual(outside);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'close');
    }
  });

  /**
   * One command against the other user; the code of its error. What it made is removed, so that the race
   * continues.
   */
  function attempt(round: number): string {
    try {
      const store = Store.open(kernel, root);
      for (const entry of store.list()) store.remove(entry);
      if (round % 2 === 0) store.remove(save('first', store));
      return '';
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      return error.code;
    } finally {
      clearOwn();
    }
  }

  /** Removes an empty store of root, and nothing of the other user. */
  function clearOwn(): void {
    try {
      if (lstatSync(root).uid !== 0) return;
      if (existsSync(join(root, 'objects'))) rmdirSync(join(root, 'objects'));
      rmdirSync(root);
    } catch {
      // the other user has put something else there
    }
  }
});

/** All that is below a directory, by path, and where links lead. They are not followed. */
function contentsOf(path: string): string[] {
  const found = execFileSync('find', [path, '-mindepth', '1', '-printf', '%P %l\\n'], { encoding: 'utf8' });
  return found
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .sort();
}
