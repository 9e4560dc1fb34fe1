/** Chains change while they run: order, versions, settings and members, with the state of everything that stays. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { HEAD } from '../slots/support.ts';
import { ChainLab, codeOf, settings } from './lab.ts';
import { member, small } from './members.ts';

const withConfig = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
  int (*priority)[7]; int (*XDP_PASS)[0]; int (*XDP_DROP)[1];
} _filter SEC(".xdp_run_config");
`;

needs('bpf', 'ip', 'clang').describe('changes of a chain', () => {
  let lab: ChainLab;
  beforeAll(() => {
    lab = new ChainLab('cc');
    lab.compile({
      a: member({ at: 0 }),
      'a.v2': member({ at: 0, version: 1 }),
      'a.tables': member({ at: 0, version: 1, entries: 16 }),
      b: member({ at: 1 }),
      c: member({ at: 2 }),
      first: member({ at: 0, program: 'aaa' }),
      last: member({ at: 1, program: 'zzz' }),
      given: member({
        globals: 'const volatile __u32 fixed = 2; __u32 limit = 9;',
        code: 'verdict = fixed; if (limit == 77) verdict = 3;',
      }),
      'given.v2': member({
        version: 1,
        globals: 'const volatile __u32 fixed = 2; __u32 limit = 9;',
        code: 'verdict = fixed; if (limit == 77) verdict = 4;',
      }),
      config: withConfig + member({ at: 0 }),
      frags: member({ at: 0, section: 'xdp.frags' }),
      'frags.other': member({ at: 1, section: 'xdp.frags' }),
      small: small(),
      empty: `${HEAD} int nothing;`,
      two: `${member({ at: 0, program: 'one' })}\nSEC("xdp") int other(struct xdp_md *ctx) { return XDP_TX; }`,
      loop: member({ code: 'for (;;) { if (data[61]) verdict++; }' }),
      reads: member({ code: 'verdict = data[500];' }),
    });
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.close());

  test('load: members run by priority, then by program name', () => {
    lab.load([lab.member('last'), lab.member('first')]);
    expect(lab.names).toEqual(['first', 'last']);
    lab.load([lab.member('c', { priority: 5 })]);
    expect(lab.names).toEqual(['c', 'first', 'last']);
    lab.load([lab.member('b', { priority: 50 })]);
    expect(lab.read().members.map(({ name, program, priority }) => [name, program, priority])).toEqual([
      ['c', 'filter', 5],
      ['first', 'aaa', 50],
      ['b', 'filter', 50],
      ['last', 'zzz', 50],
    ]);
  });

  test('load of several members is one switch; a taken name, a file without a program and a wrong mask change nothing', () => {
    lab.load(['a', 'b']);
    const before = [lab.running, lab.tree()];
    expect(codeOf(() => lab.load(['c', 'b']))).toBe('chain-member-taken');
    expect(codeOf(() => lab.load(['c', 'c']))).toBe('chain-member-taken');
    expect(codeOf(() => lab.load(['c', 'empty']))).toBe('attach-program');
    expect(codeOf(() => lab.load(['two']))).toBe('attach-program');
    expect(codeOf(() => lab.load([lab.member('c', { continueOn: ['pas'] })]))).toBe('chain-verdict');
    expect(codeOf(() => lab.unload(['c']))).toBe('chain-no-member');
    expect(codeOf(() => lab.replace('c', 'a'))).toBe('chain-no-member');
    expect(codeOf(() => lab.order('a'))).toBe('chain-order');
    expect(codeOf(() => lab.order('a', 'b', 'a'))).toBe('chain-order');
    expect([lab.running, lab.tree()]).toEqual(before);
    lab.load([lab.member('two', { program: 'other' })]);
    expect(lab.judge(2, 2)).toBe(3);
  });

  test('a member that the verifier refuses leaves the chain untouched', () => {
    lab.load(['a', 'b']);
    lab.judge(2, 2);
    const before = [lab.running, lab.tree(), lab.mapId('a', 'counts'), lab.word('a', 'counts', 2)];
    expect(codeOf(() => lab.load(['reads']))).toBe('kernel-verifier-refused');
    expect(codeOf(() => lab.load(['loop']))).toBe('kernel-verifier-refused');
    expect(codeOf(() => lab.replace('a', 'reads'))).toBe('kernel-verifier-refused');
    expect([lab.running, lab.tree(), lab.mapId('a', 'counts'), lab.word('a', 'counts', 2)]).toEqual(before);
    expect(lab.names).toEqual(['a', 'b']);
  });

  test('the first member is refused: nothing is attached, and nothing left', () => {
    expect(codeOf(() => lab.load(['reads']))).toBe('kernel-verifier-refused');
    expect(lab.running).toBe(0);
    expect(lab.entries()).toEqual([]);
  });

  test('replace: the place and the maps stay, under the same names', () => {
    lab.load([lab.member('a', { priority: 70 }), 'b', 'c']);
    lab.judge(2, 2, 2);
    lab.put('a', 'counts', 7, 1234);
    const ids = (): number[] =>
      ['a', 'b', 'c'].flatMap(name => ['counts', 'versions', '%2ebss'].map(map => lab.mapId(name, map)));
    const before = ids();
    const { state, after } = lab.replace('a', 'a.v2');
    expect(ids()).toEqual(before);
    expect(after.members.map(({ name, priority }) => [name, priority])).toEqual([
      ['b', 50],
      ['c', 50],
      ['a', 70],
    ]);
    expect(state.filter(({ kind }) => kind !== 'reuse')).toEqual([]);
    lab.judge(2, 2, 2);
    expect([0, 1].map(version => lab.word('a', 'versions', version))).toEqual([1, 1]);
    expect([lab.word('a', 'counts', 2), lab.word('a', 'counts', 7), lab.word('a', '%2ebss')]).toEqual([
      2, 1234, 2,
    ]);
    expect([lab.word('b', 'counts', 2), lab.word('c', 'counts', 2)]).toEqual([2, 2]);
  });

  test('replace by maps of another size: those are reported, the others stay', () => {
    lab.load(['a', 'b']);
    lab.judge(2, 2);
    const [counts, versions] = [lab.mapId('a', 'counts'), lab.mapId('a', 'versions')];
    const { state } = lab.replace('a', 'a.tables');
    expect(lab.mapId('a', 'counts')).not.toBe(counts);
    expect(lab.mapId('a', 'versions')).toBe(versions);
    expect(state.find(({ map }) => map === 'counts')?.kind).not.toBe('reuse');
  });

  test('order: priorities follow, every map stays', () => {
    lab.load(['a', 'b', 'c']);
    lab.judge(2, 2, 2);
    const ids = (): number[] => ['a', 'b', 'c'].map(name => lab.mapId(name, 'counts'));
    const before = ids();
    const { after, state } = lab.order('c', 'a', 'b');
    expect(after.members.map(({ name, priority }) => [name, priority])).toEqual([
      ['c', 10],
      ['a', 20],
      ['b', 30],
    ]);
    expect(ids()).toEqual(before);
    expect(state.filter(({ kind }) => kind !== 'reuse')).toEqual([]);
    expect([lab.judge(1, 3, 2), lab.judge(1, 3, 4)]).toEqual([1, 4]);
    expect(lab.order('c', 'a', 'b').changed).toBe(false);
  });

  test('unload one: the others keep their maps, its own are gone; unload all: nothing is left', () => {
    lab.load(['a', 'b', 'c']);
    lab.judge(2, 2, 2);
    const before = [lab.mapId('a', 'counts'), lab.mapId('c', 'counts')];
    lab.unload(['b']);
    expect(lab.pinned()).toEqual(['a', 'c']);
    expect([lab.mapId('a', 'counts'), lab.mapId('c', 'counts')]).toEqual(before);
    lab.unload(['a', 'c']);
    expect([lab.running, lab.read().kind]).toEqual([0, 'none']);
    expect(lab.entries()).toEqual([]);
    expect(codeOf(() => lab.unload('all'))).toBe('chain-none');
    lab.load(['a', 'b']);
    lab.unload('all');
    expect([lab.running, lab.entries()]).toEqual([0, []]);
    lab.load(['a', 'b']);
    lab.unload([lab.running]); // the id of the program on the hook stands for all
    expect([lab.running, lab.entries()]).toEqual([0, []]);
  });

  test('the same file twice, and equal names of functions and maps: two members with maps of their own', () => {
    lab.load([
      lab.member('a'),
      lab.member('a', { name: 'again', priority: 60 }),
      lab.member('b', { priority: 70 }),
    ]);
    expect(lab.mapId('a', 'counts')).not.toBe(lab.mapId('again', 'counts'));
    for (let round = 0; round < 3; round++) lab.judge(2, 2);
    lab.judge(1, 2);
    expect([lab.word('a', 'counts', 2), lab.word('again', 'counts', 2)]).toEqual([3, 3]);
    expect([lab.word('a', 'counts', 1), lab.word('again', 'counts', 1)]).toEqual([1, 0]);
    lab.unload(['a']);
    expect(lab.word('again', 'counts', 2)).toBe(3);
    expect(() => lab.mapId('a', 'counts')).toThrow('there is no');
  });

  test('settings are those of one member, and stay until they are given again', () => {
    const given = (name: string, globals: Record<string, number>, priority: number) =>
      lab.member('given', { name, settings: settings(globals), priority });
    lab.load([given('x', { fixed: 2 }, 1), given('y', { fixed: 3 }, 2), given('z', { fixed: 1 }, 3)]);
    expect(lab.judge()).toBe(3);
    lab.unload(['y']);
    expect(lab.judge()).toBe(1);
    lab.replace('z', lab.member('given.v2'));
    expect(lab.judge()).toBe(1);
    expect(lab.read().members.map(one => one.settings.globals.get('fixed'))).toEqual([2, 1]);
    lab.replace('z', lab.member('given.v2', { settings: settings({ fixed: 4 }) }));
    expect(lab.judge()).toBe(4);
    lab.order('z', 'x');
    lab.load([lab.member('c')]);
    expect(lab.judge()).toBe(4);
    expect(codeOf(() => lab.load([given('w', { fxed: 2 }, 9)]))).toBeDefined();
    expect(lab.names).toEqual(['z', 'x', 'c']);
  });

  test('a new version keeps the settings that it can have, and what is given is added', () => {
    lab.load([lab.member('given', { name: 'x', settings: settings({ fixed: 1 }) })]);
    const kept = lab.replace('x', lab.member('given.v2', { settings: settings({ limit: 5 }) }));
    expect(Object.fromEntries(lab.read().members[0]?.settings.globals ?? [])).toEqual({ fixed: 1, limit: 5 });
    expect(kept.notes).toEqual([]);
    const lost = lab.replace('x', lab.member('c'));
    expect(lost.notes).toEqual([
      'setting dropped: x:fixed: the new version has nothing of this name or type',
      'setting dropped: x:limit: the new version has nothing of this name or type',
    ]);
    expect(lab.read().members[0]?.settings.globals.size).toBe(0);
  });

  test('set: exactly these members; twice changes nothing', () => {
    lab.load(['a', 'b']);
    lab.judge(2, 2);
    const counts = lab.mapId('b', 'counts');
    const set = () =>
      lab.change({ kind: 'set', members: [lab.member('b', { priority: 5 }), lab.member('c')] });
    expect(set().after.members.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(lab.mapId('b', 'counts')).toBe(counts);
    const { running } = lab;
    expect(set().changed).toBe(false);
    expect(lab.running).toBe(running);
  });

  test('--dry-run changes nothing', () => {
    lab.load(['a']);
    const before = [lab.running, lab.tree()];
    const planned = lab.load(['b'], { dryRun: true });
    expect(planned.after.members.map(({ name }) => name)).toEqual(['a', 'b']);
    lab.replace('a', 'a.v2', { dryRun: true });
    lab.unload('all', { dryRun: true });
    expect([lab.running, lab.tree()]).toEqual(before);
  });

  test('.xdp_run_config gives priority and verdicts; what is given counts more', () => {
    lab.load(['b', 'config']);
    const [first] = lab.read().members;
    expect([first?.name, first?.priority, first?.continueOn]).toEqual(['config', 7, [1]]);
    expect([lab.judge(1, 3), lab.judge(2, 3)]).toEqual([3, 2]);
    lab.replace('config', lab.member('config', { priority: 80, continueOn: ['pass'] }));
    expect(lab.read().members.map(({ name }) => name)).toEqual(['b', 'config']);
    lab.replace('config', 'a');
    expect(lab.read().members[1]).toMatchObject({ name: 'config', priority: 80, continueOn: [2] });
  });

  test('fragments are supported only if all members support them', () => {
    const mtu = (bytes: number) => lab.ip('link', 'set', 'dev', 'vb', 'mtu', String(bytes));
    lab.load(['frags', lab.member('frags.other', { name: 'other' })]);
    const { notes } = lab.load(['c'], { dryRun: true });
    expect(notes.join('\n')).toMatch(/frag/);
    // frames of 9000 bytes come in fragments: the driver refuses programs without support for them
    mtu(9000);
    try {
      const { running } = lab;
      expect(() => lab.load(['c'])).toThrow(/MTU/i);
      expect([lab.running, lab.names]).toEqual([running, ['frags', 'other']]);
      expect(lab.order('other', 'frags').changed).toBe(true);
    } finally {
      mtu(1500);
    }
  });

  test('thirty members', () => {
    const many = Array.from({ length: 30 }, (_, at) => lab.member('small', { name: `m${at}`, priority: at }));
    lab.load(many.slice(0, 29));
    expect(lab.judge(2)).toBe(2);
    lab.load(many.slice(29));
    expect([lab.names.length, lab.judge(2), lab.judge(1)]).toEqual([30, 2, 1]);
    const counts = (name: string): number => lab.word(name, 'counts', 2);
    expect(['m0', 'm28', 'm29'].map(counts)).toEqual([2, 2, 1]);
    lab.replace('m3', 'small');
    expect(lab.judge(2)).toBe(2);
    expect(counts('m3')).toBe(3);
  }, 60_000);

  test('more maps than the kernel allows in one program: refused with the limit, the chain stays', () => {
    const many = Array.from({ length: 20 }, (_, at) => lab.member('a', { name: `m${at}`, priority: at }));
    lab.load(many);
    const { running } = lab;
    const more = [lab.member('b'), lab.member('c')];
    expect(() => lab.load(more)).toThrow(/uses 66 maps; the kernel allows 64/);
    expect([lab.running, lab.names.length, lab.judge(2)]).toEqual([running, 20, 2]);
  }, 60_000);
});
