/** `attach`, `replace` and `detach` as processes, on interfaces of a network namespace of the test's own. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { Store } from '../../src/store/store.ts';
import { tinyProgram } from '../../src/store/testing.ts';
import { CommandWorld } from '../testing.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const { sys, reason } = kernelForTests();
const kernel = sys ?? new FakeSys();
const missing = sys === undefined ? reason : ['ip', 'nsenter'].find(tool => spawnSync(tool, ['-V']).error);

const at = (path: string) => join(import.meta.dirname, '../..', path);
const FIRST = at('examples/obj/el/first_firewall.bpf.o');
const SECOND = at('examples/obj/el/second_firewall.bpf.o');
const HOOKS = at('src/load/testdata/obj/el/hooks.bpf.o');
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

  test('XDP stays on its interface, is exchanged and taken off', () => {
    const attached = rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw', '--mode', 'generic');
    expect(attached).toMatchObject({ code: 0, err: '' });
    expect(attached.out).toMatch(/^attached xdp_prog1 to interface "v0" as fw\n/);
    expect(onV0()).toMatch(/xdpgeneric[\s\S]*name xdp_prog1/);
    expect(json('ps')).toMatchObject({
      rows: expect.arrayContaining([
        expect.objectContaining({
          kind: 'attachment',
          name: 'fw',
          type: 'xdp',
          owners: [{ kind: 'hook', name: 'fw' }],
        }),
      ]),
    });
    const updated = rootlet('replace', 'fw', SECOND);
    expect(updated).toMatchObject({ code: 0, err: '' });
    expect(updated.out).toMatch(/^interface "v0" now runs xdp_prog2 \(fw\)\n/);
    expect(updated.out).toMatch(/^state reset: rules: type was hash and is array, /m);
    expect(updated.out).toMatch(/^state reset: \.bss: no variable is unchanged: /m);
    expect(onV0()).toMatch(/name xdp_prog2/);
    expect(json('ps')).toMatchObject({
      entries: [{ name: 'fw', generation: 2, data: { attach: { program: 'xdp_prog2' } } }],
    });
    expect(rootlet('detach', 'fw')).toEqual({ code: 0, out: 'detached fw\n', err: '' });
  });

  test('state is kept by the same object, and begins again where --fresh names it', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    const kinds = (...more: readonly string[]) => {
      const { state } = json('replace', 'fw', FIRST, ...more) as { state: { key: string; kind: string }[] };
      return Object.fromEntries(state.map(({ key, kind }) => [key, kind]));
    };
    expect(kinds()).toEqual({ rules: 'reuse', '.rodata': 'reuse', '.bss': 'reuse' });
    expect(kinds('--fresh', 'rules')).toEqual({ rules: 'reset', '.rodata': 'reuse', '.bss': 'reuse' });
    expect(kinds('--fresh', '*')).toEqual({ rules: 'reset', '.rodata': 'reuse', '.bss': 'reset' });
    expect(json('replace', 'fw', FIRST, '--fresh', 'rulez')).toMatchObject({
      problems: [{ code: 'state-fresh', hint: expect.stringContaining('rules') }],
    });
  });

  test('a dry run prints what would be done', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    const before = onV0();
    const { code, out } = rootlet('replace', 'fw', SECOND, '--dry-run');
    expect(code).toBe(0);
    expect(out).toMatch(/^would replace fw: interface "v0" would run xdp_prog2\n/);
    expect(out).toMatch(/^state reset: rules: /m);
    expect(onV0()).toBe(before);
  });

  test('values stay until they are given again, and are listed when they no longer fit', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw', '--set', 'default_blocked=1');
    const settings = (...words: readonly string[]) => json('replace', 'fw', ...words)['settings'];
    expect(settings(FIRST)).toEqual([{ component: null, variable: 'default_blocked', value: 1 }]);
    expect(settings(FIRST, '--set', 'default_blocked=2')).toMatchObject([{ value: 2 }]);
    expect(json('replace', 'fw', SECOND)).toMatchObject({
      settings: [],
      droppedSettings: [expect.stringMatching(/^variable "default_blocked" is not in /)],
    });
  });

  // `drops` is a number here, and an array there
  test('a value that was given before and no longer fits its variable is ignored', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw', '--set', 'drops=1');
    expect(json('replace', 'fw', SECOND)).toMatchObject({
      ok: true,
      droppedSettings: [expect.stringContaining('drops')],
    });
  });

  test('an attachment and a loaded object of one name: which one is to be replaced has to be specified', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    rootlet('load', FIRST, '--name', 'fw');
    expect(json('replace', 'fw', FIRST)).toMatchObject({
      problems: [{ code: 'store-ambiguous', hint: expect.stringContaining('hooks/fw or objects/fw') }],
    });
    expect(json('replace', 'objects/fw', FIRST)).toMatchObject({ kind: 'object', entry: { generation: 2 } });
    expect(json('replace', 'hooks/fw', FIRST)).toMatchObject({ kind: 'attached', entry: { generation: 2 } });
    const slots = json('replace', 'objects/fw', `slot=${FIRST}`);
    expect(slots).toMatchObject({ problems: [{ code: 'replace-no-slots' }] });
    for (const via of ['copy', 'tail'])
      expect(json('replace', 'objects/fw', FIRST, '--via', via)).toMatchObject({
        problems: [{ code: 'replace-via' }],
      });
    expect(json('replace', 'hooks/fw', FIRST, '--slots', 'static')).toMatchObject({
      problems: [{ code: 'replace-via' }],
    });
    expect(rootlet('unload', 'fw').code).toBe(0);
  });

  test('an update that is refused leaves what was', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    const before = onV0();
    const REFUSED = at('src/load/testdata/obj/el/refused.bpf.o');
    expect(json('replace', 'fw', `${REFUSED}:no_bounds`)).toMatchObject({
      problems: [{ code: 'kernel-verifier-refused' }],
    });
    expect(json('replace', 'fw', FIRST, '--set', 'nothing=1')).toMatchObject({
      problems: [{ code: 'load-no-global' }],
    });
    expect(json('replace', 'fw', `${KINDS}:load_mark`)).toMatchObject({
      problems: [{ code: 'attach-program' }],
    });
    expect(onV0()).toBe(before);
    expect(readdirSync(join(root, 'hooks', 'fw')).sort()).toEqual(['1', 'current']);
  });

  test('a hook that another process changed is left alone, unless forced', () => {
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'fw');
    {
      const store = Store.open(kernel, root);
      const entry = store.find('hook', 'fw');
      if (entry === undefined) throw new Error('no entry');
      using link = store.openLink(entry, 'hook');
      using other = tinyProgram(kernel, 'other');
      link.update(other.fd.number);
    }
    expect(json('replace', 'fw', SECOND)).toMatchObject({ problems: [{ code: 'hook-changed' }] });
    expect(onV0()).toMatch(/name other/);
    expect(rootlet('replace', 'fw', SECOND, '--force').code).toBe(0);
    expect(onV0()).toMatch(/name xdp_prog2/);
  });

  const KILLED = ['env', 'ROOTLET_TEST_KILL=1'];
  const programsOn = (filter: string) => [...filter.matchAll(/ id (\d+) /g)].map(([, id]) => Number(id));
  const filters = () => world?.inNamespace('tc', 'filter', 'show', 'dev', 'v0', 'egress') ?? '';

  test('a filter whose command was killed before it could say so has its entry', () => {
    const words = ['attach', 'tc', 'v0', `${KINDS}:load_mark`, '--egress', '--name', 'c'];
    expect(world?.run(words, { through: KILLED }).code).toBe(-1);
    expect(names()).toEqual(['c']);
    const [id = 0, ...others] = programsOn(filters());
    expect([id > 0, others]).toEqual([true, []]);
    expect(json('ps')).toMatchObject({
      rows: expect.arrayContaining([
        expect.objectContaining({ kind: 'program', id }),
        expect.objectContaining({ type: 'clsact', detail: `interface "v0" egress, runs program ${id}` }),
      ]),
    });
    expect(rootlet('detach', 'c').code).toBe(0);
    expect(filters()).toBe('');
  });

  test('a command that was killed before its filter was there leaves nothing', () => {
    rootlet('attach', 'tc', 'v0', `${KINDS}:load_mark`, '--egress', '--name', 'c');
    world?.run(['replace', 'c', `${KINDS}:load_mark`], { through: KILLED });
    // the filter goes, so that nothing says that the update happened
    world?.inNamespace('tc', 'qdisc', 'del', 'dev', 'v0', 'clsact');
    expect(json('ps')).toMatchObject({
      entries: [{ name: 'c', generation: 1 }],
      rows: expect.arrayContaining([
        expect.objectContaining({ detail: 'interface "v0" egress, ended: the filter was removed' }),
      ]),
    });
    expect(json('replace', 'c', `${KINDS}:load_mark`)).toMatchObject({ problems: [{ code: 'attach-gone' }] });
    expect(rootlet('detach', 'c').code).toBe(0);
  });

  test.each(['xdp', 'tc'])('an update of %s that was killed after the exchange counts', kind => {
    const file = kind === 'xdp' ? FIRST : `${KINDS}:load_mark`;
    const direction = kind === 'xdp' ? [] : ['--egress'];
    expect(rootlet('attach', kind, 'v0', file, '--name', 'u', ...direction).code).toBe(0);
    expect(world?.run(['replace', 'u', file], { through: KILLED }).code).toBe(-1);
    const { entries, rows } = json('ps') as {
      entries: { generation: number; programs: { id: number }[] }[];
      rows: { kind: string; detail: string }[];
    };
    expect(entries).toMatchObject([{ generation: 2 }]);
    const running = rows.find(row => row.kind === 'attachment')?.detail;
    expect(running).toContain(`runs program ${entries[0]?.programs[0]?.id}`);
    expect(json('replace', 'u', file)).toMatchObject({ ok: true, entry: { generation: 3 } });
  });

  test('a filter that another process changed is left alone, unless forced', () => {
    rootlet('attach', 'tc', 'v0', `${KINDS}:load_mark`, '--egress', '--name', 'c', '--priority', '5');
    rootlet('attach', 'tc', 'v0', `${KINDS}:load_mark`, '--egress', '--name', 'd', '--priority', '5');
    expect(programsOn(filters()).length).toBe(2);
    const store = Store.open(kernel, root);
    const { filter } = store.find('hook', 'c')?.record.data ?? {};
    expect(filter).toMatchObject({ priority: 5, handle: 1 });
    const object = [
      'bpf',
      'da',
      'object-pinned',
      join(store.find('hook', 'd')?.path ?? '', 'prog_load_mark'),
    ];
    const place = ['egress', 'pref', '5', 'handle', '1'];
    world?.inNamespace('tc', 'filter', 'replace', 'dev', 'v0', ...place, ...object);
    expect(json('replace', 'c', `${KINDS}:load_mark`)).toMatchObject({
      problems: [{ code: 'hook-changed' }],
    });
    expect(rootlet('replace', 'c', `${KINDS}:load_mark`, '--force').code).toBe(0);
    expect(rootlet('detach', 'c', 'd').code).toBe(0);
  });

  test.each([[[]], [KILLED]])('a struct_ops map is exchanged for the next one (through %j)', through => {
    const table = at('src/load/testdata/obj/el/operations.bpf.o');
    expect(rootlet('attach', 'struct-ops', 'flavoured', table, '--name', 'so').code).toBe(0);
    const { code } = world?.run(['replace', 'so', table], { through }) ?? {};
    expect(code).toBe(through.length === 0 ? 0 : -1);
    const { entries, rows } = json('ps') as {
      entries: { generation: number; maps: { name: string; id: number }[] }[];
      rows: { kind: string; detail: string }[];
    };
    expect(entries).toMatchObject([{ generation: 2 }]);
    const id = entries[0]?.maps.find(({ name }) => name === 'flavoured')?.id;
    expect(rows.find(({ kind }) => kind === 'attachment')?.detail).toContain(`runs map ${id}`);
    expect(json('replace', 'so', `${table}:nothing`)).toMatchObject({ problems: [{ code: 'load-no-map' }] });
    expect(json('ps')).toMatchObject({ entries: [{ generation: 2 }] });
    expect(rootlet('detach', 'so').code).toBe(0);
  });

  test('what is wrong with a place is reported with a hint', () => {
    const problem = (...words: readonly string[]) => json('attach', ...words, '--name', 'n')['problems'];
    expect(problem('xdp', 'v0', FIRST, '--mode', 'offload')).toMatchObject([
      { errno: 22, hint: expect.stringContaining('needs a card') },
    ]);
    expect(problem('tc', 'v0', `${KINDS}:load_mark`)).toMatchObject([
      { code: 'load-attach-place', hint: expect.stringContaining('ingress or egress') },
    ]);
    expect(problem('netns', 'no-such-namespace', HOOKS)).toMatchObject([
      { code: 'kernel-attach', message: expect.stringContaining('no-such-namespace') },
    ]);
    for (const name of ['v1', 'v0']) world?.inside('link', 'set', name, 'mtu', '9000');
    const tooLong = problem('xdp', 'v0', FIRST, '--mode', 'native');
    for (const name of ['v1', 'v0']) world?.inside('link', 'set', name, 'mtu', '1500');
    expect(tooLong).toMatchObject([{ errno: 34, hint: expect.stringContaining('SEC("xdp.frags")') }]);
    rootlet('attach', 'xdp', 'v0', FIRST, '--name', 'first');
    const id = /prog\/xdp id (\d+)/.exec(onV0())?.[1];
    expect(problem('xdp', 'v0', FIRST)).toMatchObject([
      {
        hint: `another XDP program is there already: ${id} "xdp_prog1" (native); "rootlet ps --all" shows whose it is`,
      },
    ]);
    expect(names()).toEqual(['first']);
  });

  test('a clock of a process, which cannot get another program', () => {
    const target = `cpu-clock,pid=${process.pid},freq=50`;
    const attached = rootlet('attach', 'perf-event', target, HOOKS, '--name', 'clock');
    expect(attached).toMatchObject({ code: 0, err: '' });
    expect(attached.out).toContain(`attached tick to perf event 1:0 of process ${process.pid} as clock`);
    expect(rootlet('ps').out).toMatch(/attachment +\d+ +clock +perf_event +hook "clock"/);
    expect(json('replace', 'clock', HOOKS)).toMatchObject({ ok: false });
    expect(rootlet('detach', 'clock')).toEqual({ code: 0, out: 'detached clock\n', err: '' });
    expect(json('attach', 'perf-event', 'cpu-clock', HOOKS)).toMatchObject({
      problems: [{ code: 'attach-target', hint: expect.stringContaining('cpu-clock,cpu=0,freq=99') }],
    });
    expect(json('attach', 'iter', 'nothing', HOOKS)).toMatchObject({ problems: [{ code: 'attach-target' }] });
    expect(json('attach', 'iter', 'map:counts', HOOKS)).toMatchObject({
      problems: [{ code: 'attach-target', message: expect.stringContaining('no map "counts"') }],
    });
  });

  test('without a priority the newest filter runs first', () => {
    for (const [name, program] of [
      ['first', 'load_mark'],
      ['second', 'store_mark'],
    ] as const)
      rootlet('attach', 'tc', 'v0', `${KINDS}:${program}`, '--egress', '--name', name);
    const order = [...filters().matchAll(/ name (\w+) /g)].map(([, name]) => name);
    expect(order).toEqual(['store_mark', 'load_mark']);
    expect(rootlet('detach', 'first', 'second').code).toBe(0);
  });

  test('what runs in a network namespace and on a map of sockets is exchanged', () => {
    for (const [kind, target, program] of [
      ['netns', 'self', 'lookup'],
      ['sockmap', 'sockets', 'message'],
    ] as const) {
      const component = `${HOOKS}:${program}`;
      expect(rootlet('attach', kind, target, component, '--name', kind).code).toBe(0);
      expect(rootlet('replace', kind, component)).toMatchObject({ code: 0, err: '' });
      const { entries, rows } = json('ps') as {
        entries: { generation: number; programs: { name: string; id: number }[] }[];
        rows: { kind: string; detail: string }[];
      };
      const id = entries[0]?.programs.find(({ name }) => name === program)?.id;
      expect(entries).toMatchObject([{ generation: 2 }]);
      expect(rows.find(row => row.kind === 'attachment')?.detail).toContain(`runs program ${id}`);
      expect(rootlet('detach', kind).code).toBe(0);
    }
  });

  test('tcx and TC filters', () => {
    const load = `${KINDS}:load_mark`;
    expect(rootlet('attach', 'tcx', 'v0', load, '--ingress', '--name', 'x').code).toBe(0);
    expect(rootlet('attach', 'tc', 'v0', load, '--egress', '--name', 'c', '--priority', '7').code).toBe(0);
    expect(rootlet('ps').out).toMatch(/attachment +- +c +clsact +hook "c" +interface "v0" egress/);
    expect(filters()).toMatch(/pref 7 bpf [\s\S]*load_mark/);
    expect(rootlet('replace', 'c', load).code).toBe(0);
    expect(rootlet('replace', 'x', load).code).toBe(0);
    expect(rootlet('detach', 'c', 'x').code).toBe(0);
    expect(filters()).not.toContain('load_mark');
  });

  test('cgroups, namespaces and uprobes', () => {
    expect(rootlet('attach', 'netns', 'self', `${HOOKS}:lookup`, '--name', 'n').out).toContain(
      'attached lookup',
    );
    const uprobe = rootlet('attach', 'uprobe', '-', `${HOOKS}:on_read`, '--name', 'u');
    expect(uprobe.out + uprobe.err).toMatch(/attached on_read|perf_event|uprobe/);
    expect(json('replace', 'u', `${HOOKS}:on_read`)).toMatchObject({
      problems: [{ code: uprobe.code === 0 ? 'hook-not-updatable' : 'store-no-entry' }],
    });
  });

  const wrong: readonly (readonly [readonly string[], string, RegExp])[] = [
    [['xdp', 'nothing', FIRST], 'kernel-no-interface', /ip link/],
    [['xpd', 'v0', FIRST], 'attach-kind', /did you mean \\"xdp\\"/],
    [['xdp', 'v0', HOOKS], 'attach-program', /no program is for xdp/],
    [['xdp', 'v0', KINDS], 'attach-program', /name one, as FILE:PROGRAM/],
    [['xdp', 'v0', `${FIRST}:nothing`], 'attach-program', /there are: \\"xdp_prog1/],
    [['xdp', 'v0', `${KINDS}:load_mark`], 'attach-program', /not for xdp/],
    [['tcx', 'v0', `${KINDS}:load_mark`], 'load-attach-place', /ingress or egress/],
    [['tcx', 'v0', `${KINDS}:load_mark`, '--ingress', '--egress'], 'attach-direction', /not both/],
    [['xdp', 'v0', FIRST, '--ingress'], 'attach-direction', /tc and tcx/],
    [['xdp', '-', FIRST], 'load-attach-place', /an interface/],
    [['kprobe', 'f+x', HOOKS], 'attach-target', /offset/],
    [['uprobe', 'f', HOOKS], 'attach-target', /FILE:FUNCTION/],
    [['netfilter', 'ip:nowhere:0', HOOKS], 'attach-target', /prerouting/],
    [['cgroup', '/nothing', `${HOOKS}:lookup`], 'attach-program', /not for cgroup/],
    [['xdp', 'v0', FIRST, '--name', 'taken'], 'store-name-taken', /rootlet replace taken/],
  ];
  test('what is wrong is refused with what to do, and nothing is left', () => {
    rootlet('attach', 'xdp', 'v1', FIRST, '--name', 'taken');
    for (const [words, code, message] of wrong) {
      const { ok, problems } = json('attach', ...words);
      expect({ words, ok, problems }).toMatchObject({ words, ok: false, problems: [{ code }] });
      expect(JSON.stringify(problems)).toMatch(message);
      expect(names()).toEqual(['taken']);
    }
    expect(rootlet('attach', 'xdp', 'v1', FIRST, '--name', 'other')).toMatchObject({
      code: 3,
      err: expect.stringContaining('another XDP program is there already'),
    });
    expect(names()).toEqual(['taken']);
  });

  test('an attachment whose interface is gone says so', () => {
    world?.inside('link', 'add', 'gone', 'type', 'veth', 'peer', 'name', 'peer');
    rootlet('attach', 'xdp', 'gone', FIRST, '--name', 'late', '--mode', 'generic');
    world?.inside('link', 'del', 'gone');
    expect(rootlet('ps').out).toContain('ended: it was detached, or its interface is gone');
    expect(rootlet('detach', 'late').code).toBe(0);
  });
});
