/** `replace NAME FILE` for every kind of attachment whose program can change, and what it refuses. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { bytesOf, Lab, type Run, rowOf } from './lab.ts';
import { firewall, HEAD, rootlet } from './sources.ts';

const P = 'rh_';
const RULES = `${P}rules`;

/** A program that counts in a variable and has a map; the second version has one variable more. */
const counting = (section: string, context: string, verdict: number, version: 1 | 2): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } ${RULES} SEC(".maps");
${section === 'sk_msg' ? 'struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } rh_sockets SEC(".maps");' : ''}
${version === 2 ? '__u64 added;' : ''}
__u64 runs;
SEC("${section}") int ${P}main(struct ${context} *ctx) {
  __u32 key = 0;
  runs++;
  ${version === 2 ? 'added++;' : ''}
  ${section === 'sk_msg' ? 'if (ctx->size == 1) return bpf_msg_redirect_map(ctx, &rh_sockets, 0, 0);' : ''}
  return bpf_map_lookup_elem(&${RULES}, &key) ? 0 : ${verdict};
}`;

const operations = (version: 1 | 2): string => `${HEAD}
#include <bpf/bpf_tracing.h>
struct sock;
struct tcp_congestion_ops {
  char name[16];
  __u32 (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock *sk);
} __attribute__((preserve_access_index));
${version === 2 ? '__u64 added;' : ''}
__u64 runs;
SEC("struct_ops/slow") __u32 BPF_PROG(${P}slow, struct sock *sk) { runs++; return ${version}; }
SEC("struct_ops/avoid") void BPF_PROG(${P}avoid, struct sock *sk, __u32 ack, __u32 acked) { ${version === 2 ? 'added++;' : ''} }
SEC("struct_ops/undo") __u32 BPF_PROG(${P}undo, struct sock *sk) { return 2; }
SEC(".struct_ops.link") struct tcp_congestion_ops ${P}ops = {
  .name = "${P}ops", .ssthresh = (void *)${P}slow, .cong_avoid = (void *)${P}avoid, .undo_cwnd = (void *)${P}undo,
};`;

interface Kind {
  readonly section: string;
  readonly context: string;
  readonly verdict: number;
  /** KIND and TARGET, and options. */
  readonly words: (cgroup: string, netns: string) => readonly string[];
  /** Files that `ip netns exec` hides. */
  readonly outside?: true;
}

const KINDS: Readonly<Record<string, Kind>> = {
  xdp: { section: 'xdp', context: 'xdp_md', verdict: 2, words: () => ['xdp', 'va', '--mode', 'generic'] },
  'xdp-native': {
    section: 'xdp',
    context: 'xdp_md',
    verdict: 2,
    words: () => ['xdp', 'va', '--mode', 'native'],
  },
  tcx: { section: 'tc', context: '__sk_buff', verdict: 0, words: () => ['tcx', 'va', '--ingress'] },
  clsact: { section: 'tc', context: '__sk_buff', verdict: 0, words: () => ['tc', 'va', '--egress'] },
  cgroup: {
    section: 'cgroup_skb/egress',
    context: '__sk_buff',
    verdict: 1,
    words: cgroup => ['cgroup', cgroup],
    outside: true,
  },
  sk_lookup: {
    section: 'sk_lookup',
    context: 'bpf_sk_lookup',
    verdict: 1,
    words: (_, netns) => ['netns', netns],
    outside: true,
  },
  sockmap: { section: 'sk_msg', context: 'sk_msg_md', verdict: 1, words: () => ['sockmap', `${P}sockets`] },
};

needs('bpf', 'ip', 'clang').describe('kinds of hooks', () => {
  let lab: Lab;
  let cgroups: string;
  let cgroup: string;
  beforeAll(async () => {
    lab = await Lab.open(P);
    for (const [name, { section, context, verdict }] of Object.entries(KINDS)) {
      lab.compile({
        [name]: counting(section, context, verdict, 1),
        [`${name}.v2`]: counting(section, context, verdict, 2),
      });
    }
    lab.compile({
      operations: operations(1),
      'operations.v2': operations(2),
      host: rootlet(P, 2),
      'host.lacking': rootlet(P, 2, { slots: ['s1'] }),
      'host.ordered': rootlet(P, 2, { slots: ['s2', 's1'] }),
      'host.renamed': rootlet(P, 2, { main: `${P}gate` }),
      'host.more': rootlet(P, 2, { slots: ['s0', 's1', 's2', 's3'] }),
      'host.refused': rootlet(P, 2, { before: 'verdict = *(int *)(long)ctx->data;' }),
      allow: firewall(P, 3),
      block: firewall(P, 4),
    });
    cgroups = join(lab.directory, 'cgroups');
    mkdirSync(cgroups);
    execFileSync('mount', ['-t', 'cgroup2', 'none', cgroups]);
    cgroup = join(cgroups, `rootlet-replace-${process.pid}`);
    mkdirSync(cgroup);
  });
  afterAll(() => {
    rmdirSync(cgroup);
    execFileSync('umount', [cgroups]);
    lab.close();
  });
  afterEach(() => {
    lab.reset();
    execFileSync('ip', ['-n', lab.wire.name, 'link', 'set', 'va', 'xdpgeneric', 'off']);
  });

  const slot = (number: number, object: string): string => `s${number}=${lab.file(object)}`;

  test.each(Object.entries(KINDS))('%s: the program changes, maps and variables stay', (name, kind) => {
    const run = (...words: readonly string[]): Run =>
      kind.outside === true ? lab.runHere(...words) : lab.run(words);
    const succeed = (...words: readonly string[]): string => {
      const { code, out, err } = run(...words);
      expect([words, code, err]).toEqual([words, 0, '']);
      return out;
    };
    const [type = '', target = '', ...options] = kind.words(cgroup, lab.wire.name);
    succeed('attach', type, target, lab.file(name), '--name', 'R', ...options);
    lab.put(RULES, 5, 50);
    lab.withMap('.bss', map => map.update(new Uint8Array(4), bytesOf(41, 8)));
    const before = { maps: lab.mapIds(), program: lab.programIds().get(`${P}main`) };
    expect(succeed('ps')).toMatch(new RegExp(`runs program ${before.program}\\b`));
    const result = JSON.parse(succeed('replace', 'R', lab.file(`${name}.v2`), '--json'));
    expect(rowOf(result, RULES).kind).toBe('reuse');
    expect(rowOf(result, '.bss')).toMatchObject({ kind: 'migrate', variables: ['runs'] });
    const program = lab.programIds().get(`${P}main`);
    expect(program).not.toBe(before.program);
    expect(succeed('ps')).toMatch(new RegExp(`runs program ${program}\\b`));
    expect(lab.mapIds().get(RULES)).toBe(before.maps.get(RULES));
    expect(lab.get(RULES, 5)).toBe(50);
    expect([lab.word('.bss'), lab.word('.bss', 8)]).toContain(41);
    succeed('detach', 'R');
    expect(lab.tree().filter(path => path.includes('/R'))).toEqual([]);
  });

  test('struct_ops: the table changes, variables stay', () => {
    lab.rootlet('attach', 'struct-ops', '-', lab.file('operations'), '--name', 'R');
    lab.withMap('.bss', map => map.update(new Uint8Array(4), bytesOf(41, 8)));
    const before = lab.mapIds().get(`${P}ops`);
    const result = lab.replace('R', lab.file('operations.v2'));
    expect(rowOf(result, '.bss')).toMatchObject({ kind: 'migrate', variables: ['runs'] });
    expect(lab.mapIds().get(`${P}ops`)).not.toBe(before);
    expect([lab.word('.bss'), lab.word('.bss', 8)]).toContain(41);
    expect(lab.rootlet('ps')).toMatch(new RegExp(`runs map ${lab.mapIds().get(`${P}ops`)}\\b`));
  });

  describe.each(['static', 'tail'])('a rootlet with filled slots, %s', via => {
    const start = (): void => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'allow'), slot(2, 'block'));
      lab.judge();
    };
    const counters = (): number[] => ['allow:.bss', 'block:.bss', '.bss'].map(key => lab.word(key));
    const slots = () => lab.replace('R').slots.map(({ slot: name, component }) => [name, component]);

    test('slots in another order, and more of them', () => {
      start();
      lab.replace('R', lab.file('host.ordered'));
      expect(slots()).toEqual([
        ['s2', 'block'],
        ['s1', 'allow'],
        [`${P}host`, null],
      ]);
      expect(lab.judge()).toBe(3); // that of the last slot
      expect(counters()).toEqual([2, 2, 2]);
      lab.replace('R', lab.file('host.more'));
      expect(slots().slice(0, 4)).toEqual([
        ['s0', null],
        ['s1', 'allow'],
        ['s2', 'block'],
        ['s3', null],
      ]);
      expect(lab.judge()).toBe(4);
      expect(counters()).toEqual([3, 3, 3]);
    });

    test('a slot that the new version lacks: refused, unless it is emptied by name', () => {
      start();
      const before = [lab.running, lab.tree()];
      expect(lab.refused('replace', 'R', lab.file('host.lacking'))).toMatch(
        /has no slot "s2", which "block" fills\n.*--reset s2/,
      );
      expect([lab.running, lab.tree()]).toEqual(before);
      const result = lab.replace('R', lab.file('host.lacking'), '--reset', 's2');
      expect(rowOf(result, `block:${RULES}`)).toMatchObject({
        kind: 'dropped',
        reason: 'block no longer fills a slot',
      });
      expect(lab.judge()).toBe(3);
      expect(lab.word('allow:.bss')).toBe(2);
    });

    test('the program has another name in the new version', () => {
      start();
      lab.replace('R', lab.file('host.renamed'));
      expect(slots().at(-1)).toEqual([`${P}gate`, null]);
      expect(lab.judge()).toBe(4);
      expect(counters()).toEqual([2, 2, 2]);
      lab.replace('R', slot(2, 'allow'));
      expect(lab.judge()).toBe(3);
    });

    test('a version that the kernel refuses changes nothing', () => {
      start();
      const before = [lab.running, lab.tree(), lab.judge()];
      expect(lab.refused('replace', 'R', lab.file('host.refused'))).toMatch(/invalid access to packet/);
      expect([lab.running, lab.tree(), lab.judge()]).toEqual(before);
    });
  });

  test('a filter of another process in place of the own one: nothing is done, exit 3', () => {
    lab.rootlet('attach', 'tc', 'va', lab.file('clsact'), '--name', 'R', '--ingress');
    const filters = execFileSync(
      'tc',
      ['-n', lab.wire.name, '-j', 'filter', 'show', 'dev', 'va', 'ingress'],
      { encoding: 'utf8' },
    );
    const [{ pref, options }] = JSON.parse(filters).filter(
      (one: { options?: unknown }) => one.options !== undefined,
    );
    const foreign = ['bpf', 'direct-action', 'object-file', lab.file('clsact.v2'), 'section', 'tc'];
    execFileSync(
      'tc',
      [
        '-n',
        lab.wire.name,
        'filter',
        'replace',
        'dev',
        'va',
        'ingress',
        'pref',
        String(pref),
        'handle',
        String(options.handle),
        ...foreign,
      ],
      { stdio: 'pipe' },
    );
    const there = lab.rootlet('ps');
    const before = lab.tree();
    for (const words of [
      ['replace', 'R', lab.file('clsact.v2')],
      ['replace', 'R', lab.file('clsact.v2'), '--dry-run'],
      ['detach', 'R'],
    ]) {
      const { code, err } = lab.run(words);
      expect([words[0], code, err]).toEqual([
        words[0],
        3,
        expect.stringMatching(/another program|changed|not ours|runs program/),
      ]);
      expect(lab.tree()).toEqual(before);
      expect(lab.rootlet('ps')).toBe(there);
    }
  });

  test('an interface that is gone: replace reports it, detach removes the rest', () => {
    execFileSync('ip', ['-n', lab.wire.name, 'link', 'add', 'vx', 'type', 'veth', 'peer', 'name', 'vy']);
    lab.rootlet('attach', 'xdp', 'vx', lab.file('host'), '--mode', 'generic', '--name', 'R');
    lab.replace('R', slot(1, 'allow'));
    execFileSync('ip', ['-n', lab.wire.name, 'link', 'del', 'vx']);
    const { code, out } = lab.run(['replace', 'R', slot(1, 'block'), '--json']);
    expect([code, JSON.parse(out).problems[0].code]).toEqual([3, 'attach-gone']);
    lab.rootlet('detach', 'R');
    expect(lab.tree().filter(path => path.includes('/R'))).toEqual([]);
  });
});
