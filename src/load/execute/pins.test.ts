/** Pins by name where another user is at work: in a bpf file system that every user can write to. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BpfMap } from '../../kernel/objects/map.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import { BPF_MAP_TYPE_ARRAY } from '../../uapi/map-types.ts';
import { mountBpffs } from '../testing.ts';
import { isPinned, openPinAt, pinMap } from './pins.ts';

const { sys, reason } = kernelForTests();
const NOBODY = 65534;

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();
  let mount: ReturnType<typeof mountBpffs>;
  let fds = 0;
  const at = (...names: readonly string[]): string => join(mount.path, ...names);
  const untrusted = expect.objectContaining({ code: 'load-pin-untrusted' });
  beforeEach(() => {
    fds = countFds();
    mount = mountBpffs('1777');
  });
  afterEach(() => {
    mount.close();
    expect(countFds()).toBe(fds);
  });

  const mapOf = (): BpfMap =>
    BpfMap.create(kernel, { name: 'm', type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 });

  /** Pins a map of its own; what removes the pin. */
  function pinAt(path: string): () => void {
    using map = mapOf();
    return pinMap(map, path);
  }

  test('a pin that was made is found, and removed once', () => {
    const remove = pinAt(at('a', 'b', 'm'));
    expect(isPinned(kernel, at('a', 'b', 'm'))).toBe(true);
    remove();
    expect(readdirSync(at('a', 'b'))).toEqual([]);
    expect([at('a', 'b', 'm'), at('none', 'm')].map(path => isPinned(kernel, path))).toEqual([false, false]);
    const again = pinAt(at('a', 'b', 'm'));
    remove(); // that of before
    expect(isPinned(kernel, at('a', 'b', 'm'))).toBe(true);
    again();
  });

  const REPLACEMENTS: readonly (readonly [string, () => void])[] = [
    [
      'another pin of the same name',
      () => {
        unlinkSync(at('dir', 'm'));
        pinAt(at('dir', 'm'));
      },
    ],
    [
      'a pin of the same map',
      () => {
        using fd = openPinAt(kernel, at('dir', 'm'));
        if (fd === undefined) throw new Error('no pin');
        using map = BpfMap.adopt(kernel, fd);
        unlinkSync(at('dir', 'm'));
        pinMap(map, at('dir', 'm'));
      },
    ],
    [
      'another directory of that name',
      () => {
        renameSync(at('dir'), at('moved'));
        mkdirSync(at('dir'));
        pinAt(at('dir', 'm'));
      },
    ],
    [
      'another directory that has the very file',
      () => {
        renameSync(at('dir'), at('moved'));
        mkdirSync(at('dir'));
        linkSync(at('moved', 'm'), at('dir', 'm'));
      },
    ],
    [
      'a link to the directory of another program',
      () => {
        mkdirSync(at('private'));
        pinAt(at('private', 'm'));
        renameSync(at('dir'), at('moved'));
        symlinkSync('private', at('dir'));
      },
    ],
    [
      'a link in the place of the pin',
      () => {
        pinAt(at('private'));
        unlinkSync(at('dir', 'm'));
        symlinkSync('../private', at('dir', 'm'));
      },
    ],
  ];
  test.each(REPLACEMENTS)('%s is not removed', (_, replace) => {
    const remove = pinAt(at('dir', 'm'));
    replace();
    const before = contentsOf(mount.path);
    remove();
    expect(contentsOf(mount.path)).toEqual(before);
  });

  test('a directory that moved away, or became one of another user, keeps the pin; nothing fails', () => {
    const remove = pinAt(at('dir', 'm'));
    renameSync(at('dir'), at('moved'));
    remove();
    expect(existsSync(at('moved', 'm'))).toBe(true);
    renameSync(at('moved'), at('dir'));
    chownSync(at('dir'), NOBODY, NOBODY);
    remove(); // it is that directory, and that file
    expect(readdirSync(at('dir'))).toEqual([]);
  });

  test('the path above the mount can lead elsewhere: what is there stays', () => {
    const above = mkdtempSync(join(tmpdir(), 'rootlet-above-'));
    symlinkSync(mount.path, join(above, 'bpf'));
    const remove = pinAt(join(above, 'bpf', 'm'));
    rmSync(join(above, 'bpf'));
    mkdirSync(at('private'));
    pinAt(at('private', 'm'));
    symlinkSync(at('private'), join(above, 'bpf'));
    remove();
    expect([existsSync(at('private', 'm')), existsSync(at('m'))]).toEqual([true, true]);
    rmSync(above, { recursive: true });
  });

  const FOREIGN: readonly (readonly [string, () => void])[] = [
    ['a pin of another user', () => chownSync(at('m'), NOBODY, NOBODY)],
    [
      'a link of another user to a private pin',
      () => {
        mkdirSync(at('private'), 0o700);
        renameSync(at('m'), at('private', 'm'));
        asNobody('ln -s private/m m');
      },
    ],
    [
      'a link of another user to nothing',
      () => {
        unlinkSync(at('m'));
        asNobody('ln -s nothing m');
      },
    ],
    [
      'a directory of another user',
      () => {
        unlinkSync(at('m'));
        asNobody('mkdir m');
      },
    ],
  ];
  test.each(FOREIGN)('%s is not used in place of a new map', (_, change) => {
    pinAt(at('m'));
    change();
    const before = contentsOf(mount.path);
    expect(() => openPinAt(kernel, at('m'))).toThrow(untrusted);
    expect(contentsOf(mount.path)).toEqual(before);
  });

  test('nothing is found or made below directories of another user', () => {
    const before = contentsOf(mount.path); // some kernels put iterators there
    asNobody('mkdir theirs; mkdir -m 777 open');
    symlinkSync('theirs', at('link'));
    lchownSync(at('link'), NOBODY, NOBODY);
    for (const name of ['theirs', 'open', 'link', 'theirs/below'])
      for (const work of [() => openPinAt(kernel, at(name, 'm')), () => pinAt(at(name, 'm'))])
        expect(work, name).toThrow(untrusted);
    expect(contentsOf(mount.path)).toEqual([...before, 'link theirs', 'open', 'theirs'].sort());
    mkdirSync(at('mine'));
    chmodSync(at('mine'), 0o777);
    expect(() => openPinAt(kernel, at('mine', 'm'))).toThrow(untrusted);
  });

  /** As an unprivileged user who may search the private directories above the mount point. */
  function asNobody(script: string): void {
    const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--no-new-privs'];
    const { status, stderr } = spawnSync('setpriv', [...user, 'sh', '-ec', script], {
      cwd: mount.path,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
  }
});

/** All that is below a directory, by path, and where links lead. */
function contentsOf(path: string): string[] {
  const { stdout } = spawnSync('find', [path, '-mindepth', '1', '-printf', '%P %l\\n'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .sort();
}
