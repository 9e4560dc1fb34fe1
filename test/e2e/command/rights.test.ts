/**
 * What needs no kernel runs as any user, and under the permission model of Node with the files that it is given; kernel
 * commands name what they miss, and look at what is their own.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleCommand } from '../../../cli/testing.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { needs } from '../../support/needs.ts';

const NOBODY = 65534;
const ROOT = join(import.meta.dirname, '../../..');
const OBJECT = join(ROOT, 'examples/obj/el/first_firewall.bpf.o');
const PACKET =
  'ffffffffffff00000000000108004500001c000100004011000001010101020202020035003500080000aabbccddeeff';
const THREE = '+bpf,+net_admin,+perfmon';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-rights-'));
const command = join(directory, 'rootlet.mjs');
const own = join(directory, 'own');
const object = join(own, 'firewall.o');

beforeAll(() => {
  chmodSync(directory, 0o755);
  bundleCommand(command);
  mkdirSync(own);
  copyFileSync(OBJECT, object);
  chmodSync(object, 0o644);
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

function run(line: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const [file = '', ...words] = line;
  const all = { PATH: process.env['PATH'], NO_COLOR: '1', NODE_NO_WARNINGS: '1', ...env };
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', env: all });
  return { code: status, text: stdout + stderr };
}

const OFFLINE: readonly (readonly [string, readonly string[]])[] = [
  ['inspect', ['inspect', object]],
  ['link', ['link', object, '-o', join(own, 'out.o')]],
  ['link over its output', ['link', object, '-o', join(own, 'out.o')]],
  ['run', ['run', object, '--packet', PACKET]],
];

test.each(OFFLINE)('under the permission model: %s', (_, words) => {
  const flag = process.version.startsWith('v20.') ? '--experimental-permission' : '--permission';
  const files = [`--allow-fs-read=${own}/*`, `--allow-fs-read=${command}`, `--allow-fs-write=${own}/*`];
  const { code, text } = run([process.execPath, flag, ...files, command, ...words]);
  expect([code, text]).toEqual([0, expect.not.stringContaining('denied')]);
});

test('what the permission model denies is named', () => {
  const flag = process.version.startsWith('v20.') ? '--experimental-permission' : '--permission';
  const node = [process.execPath, flag, '--allow-fs-read=*', `--allow-fs-write=${own}/*`, command];
  const elsewhere = run([...node, 'link', object, '-o', join(directory, 'out.o')]);
  expect(elsewhere).toMatchObject({ code: 1, text: expect.stringContaining('--allow-fs-write') });
  const kernel = run([...node, 'ps', '--json']);
  expect(kernel).toMatchObject({ code: 3, text: expect.stringContaining('--allow-addons') });
  expect(JSON.parse(kernel.text)).toMatchObject({ problems: [{ code: 'kernel-no-ffi' }] });
});

needs('root', 'bpf').describe('with some rights', () => {
  let mount: ReturnType<typeof mountBpffs>;
  let store = '';
  beforeAll(() => {
    mount = mountBpffs();
    chmodSync(mount.path, 0o755);
    const users = join(mount.path, 'u');
    mkdirSync(users, { mode: 0o700 });
    chownSync(users, NOBODY, NOBODY);
    chownSync(own, NOBODY, NOBODY);
    store = join(users, 'store');
  });
  afterAll(() => mount.close());

  /** As an unprivileged user with these capabilities. */
  function as(capabilities: string, ...words: readonly string[]): Ended {
    const ids = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    const rights = ['inh', 'ambient'].map(set => `--${set}-caps=${capabilities}`);
    const line = ['setpriv', ...ids, ...rights, `--bounding-set=${capabilities}`, process.execPath, command];
    return run([...line, ...words], { ROOTLET_BPFFS: store });
  }

  test.each(OFFLINE)('none: %s', (_, words) => {
    rmSync(join(own, 'out.o'), { force: true });
    expect(as('-all', ...words)).toMatchObject({ code: 0 });
  });

  test('none: plans, and an empty store', () => {
    expect(as('-all', 'load', object, '--dry-run')).toMatchObject({
      code: 0,
      text: expect.stringContaining('would load firewall'),
    });
    expect(as('-all', 'ps')).toMatchObject({ code: 0, text: expect.stringContaining('nothing is loaded') });
    const { code, text } = as('-all', 'load', object);
    expect([code, text]).toEqual([3, expect.stringContaining('CAP_BPF')]);
  });

  test('CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: own objects are listed, others are not visible', () => {
    expect(as(THREE, 'load', object)).toMatchObject({ code: 0 });
    expect(as(THREE, 'ps').text).toMatch(/program .* object "firewall"/);
    const all = as(THREE, 'ps', '--all');
    expect(all).toMatchObject({ code: 0, text: expect.stringContaining('CAP_SYS_ADMIN') });
    expect(all.text).toMatch(/program .* object "firewall"/);
    expect(as(THREE, 'xdp', 'status')).toMatchObject({ code: 0 });
    expect(as(THREE, 'unload', 'firewall')).toMatchObject({ code: 0 });
  });

  test('doctor says whether this user can pin in the store', () => {
    expect(as(THREE, 'doctor').text).toMatch(/✓ bpf file system/);
    const elsewhere = as(THREE, 'doctor', '--bpffs', join(mount.path, 'other'));
    expect(elsewhere).toMatchObject({
      code: 3,
      text: expect.stringMatching(/✗ bpf file system.*may not write/s),
    });
  });
});
