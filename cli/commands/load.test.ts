/**
 * `load`, `unload`, `ps` and `doctor` as processes on the kernel: what they print, keep, and leave behind.
 */

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { CommandWorld } from '../testing.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const { sys, reason } = kernelForTests();
const missing =
  sys === undefined ? reason : ['ip', 'nsenter', 'setpriv'].find(tool => spawnSync(tool, ['-V']).error);

const EXAMPLES = join(import.meta.dirname, '../../examples/obj/el');
const TESTDATA = join(import.meta.dirname, '../../src/load/testdata/obj/el');
const FIREWALL = join(EXAMPLES, 'first_firewall.bpf.o');
const GLOBALS = join(TESTDATA, 'globals.bpf.o');

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const world = missing === undefined ? new CommandWorld() : undefined;
  const rootlet = (...words: readonly string[]) => world?.run(words) ?? { code: -1, out: '', err: '' };
  const json = (...words: readonly string[]) => world?.json(...words) ?? {};
  const root = world?.root ?? '';
  const bpffs = world?.bpffs ?? '';
  afterAll(() => world?.close());
  afterEach(() => {
    const names = readNames('objects');
    if (names.length > 0) rootlet('unload', '--force', ...names);
    expect(readNames('objects')).toEqual([]);
  });
  const readNames = (kind: string) => (existsSync(join(root, kind)) ? readdirSync(join(root, kind)) : []);

  test('an object stays, is listed with its owner, and goes', () => {
    expect(rootlet('ps').out).toContain('nothing is loaded');
    const loaded = rootlet('load', FIREWALL);
    expect(loaded).toMatchObject({ code: 0, err: '' });
    expect(loaded.out).toMatch(
      /^loaded first_firewall\n {2}program {2}xdp_prog1 +id \d+ +xdp, tag [0-9a-f]{16}\n/,
    );
    const { rows, entries } = json('ps');
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          kind: 'program',
          name: 'xdp_prog1',
          type: 'xdp',
          owners: [{ kind: 'object', name: 'first_firewall' }],
        }),
        expect.objectContaining({ kind: 'map', name: '.bss', type: 'array' }),
      ]),
    );
    expect(entries).toMatchObject([
      { kind: 'object', name: 'first_firewall', generation: 1, source: FIREWALL },
    ]);
    expect(rootlet('ps').out).toMatch(/program +\d+ +xdp_prog1 +xdp +object "first_firewall"/);
    const { rows: all } = json('ps', '--all');
    expect(all).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'xdp_prog1', owners: [{ kind: 'object', name: 'first_firewall' }] }),
      ]),
    );
    expect(rootlet('unload', 'first_firewall')).toEqual({
      code: 0,
      out: 'unloaded first_firewall\n',
      err: '',
    });
  });

  test('several files are linked first', () => {
    const files = ['first.bpf.o', 'second.bpf.o'].map(name => join(EXAMPLES, name));
    const { ok, problems, entry } = json('load', ...files, '--name', 'both');
    expect({ ok, problems }).toEqual({ ok: true, problems: undefined });
    expect(entry).toMatchObject({ name: 'both', source: files.join(' + ') });
  });

  test('a dry run tells the plan and creates nothing', () => {
    const text = rootlet('load', '--dry-run', join(TESTDATA, 'externs.bpf.o'));
    expect(text.code).toBe(0);
    expect(text.out).toMatch(
      /maps, in this order:\n {2}\.kconfig +array +key 4 +value 39 +1 entry +constant/,
    );
    expect(text.out).toMatch(/CONFIG_NOT_A_SETTING +configuration value +false/);
    expect(text.out).toMatch(/no_such_symbol +weak +not on this kernel/);
    expect(text.out).toMatch(/nothing was created\n$/);
    const { plan } = json(
      'load',
      '--dry-run',
      join(import.meta.dirname, '../../src/core/testdata/obj/el/kinds.bpf.o'),
    );
    expect(plan).toMatchObject({
      core: expect.arrayContaining([
        expect.objectContaining({ function: 'exists_not', asked: expect.any(String), poisoned: false }),
      ]),
    });
    expect(existsSync(root) ? readNames('objects') : []).toEqual([]);
  });

  test('values, sizes, given maps and pins of one’s own', () => {
    const pins = join(bpffs, 'pins');
    rootlet('load', FIREWALL, '--pin', pins);
    expect(readdirSync(pins).sort()).toEqual(['_bss', '_rodata', 'rules', 'xdp_prog1']);
    rootlet('load', FIREWALL, '--name', 'second', '--map', `rules=${join(pins, 'rules')}`);
    const id = (name: string) =>
      new RegExp(`map +(\\d+) +rules +hash +object "${name}"`).exec(rootlet('ps').out)?.[1];
    expect(id('second')).toMatch(/\d/);
    expect(id('second')).toBe(id('first_firewall'));
    expect(rootlet('load', FIREWALL, '--name', 'third', '--max-entries', 'rules=7').code).toBe(0);
    expect(rootlet('ps').out).toMatch(/rules +hash +object "third" +key 4, value 16, 7 entries/);
    rootlet('unload', 'first_firewall', 'second', 'third');
    expect(existsSync(pins)).toBe(false);
    expect(rootlet('load', GLOBALS, '--set', 'limit=5', '--set', 'text=hello').code).toBe(0);
  });

  test('the log of accepted programs is written', () => {
    const log = join(world?.directory ?? '', 'log');
    expect(rootlet('load', FIREWALL, '--verifier-log', log).code).toBe(0);
    expect(readFileSync(log, 'utf8')).toMatch(/^program xdp_prog1:\n[\s\S]*processed \d+ insns/);
  });

  const wrong: readonly (readonly [string, readonly string[], string, RegExp])[] = [
    ['a name that is taken', [FIREWALL, '--name', 'taken'], 'store-name-taken', /rootlet replace taken FILE/],
    ['a value that does not fit', [GLOBALS, '--set', 'byte=300'], 'value-mismatch', /300 does not fit/],
    [
      'a value of another type',
      [GLOBALS, '--set', 'limit=red'],
      'value-mismatch',
      /--set takes whole numbers/,
    ],
    ['an unknown variable', [GLOBALS, '--set', 'nothing=1'], 'load-no-global', /there are: "limit", /],
    ['no pair', [GLOBALS, '--set', 'limit'], 'usage-set', /NAME=VALUE/],
    ['an unknown map', [FIREWALL, '--max-entries', 'nothing=1'], 'load-no-map', /there are: "rules"/],
    ['an unknown program', [FIREWALL, '--only', 'nothing'], 'load-no-program', /there are: "xdp_prog1"/],
    ['no number', [FIREWALL, '--max-entries', 'rules=many'], 'usage-max-entries', /flows=4096/],
    ['a missing pin', [FIREWALL, '--map', 'rules=/nothing'], 'store-pin', /ps --all/],
    ['a missing directory', [FIREWALL, '--pin', 'BPFFS/a/b'], 'usage-pin', /its parent must exist/],
    ['a directory elsewhere', [FIREWALL, '--pin', '/tmp/pins'], 'store-no-bpffs', /mount -t bpf/],
    ['a store elsewhere', [FIREWALL, '--bpffs', '/tmp/store'], 'store-no-bpffs', /mount -t bpf/],
    ['no BTF', [FIREWALL, '--btf', '/etc/hostname'], 'btf-', /magic|header|bytes/],
    ['a missing file', ['/nothing.o'], 'file-read', /no such file/],
    ['an empty name', [FIREWALL, '--name', ''], 'store-name', /at least one character/],
  ];
  test('what is wrong is refused with what to do, and nothing is left', () => {
    rootlet('load', FIREWALL, '--name', 'taken');
    const before = [readdirSync(bpffs), readNames('objects')];
    for (const [what, words, code, message] of wrong) {
      const given = words.map(word => word.replace('BPFFS', bpffs));
      const { ok, problems } = json('load', ...given);
      expect({ what, ok, problems }).toMatchObject({
        what,
        ok: false,
        problems: [{ code: expect.stringContaining(code) }],
      });
      expect(JSON.stringify(problems).replaceAll('\\"', '"'), what).toMatch(message);
      expect([readdirSync(bpffs), readNames('objects')], what).toEqual(before);
    }
  });

  test('an entry that leads elsewhere stops other commands, and can be removed', () => {
    const secret = join(bpffs, 'private');
    mkdirSync(secret);
    try {
      rootlet('load', FIREWALL, '--name', 'astray');
      const current = join(root, 'objects/astray/current');
      unlinkSync(current);
      symlinkSync('../../../private', current);
      expect(rootlet('ps')).toMatchObject({ code: 3, err: expect.stringContaining('unload --force') });
      expect(json('ps', '--all')).toMatchObject({ ok: false, problems: [{ code: 'store-untrusted' }] });
      expect(rootlet('unload', 'astray').code).toBe(3);
      expect(rootlet('unload', 'astray', '--force').code).toBe(0);
      expect(rootlet('ps').code).toBe(0);
      expect(existsSync(secret)).toBe(true);
    } finally {
      rmdirSync(secret);
    }
  });

  test('what the store did not make is listed, and left', () => {
    rootlet('load', FIREWALL);
    const strange = join(root, 'objects/first_firewall/1/strange');
    mkdirSync(strange);
    expect(rootlet('ps').err).toContain('BPFFS/rootlet/objects/first_firewall/1/strange');
    expect(json('ps')).toMatchObject({
      unknown: [{ code: 'store-unknown', details: [strange.replace(bpffs, 'BPFFS')] }],
    });
    expect(rootlet('unload', 'first_firewall')).toMatchObject({
      code: 3,
      err: expect.stringContaining('strange'),
    });
    expect(rootlet('ps').out).not.toContain('xdp_prog1');
    rmdirSync(strange);
    expect(rootlet('ps')).toMatchObject({ code: 0, err: '' });
    expect(readNames('objects')).toEqual([]);
  });

  test('pins of one’s own are only made and removed where no other user can exchange them', () => {
    const pins = join(bpffs, 'pins');
    rootlet('load', FIREWALL, '--pin', pins);
    renameSync(pins, join(bpffs, 'moved'));
    symlinkSync('moved', pins);
    expect(json('load', FIREWALL, '--name', 'second', '--pin', pins)).toMatchObject({
      problems: [{ code: 'store-untrusted' }],
    });
    expect(rootlet('unload', 'first_firewall').code).toBe(0);
    expect(readdirSync(join(bpffs, 'moved')).sort()).toEqual(['_bss', '_rodata', 'rules', 'xdp_prog1']);
    rmSync(join(bpffs, 'moved'), { recursive: true });
    rmSync(pins);
  });

  test('unknown names list what there is', () => {
    rootlet('load', FIREWALL, '--name', 'here');
    expect(rootlet('unload', 'gone')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there are: "here"'),
    });
    expect(rootlet('detach', 'here').err).toContain('rootlet unload here');
  });

  test('what others are bound to stays, unless they go with it', () => {
    const [first = '', second = ''] = ['first.bpf.o', 'second.bpf.o'].map(name => join(EXAMPLES, name));
    rootlet('load', first);
    expect(rootlet('load', second).code).toBe(0);
    expect(rootlet('unload', 'first')).toMatchObject({
      code: 2,
      err: expect.stringContaining('object "second"'),
    });
    expect(rootlet('unload', 'first', 'second').code).toBe(0);
  });

  test('too few descriptors: an error each time, and nothing is left', () => {
    const codes = [];
    for (let limit = 20; limit <= 36; limit += 2) {
      const result = world?.run(['load', FIREWALL], { through: ['prlimit', `--nofile=${limit}`] });
      codes.push(result?.code);
      if (result?.code !== 0) {
        expect(result?.err).toMatch(/ulimit -n/);
        expect(readNames('objects')).toEqual([]);
      } else rootlet('unload', 'first_firewall');
    }
    expect(codes).toContain(3);
    expect(codes.at(-1)).toBe(0);
  });

  test('without rights the missing capability is named', () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const object = join(world?.directory ?? '', 'first_firewall.bpf.o');
    copyFileSync(FIREWALL, object);
    const result = world?.run(['load', object], { through: nobody });
    expect(result).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('CAP_BPF and CAP_NET_ADMIN missing'),
    });
    const doctor = world?.run(['doctor'], { through: nobody });
    expect(doctor).toMatchObject({ code: 3, out: expect.stringMatching(/✗ CAP_BPF\n +run as root/) });
  });

  test('a record that cannot be read is reported, and goes by force', () => {
    const directory = join(root, 'objects', 'odd');
    mkdirSync(join(directory, '1'), { recursive: true });
    symlinkSync('1', join(directory, 'current'));
    rootlet('load', FIREWALL);
    const listed = rootlet('ps');
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('xdp_prog1') });
    expect(listed.err).toContain('object "odd" cannot be read');
    expect(rootlet('unload', 'odd')).toMatchObject({ code: 3, err: expect.stringContaining('--force') });
    expect(rootlet('unload', '--force', 'odd').code).toBe(0);
    expect(readNames('objects')).toEqual(['first_firewall']);
  });

  test('doctor tells as text and as data', () => {
    expect(rootlet('doctor').out).toMatch(/^Linux [\s\S]*✓ CAP_BPF\n[\s\S]*program types: \d+ of \d+/);
    expect(json('doctor')).toMatchObject({ environment: expect.any(Array), programTypes: expect.any(Array) });
  });
});
