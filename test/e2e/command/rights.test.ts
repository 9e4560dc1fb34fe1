/**
 * What needs no kernel runs as any user, and under the permission model of Node with the files that it is given; kernel
 * commands name what they miss, and look at what is their own.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleCommand } from '../../../cli/testing.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { kernel, Wire } from '../slots/support.ts';

const NOBODY = 65534;
const ROOT = join(import.meta.dirname, '../../..');
const OBJECT = join(ROOT, 'examples/obj/el/first_firewall.bpf.o');
const SECOND = join(ROOT, 'examples/obj/el/second_firewall.bpf.o');
const ROOTLET = join(ROOT, 'examples/obj/el/rootlet.bpf.o');
const PACKET =
  'ffffffffffff00000000000108004500001c000100004011000001010101020202020035003500080000aabbccddeeff';
const HEAD =
  '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar _license[] SEC("license") = "GPL";\n';
const SOURCES = {
  filter: `${HEAD} __u64 seen; SEC("tc") int filter(struct __sk_buff *skb) { seen++; return 0; }`,
  lib: `${HEAD} __u64 seen; __attribute__((noinline)) int judge(struct xdp_md *ctx) { seen++; return ctx ? 2 : 0; }`,
  user: `${HEAD} extern int judge(struct xdp_md *ctx); SEC("xdp") int user(struct xdp_md *ctx) { return judge(ctx); }`,
};
const THREE = '+bpf,+net_admin,+perfmon';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-rights-'));
const command = join(directory, 'rootlet.mjs');
const own = join(directory, 'own');
const at = (name: string): string => join(own, `${name}.o`);
const [object, second, rootlet] = ['firewall', 'second', 'rootlet'].map(at) as [string, string, string];

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
    return run([...asUser(capabilities), ...words], { ROOTLET_BPFFS: store });
  }

  function asUser(capabilities: string): string[] {
    const ids = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    const rights = ['inh', 'ambient'].map(set => `--${set}-caps=${capabilities}`);
    return ['setpriv', ...ids, ...rights, `--bounding-set=${capabilities}`, process.execPath, command];
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

  needs('ip', 'clang').describe('with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, on an interface', () => {
    let wire: Wire;
    beforeAll(() => {
      wire = new Wire('rights');
      for (const path of compileInto(own, SOURCES)) chmodSync(path, 0o644);
      for (const [from, to] of [
        [SECOND, second],
        [ROOTLET, rootlet],
      ] as const) {
        copyFileSync(from, to);
        chmodSync(to, 0o644);
      }
    });
    afterAll(() => wire.close());

    function inside(...words: readonly string[]): Ended {
      return run(['ip', 'netns', 'exec', wire.name, ...asUser(THREE), ...words], { ROOTLET_BPFFS: store });
    }

    /** Output of a command that has to succeed. */
    function must(...words: readonly string[]): string {
      const { code, text } = inside(...words);
      if (code !== 0) throw new Error(`rootlet ${words.join(' ')}: ${code} ${text}`);
      return text;
    }

    test('attach, replace, detach', () => {
      must('attach', 'xdp', 'va', object, '--mode', 'generic', '--name', 'R');
      expect(must('replace', 'R', object)).toContain('state kept: rules, .rodata, .bss');
      expect(must('detach', 'R')).toContain('detached R');
    });

    test('rootlets: attach, fill slots, replace, reset, detach', () => {
      must('attach', 'xdp', 'va', rootlet, '--mode', 'generic', '--name', 'R');
      must('replace', 'R', `dummy1=${object}:xdp_prog1`);
      must('replace', 'R', `dummy1=${object}:xdp_prog1`);
      must('replace', 'R', rootlet);
      must('replace', 'R', '--reset', 'dummy1');
      must('detach', 'R');
    });

    test('load, replace, unload', () => {
      must('load', object, '--name', 'one');
      must('replace', 'one', object);
      must('unload', 'one');
    });

    test('bound objects: load, attach, a new version of the provider, unload', () => {
      must('load', at('lib'));
      must('load', at('user'), '--via', 'tail', '--name', 'tail');
      must('attach', 'xdp', 'va', at('user'), '--mode', 'generic', '--via', 'copy', '--name', 'R');
      const replaced = must('replace', 'lib', at('lib'));
      expect(replaced).toMatch(/consumer hook R: reloaded, and replaced where it is attached/);
      expect(replaced).toContain('other processes made are not visible without CAP_SYS_ADMIN');
      must('load', at('user'), '--lazy', '--name', 'lazy');
      must('ps', '--bindings');
      must('detach', 'R');
      must('unload', 'tail', 'lazy', 'lib');
    });

    test('tc: load, a further one, replace, unload', () => {
      const filter = at('filter');
      for (const via of ['tcx', 'static']) {
        must('tc', 'load', 'va', filter, '--ingress', '--via', via, '--name', 'one');
        must('tc', 'load', 'va', filter, '--ingress', '--name', 'two');
        must('tc', 'replace', 'va', 'one', filter, '--ingress');
        must('tc', 'unload', 'va', '--ingress', '--all');
      }
    });

    test('entries whose record this user cannot read: other hooks are not stopped, detach --force detaches', () => {
      const hide = (name: string) => chmodSync(join(store, 'hooks', name, 'current/record'), 0);
      must('tc', 'load', 'va', at('filter'), '--ingress', '--via', 'static');
      must('attach', 'xdp', 'va', object, '--mode', 'generic', '--name', 'R');
      must('attach', 'tcx', 'va', at('filter'), '--egress', '--name', 'T');
      hide('R');
      hide('T');
      must('tc', 'load', 'va', at('filter'), '--ingress', '--name', 'two');
      hide('tc-va-ingress');
      const stopped = inside('tc', 'load', 'va', at('filter'), '--ingress');
      expect(stopped).toMatchObject({
        code: 3,
        text: expect.stringContaining('rootlet detach tc-va-ingress --force'),
      });
      expect(inside('detach', 'R')).toMatchObject({ code: 3 });
      const detached = must('detach', 'R', 'T', 'tc-va-ingress', '--force');
      expect(detached).toMatch(/R.*detached\n.*T.*detached\n.*tc-va-ingress.*detached/);
      const left = execFileSync('tc', ['-n', wire.name, 'filter', 'show', 'dev', 'va', 'ingress'], {
        encoding: 'utf8',
      });
      expect([left, wire.inside(() => readInterface(kernel, 'va')).xdp.generic]).toEqual(['', 0]);
      expect(must('ps')).toContain('nothing is loaded');
    });

    test('xdp: load, a further one, replace, order, unload, clean, doctor --fix', () => {
      must('xdp', 'load', 'va', object, '--mode', 'generic');
      must('xdp', 'load', 'va', second);
      must('xdp', 'replace', 'va', 'firewall', object);
      must('xdp', 'order', 'va', 'second,firewall');
      must('xdp', 'status', 'va');
      must('xdp', 'unload', 'va', 'second');
      execFileSync('ip', ['-n', wire.name, 'link', 'set', 'dev', 'va', 'xdpgeneric', 'off']);
      expect(must('xdp', 'clean')).toContain('removed');
      must('xdp', 'load', 'va', object, '--mode', 'generic');
      execFileSync('ip', ['-n', wire.name, 'link', 'set', 'dev', 'va', 'xdpgeneric', 'off']);
      must('doctor', '--fix');
      expect(must('ps')).toContain('nothing is loaded');
    });
  });
});
