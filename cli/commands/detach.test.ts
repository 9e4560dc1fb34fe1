/** `detach`, `ps` and changes of hooks that other processes changed, moved or ended, as processes. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { Store } from '../../src/store/store.ts';
import { CommandWorld } from '../testing.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const { sys, reason } = kernelForTests();
const kernel = sys ?? new FakeSys();
const missing = sys === undefined ? reason : ['ip', 'nsenter'].find(tool => spawnSync(tool, ['-V']).error);

const at = (path: string) => join(import.meta.dirname, '../..', path);
const FIRST = at('examples/obj/el/first_firewall.bpf.o');
const SECOND = at('examples/obj/el/second_firewall.bpf.o');
/** XDP programs, and `load_mark` for TC. */
const KINDS = at('src/core/testdata/obj/el/kinds.bpf.o');

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const world = missing === undefined ? new CommandWorld() : undefined;
  const rootlet = (...words: readonly string[]) => world?.run(words) ?? { code: -1, out: '', err: '' };
  const json = (...words: readonly string[]) => world?.json(...words) ?? {};
  const root = world?.root ?? '';
  const names = () => (existsSync(join(root, 'hooks')) ? readdirSync(join(root, 'hooks')) : []);
  const onV0 = () => world?.inside('-d', 'link', 'show', 'v0') ?? '';
  afterAll(() => world?.close());
  afterEach(() => {
    if (names().length > 0) rootlet('detach', '--force', ...names());
    expect(names()).toEqual([]);
    expect(onV0()).not.toContain('xdp');
  });

  const filters = () => world?.inNamespace('tc', 'filter', 'show', 'dev', 'v0', 'egress') ?? '';

  test('the filter of another process is left alone by every command, and taken by none', () => {
    const load = `${KINDS}:load_mark`;
    rootlet('attach', 'tc', 'v0', load, '--egress', '--name', 'c', '--priority', '5');
    rootlet('attach', 'tc', 'v0', load, '--egress', '--name', 'd', '--priority', '6');
    const theirs = join(Store.open(kernel, root).find('hook', 'd')?.path ?? '', 'prog_load_mark');
    world?.inNamespace(
      ...['tc', 'filter', 'replace', 'dev', 'v0', 'egress', 'pref', '5', 'handle', '1'],
      ...['bpf', 'da', 'object-pinned', theirs],
    );
    const before = filters();
    for (const words of [
      ['replace', 'c', load],
      ['replace', 'c', `load_mark=${load}`],
      ['detach', 'c'],
    ])
      expect({ words, ...json(...words) }).toMatchObject({ words, problems: [{ code: 'hook-changed' }] });
    expect(rootlet('ps').out).toMatch(/changed: program \d+ is not its own/);
    expect(json('detach', 'c', '--force')).toMatchObject({
      detached: [],
      removed: [{ name: 'c', kind: 'left', why: expect.stringContaining('is attached, not') }],
    });
    expect(filters()).toBe(before);
    expect(rootlet('detach', 'd')).toMatchObject({ code: 0, out: 'detached d\n' });
    world?.inNamespace('tc', 'qdisc', 'del', 'dev', 'v0', 'clsact');
  });

  test('a filter in another network namespace continues, and detach says how to remove it', () => {
    rootlet('attach', 'tc', 'v0', `${KINDS}:load_mark`, '--egress', '--name', 'c');
    const elsewhere = ['nsenter', `--net=/proc/${process.pid}/ns/net`];
    const refused = world?.run(['detach', 'c'], { through: elsewhere });
    expect(refused?.code).toBe(2);
    expect(refused?.err).toMatch(/another network namespace\n.*nsenter --net=\/run\/netns\/rootlet-command/);
    const forced = world?.run(['detach', 'c', '--force'], { through: elsewhere });
    expect(forced).toMatchObject({ code: 0, err: '' });
    expect(forced?.out).toMatch(
      /^removed the entry c, but its program may go on running: interface "v0" egress/,
    );
    const [, command = ''] = /^to detach it: (.*)$/m.exec(forced?.out ?? '') ?? [];
    expect(filters()).toContain('load_mark');
    spawnSync('sh', ['-c', command]);
    expect(filters()).not.toContain('load_mark');
  });

  test('an interface that was renamed is listed with its name of now', () => {
    rootlet('attach', 'xdp', 'v1', FIRST, '--name', 'fw');
    world?.inside('link', 'set', 'v1', 'name', 'e9');
    expect(rootlet('ps').out).toContain('interface "e9", runs program');
    expect(rootlet('replace', 'fw', FIRST).out).toMatch(
      /^interface "e9" now runs[\s\S]*hook +id \d+ +interface "e9"/,
    );
    world?.inside('link', 'set', 'e9', 'name', 'v1');
    expect(rootlet('detach', 'fw').out).toBe('detached fw\n');
  });

  test('a hook that ended is named so by every command, and removed by detach', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    {
      const store = Store.open(kernel, root);
      const entry = store.find('hook', 'fw');
      if (entry === undefined) throw new Error('no entry');
      using link = store.openLink(entry, 'hook');
      link.detach();
    }
    for (const words of [
      ['replace', 'fw', SECOND],
      ['replace', 'fw', SECOND, '--force'],
      ['replace', 'fw', `xdp_prog1=${SECOND}`],
    ])
      expect({ words, ...json(...words) }).toMatchObject({ words, problems: [{ code: 'attach-gone' }] });
    expect(rootlet('ps').out).toContain('ended: it was detached, or its interface is gone');
    expect(rootlet('detach', 'fw').out).toMatch(
      /^removed fw: interface "v0": nothing is attached here any more: it was detached/,
    );
  });
});
