/**
 * Who is who: files of one name from several directories, trials in free slots, pins, and what is not state.
 */

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { kindsOf, Lab, rowOf } from './lab.ts';
import { firewall, HEAD, rootlet } from './sources.ts';

const P = 'ri_';
const RULES = `${P}rules`;
const PINNED = `${P}blocklist`;

/** Its array holds its own program. */
const loop = `${HEAD}
int ${P}loop(struct xdp_md *ctx);
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4);
  __array(values, int (void *));
} ${P}next SEC(".maps") = { .values = { [0] = (void *)&${P}loop } };
SEC("xdp") int ${P}loop(struct xdp_md *ctx) {
  static __u32 rounds;
  if (rounds++ % 3 == 2) return 4;
  bpf_tail_call(ctx, &${P}next, 0);
  return 3;
}`;

/** A map of maps that holds another map of the file. */
const nested = (verdict: number): string => `${HEAD}
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); }
  ${P}inner SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __uint(key_size, 4);
  __array(values, struct inner);
} ${P}outer SEC(".maps") = { .values = { [0] = &${P}inner } };
SEC("xdp") int ${P}nested(struct xdp_md *ctx) {
  __u32 key = 0;
  void *inner = bpf_map_lookup_elem(&${P}outer, &key);
  __u64 *value = inner ? bpf_map_lookup_elem(inner, &key) : 0;
  if (!value) return 0;
  __sync_fetch_and_add(value, 1);
  __u64 *direct = bpf_map_lookup_elem(&${P}inner, &key);
  return direct && *direct == *value ? ${verdict} : 1;
}`;

needs('bpf', 'ip', 'clang').describe('identities', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    const pinned = { pinned: true, map: PINNED };
    lab.compile({
      host: rootlet(P, 3),
      'lan/fw': firewall(P, 3),
      'wan/fw': firewall(P, 3),
      'v2/fw': firewall(P, 4),
      loop,
      nested: nested(3),
      guard: firewall(P, 3, pinned),
      'large/guard': firewall(P, 4, { ...pinned, entries: 16 }),
      other: firewall(P, 4, { ...pinned, value: '__u32' }),
      plain: firewall(P, 3, { map: PINNED }),
      east: firewall(P, 3),
      refused: firewall(P, 3, {
        ...pinned,
        map: `${P}never`,
        code: 'if (((__u32 *)(long)ctx->data)[key]) key = 2;',
      }),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${lab.file(object)}`;
  const components = (): string =>
    lab
      .replace('R')
      .slots.filter(({ component }) => component !== null)
      .map(({ slot: name, component }) => `${name}=${component}`)
      .join(' ');

  test.each(['static', 'tail'])(
    '%s: files with equal contents from two directories have rules of their own',
    via => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'lan/fw'), slot(2, 'wan/fw'));
      expect(components()).toBe('s1=fw s2=fw-2');
      lab.put(`fw:${RULES}`, 5, 1);
      lab.put(`fw-2:${RULES}`, 6, 1);
      lab.replace('R', slot(2, 'lan/fw'), slot(1, 'wan/fw'));
      expect(components()).toBe('s1=fw-2 s2=fw');
      expect(lab.get(`fw:${RULES}`, 5)).toBe(1);
      expect(lab.get(`fw-2:${RULES}`, 6)).toBe(1);
      lab.replace('R', slot(1, 'v2/fw'), slot(2, 'v2/fw'));
      expect(components()).toBe('s1=fw-2 s2=fw');
      expect(lab.get(`fw-2:${RULES}`, 6)).toBe(1);
      expect(lab.get(`fw:${RULES}`, 5)).toBe(1);
    },
  );

  test('paths are those of files, wherever the command runs', () => {
    lab.attach('host');
    const inside = (directory: string, ...words: readonly string[]): void =>
      expect(lab.run(['replace', 'R', ...words], {}, directory)).toMatchObject({ code: 0, err: '' });
    inside('lan', 's1=fw.o');
    inside('wan', 's2=fw.o');
    expect(components()).toBe('s1=fw s2=fw-2');
    lab.put(`fw-2:${RULES}`, 6, 1);
    inside('.', 's1=./wan/fw.o', 's2=lan/../lan/fw.o');
    expect(components()).toBe('s1=fw-2 s2=fw');
    expect(lab.get(`fw-2:${RULES}`, 6)).toBe(1);
  });

  test.each(['static', 'tail'])(
    '%s: a version that was tried in a free slot takes over the slot with its rules',
    via => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'lan/fw'));
      lab.put(`fw:${RULES}`, 5, 1);
      lab.replace('R', slot(2, 'v2/fw'));
      expect(components()).toBe('s1=fw s2=fw-2');
      expect(kindsOf(lab.replace('R', slot(1, 'v2/fw')))[`fw:${RULES}`]).toBe('reuse');
      expect(components()).toBe('s1=fw s2=fw-2');
      expect(lab.get(`fw:${RULES}`, 5)).toBe(1);
    },
  );

  test('a numbered component takes over nothing from its neighbour', () => {
    lab.attach('host');
    lab.replace('R', slot(1, 'lan/fw'), slot(2, 'east'));
    lab.put(`east:${RULES}`, 5, 1);
    expect(kindsOf(lab.replace('R', slot(2, 'v2/fw')))).toMatchObject({
      [`east:${RULES}`]: 'dropped',
      [`fw-2:${RULES}`]: 'new',
    });
    expect(lab.get(`fw-2:${RULES}`, 5)).toBeUndefined();
  });

  test('a program that its own array holds is refused as a function, and goes by tail calls', () => {
    lab.attach('host');
    const before = lab.running;
    for (const words of [[], ['--dry-run']]) {
      const refusal = lab.refused('replace', 'R', slot(1, 'loop'), ...words);
      expect(refusal).toContain(`its array "${P}next" contains the program itself`);
      expect(refusal).toContain('hint: --slots tail would work');
    }
    expect(lab.running).toBe(before);
    const output = join(lab.directory, 'out.o');
    const relinked = lab.refused('relink', lab.file('host'), slot(1, 'loop'), '-o', output);
    expect(relinked).toContain(`array "${P}next" contains it as a program`);
    expect(existsSync(output)).toBe(false);
    lab.replace('R', slot(1, 'loop'), '--slots', 'tail');
    expect(lab.judge()).toBe(4);
    expect(lab.replace('R', '--reset', 's1', '--slots', 'auto').via).toBe('static');
    expect(lab.replace('R', slot(1, 'lan/fw')).via).toBe('static');
  });

  test.each(['static', 'tail'])('%s: a renewed inner map is in the map of maps', via => {
    lab.attach('host', '--slots', via);
    lab.replace('R', slot(1, 'nested'));
    expect(lab.judge()).toBe(3);
    const fresh = lab.replace('R', '--fresh', `nested:${P}inner`);
    expect(kindsOf(fresh)).toMatchObject({ [`nested:${P}inner`]: 'reset', [`nested:${P}outer`]: 'rebuild' });
    expect(lab.judge()).toBe(3);
    expect(lab.word(`nested:${P}inner`)).toBe(1);
  });

  test('the array of slots is neither listed nor renewed', () => {
    lab.attach('host', '--slots', 'tail');
    lab.replace('R', slot(1, 'lan/fw'));
    const planned = lab.replace('R', slot(1, 'lan/fw'), '--dry-run', '--all');
    expect(Object.keys(kindsOf(planned))).not.toContain('rootlet_slots');
    expect(lab.refused('replace', 'R', '--fresh', 'rootlet_slots')).toContain('there is no such component');
    lab.put(`fw:${RULES}`, 5, 1);
    expect(rowOf(lab.replace('R', '--fresh', '*'), `fw:${RULES}`).kind).toBe('reset');
    expect(lab.get(`fw:${RULES}`, 5)).toBeUndefined();
    expect(lab.judge()).toBe(3);
  });

  test.each(['static', 'tail'])(
    '%s: components that mean different maps by one pin are refused before the kernel',
    via => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'guard'));
      const before = lab.running;
      for (const words of [[], ['--dry-run']]) {
        const { code, err } = lab.run(['replace', 'R', slot(2, 'other'), ...words]);
        expect(code).toBe(1);
        expect(err).toContain(`"${PINNED}" does not agree with its definition in ${lab.file('guard')}`);
        expect(err).toContain(`rootlet link --redefine-sym ${PINNED}=OTHER_NAME ${lab.file('other')}`);
      }
      expect(lab.running).toBe(before);
    },
  );

  test('a new version of a loaded object has the pins that it specifies, and leaves none when it is refused', () => {
    const pin = join(lab.bpffs, PINNED);
    lab.rootlet('load', lab.file('plain'), '--name', 'x');
    expect(existsSync(pin)).toBe(false);
    const private_ = lab.mapIds('object', 'x').get(PINNED);
    lab.replace('x', lab.file('guard'));
    expect(existsSync(pin)).toBe(true);
    lab.withMap(
      PINNED,
      map => expect(map.info().id).toBe(lab.mapIds('object', 'x').get(PINNED)),
      'object',
      'x',
    );
    expect(lab.refused('replace', 'x', lab.file('large/guard'))).toContain('max_entries');
    expect(lab.refused('replace', 'x', lab.file('refused'))).toContain('invalid access to packet');
    expect(existsSync(join(lab.bpffs, `${P}never`))).toBe(false);
    rmSync(pin);
    lab.replace('x', lab.file('guard'));
    expect(existsSync(pin)).toBe(true);
    expect(lab.mapIds('object', 'x').get(PINNED)).toBe(private_);
  });

  test('values and new contents alone: the version that the entry has', () => {
    lab.rootlet('load', lab.file('lan/fw'), '--name', 'x');
    const rules = lab.mapIds('object', 'x').get(RULES);
    const { settings } = lab.replace('x', '--set', 'verdict=9');
    expect(settings).toMatchObject([{ component: null, variable: 'verdict', value: 9 }]);
    expect(lab.mapIds('object', 'x').get(RULES)).toBe(rules);
    lab.replace('x', '--fresh', RULES);
    expect(lab.mapIds('object', 'x').get(RULES)).not.toBe(rules);
    expect(lab.refused('replace', 'x')).toContain('has no slots');
    lab.attach('lan/fw');
    expect(lab.judge()).toBe(3);
    lab.replace('R', '--set', 'verdict=7');
    expect(lab.judge()).toBe(7);
  });
});
