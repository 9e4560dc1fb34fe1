/**
 * Arrays of programs and maps of maps that an object fills: they belong to a generation. What an operator put into them
 * while they ran is carried over; the old generation never meets a new stage.
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS, findCommand, needs } from '../../support/needs.ts';
import { Lab, rowOf } from './lab.ts';
import { HEAD, OWN, rootlet, staged, versionMark } from './sources.ts';

const P = 'ra_';
const NEXT = `${P}next`;
const OUTER = `${P}outer`;

/** A rootlet with an array of its own: its stage runs what follows the slots. */
const stagedHost = (version: number): string => `${HEAD}
${versionMark()}
__weak __noinline int s1(struct xdp_md *ctx) { volatile int verdict = 2; return ctx ? verdict : 0; }
__weak __noinline int s2(struct xdp_md *ctx) { volatile int verdict = 2; return ctx ? verdict : 0; }
__u64 rounds;
SEC("xdp") int ${P}after(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  return mark && mark[1] == ${version} ? mark[2] : 0;
}
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4);
  __array(values, int (void *));
} ${P}afters SEC(".maps") = { .values = { [1] = (void *)&${P}after } };
SEC("xdp") int ${P}host(struct xdp_md *ctx) {
  unsigned char *mark;
  int verdict = 2, one;
  rounds++;
  one = s1(ctx); if (one != 2) verdict = one;
  one = s2(ctx); if (one != 2) verdict = one;
  mark = mark_of(ctx);
  if (!mark) return 0;
  mark[1] = ${version};
  mark[2] = verdict;
  bpf_tail_call(ctx, &${P}afters, 1);
  return 1;
}`;

/** Stages that call stages: an array names a program that has an array of its own. */
const chained = (version: number): string => `${HEAD}
${versionMark()}
#define ARRAY(name, program) struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); \\
  __array(values, int (void *)); } name SEC(".maps") = { .values = { [0] = (void *)&program } }
SEC("xdp") int ${P}third(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  return mark && mark[0] == ${version} && mark[3] == ${version} ? ${20 + version} : 0;
}
ARRAY(${P}thirds, ${P}third);
SEC("xdp") int ${P}second(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  if (!mark) return 0;
  mark[3] = ${version};
  bpf_tail_call(ctx, &${P}thirds, 0);
  return 1;
}
ARRAY(${P}seconds, ${P}second);
SEC("xdp") int ${P}first(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  if (!mark) return 0;
  mark[0] = ${version};
  bpf_tail_call(ctx, &${P}seconds, 0);
  return 1;
}`;

/** A map of maps with one entry that the object gives: the verdict is in the inner map. */
const nested = (verdict: number, more = ''): string => `${HEAD}
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } ${P}inner SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __uint(key_size, 4);
  __array(values, struct inner);
} ${OUTER} SEC(".maps") = { .values = { [0] = &${P}inner${more} } };
__u64 seen;
SEC("xdp") int ${P}nested(struct xdp_md *ctx) {
  __u32 key = 0, *value;
  void *map = bpf_map_lookup_elem(&${OUTER}, &key);
  seen++;
  if (!map) return ${verdict};
  value = bpf_map_lookup_elem(map, &key);
  return value && *value ? *value : ${verdict};
}`;

const own = (verdict: number): string => `${HEAD}
__u64 seen;
SEC("xdp") int ${P}plain(struct xdp_md *ctx) { seen++; return ${verdict}; }`;

/** An attached program by itself, staged; and one that the verifier refuses. */
const refusedStaged = (version: number): string =>
  staged(P, version, { code: 'volatile int *wild = (void *)(long)ctx->data; if (*wild) return 5;' });

needs('bpf', 'ip', 'clang', 'bpftool').describe('arrays that an object fills', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 2),
      'staged-host': stagedHost(1),
      'staged-host.v2': stagedHost(2),
      part: staged(P, 1),
      'part.v2': staged(P, 2),
      'part.refused': refusedStaged(3),
      chain: chained(1),
      'chain.v2': chained(2),
      nest: nested(3),
      'nest.v2': nested(4, `, [2] = &${P}inner`),
      plain: own(2),
      'plain.v2': own(2),
      stage: `${HEAD} SEC("xdp") int ${P}theirs(struct xdp_md *ctx) { return 33; }`,
      table: `${HEAD} struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } ${P}mine SEC(".maps");
        SEC("xdp") int ${P}user(struct xdp_md *ctx) { __u32 key = 0; return bpf_map_lookup_elem(&${P}mine, &key) ? 2 : 0; }`,
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${named(object)}`;
  /** With the program, where there are several. */
  const named = (object: string): string => {
    const [base = ''] = object.split('.');
    const main = { part: 'entry', chain: 'first', 'staged-host': 'host' }[base];
    return main === undefined ? lab.file(object) : `${lab.file(object)}:${P}${main}`;
  };
  const idOf = (key: string): number | undefined => lab.mapIds().get(key);
  /** Path of the pin of a map. */
  const pinOf = (key: string): string => {
    const { path, record } = lab.entry();
    const pin = record.maps.find(({ name }) => name === key)?.pin;
    if (pin === undefined) throw new Error(`no map ${key}`);
    return join(path, pin);
  };
  /** What an operator does: `bpftool map …` on the pin. */
  const bpftool = (...words: readonly string[]): void => {
    execFileSync(findCommand(COMMANDS.bpftool) ?? '', words, { stdio: 'pipe' });
  };
  const key = (index: number): string[] => ['key', 'hex', `0${index}`, '00', '00', '00'];
  const entries = (map: string): Record<number, number> =>
    Object.fromEntries(
      lab.withMap(map, one => [...one.entries()].map(([at, value]) => [at[0], word(value)])),
    );

  describe.each(['static', 'tail'])('%s', via => {
    test('a component brings its stages, gets new ones, and keeps them beside a neighbour that changes', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'part'), slot(2, 'plain'));
      expect(lab.judge()).toBe(11);
      const array = idOf(`part:${NEXT}`);
      lab.replace('R', slot(2, 'plain.v2'));
      expect(lab.judge()).toBe(11);
      expect(idOf(`part:${NEXT}`)).toBe(array);
      const result = lab.replace('R', slot(1, 'part.v2'));
      expect(rowOf(result, `part:${NEXT}`)).toMatchObject({
        kind: 'rebuild',
        entries: { carried: 0, lost: [] },
      });
      expect(lab.judge()).toBe(12);
      expect(idOf(`part:${NEXT}`)).not.toBe(array);
      lab.replace('R', '--reset', 's1');
      expect(lab.judge()).toBe(OWN);
      lab.replace('R', slot(1, 'part'));
      expect(lab.judge()).toBe(11);
    });

    test('an array names programs that have arrays of their own', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'chain'));
      expect(lab.judge()).toBe(21);
      lab.replace('R', slot(1, 'chain.v2'));
      expect(lab.judge()).toBe(22);
      lab.replace('R', slot(2, 'plain'));
      expect(lab.judge()).toBe(22);
    });

    test("the rootlet's own array: with its components, and in its next version", () => {
      lab.attachProgram('staged-host', `${P}host`, '--slots', via);
      expect(lab.judge()).toBe(OWN);
      lab.replace('R', slot(1, 'part'));
      expect(lab.judge()).toBe(11);
      const before = idOf(`${P}afters`);
      lab.replace('R', lab.file('staged-host.v2'));
      expect(lab.judge()).toBe(11);
      expect(idOf(`${P}afters`)).not.toBe(before);
      lab.replace('R', slot(1, 'part.v2'));
      expect(lab.judge()).toBe(12);
    });

    test('what an operator put in, replaced or took out stays so in the next version', () => {
      lab.rootlet('load', lab.file('stage'), '--name', 'stage');
      const { path, record } = lab.entry('object', 'stage');
      const theirs = ['value', 'pinned', join(path, record.programs[0]?.pin ?? '')];
      const id = record.programs[0]?.id;
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'part'));
      bpftool('map', 'update', 'pinned', pinOf(`part:${NEXT}`), ...key(2), ...theirs);
      const added = lab.replace('R', slot(1, 'part.v2'));
      expect(rowOf(added, `part:${NEXT}`).entries).toEqual({ carried: 1, lost: [] });
      expect(entries(`part:${NEXT}`)[2]).toBe(id);
      expect(lab.judge()).toBe(12);
      bpftool('map', 'update', 'pinned', pinOf(`part:${NEXT}`), ...key(0), ...theirs);
      expect(lab.judge()).toBe(33);
      lab.replace('R', slot(1, 'part'));
      expect(lab.judge()).toBe(33);
      bpftool('map', 'delete', 'pinned', pinOf(`part:${NEXT}`), ...key(0));
      lab.replace('R', slot(1, 'part.v2'));
      expect(entries(`part:${NEXT}`)).toEqual({ 2: id });
      expect(lab.judge()).toBe(1);
    });

    test('--fresh gives the static contents back', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'part'));
      bpftool('map', 'delete', 'pinned', pinOf(`part:${NEXT}`), ...key(0));
      expect(lab.judge()).toBe(1);
      const result = lab.replace('R', slot(1, 'part.v2'), '--fresh', `part:${NEXT}`);
      expect(rowOf(result, `part:${NEXT}`)).toMatchObject({
        kind: 'reset',
        reason: 'as requested with --fresh',
      });
      expect(lab.judge()).toBe(12);
    });

    test('maps of maps: static entries are of the new version, those of an operator stay', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'nest'));
      expect(lab.judge()).toBe(3);
      const outer = `nest:${OUTER}`;
      lab.put(`nest:${P}inner`, 0, 40);
      expect(lab.judge()).toBe(40);
      const second = lab.replace('R', slot(1, 'nest.v2'));
      expect(rowOf(second, `nest:${P}inner`).kind).toBe('reuse'); // the table itself is state
      expect(lab.judge()).toBe(40);
      expect(Object.keys(entries(outer))).toEqual(['0', '2']); // and the entry that is new
      lab.rootlet('load', lab.file('table'), '--name', 'table');
      const { path, record } = lab.entry('object', 'table');
      const mine = record.maps.find(({ name }) => name === `${P}mine`);
      lab.withMap(
        `${P}mine`,
        map => map.update(new Uint8Array(4), new Uint8Array([50, 0, 0, 0])),
        'object',
        'table',
      );
      bpftool(
        'map',
        'update',
        'pinned',
        pinOf(outer),
        ...key(0),
        'value',
        'pinned',
        join(path, mine?.pin ?? ''),
      );
      expect(lab.judge()).toBe(50);
      lab.replace('R', slot(1, 'nest'));
      expect(lab.judge()).toBe(50);
      bpftool('map', 'delete', 'pinned', pinOf(outer), ...key(0));
      lab.replace('R', slot(1, 'nest.v2'));
      expect(lab.judge()).toBe(4); // its own, since nothing is in the table
    });

    test('a version that is refused never reaches the running array', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', slot(1, 'part'));
      const before = [entries(`part:${NEXT}`), lab.tree(), lab.running];
      expect(lab.refused('replace', 'R', slot(1, 'part.refused'))).toMatch(/invalid access to packet/);
      expect(lab.refused('replace', 'R', slot(1, 'part.v2'), slot(2, 'part.refused'))).toMatch(/packet/);
      expect([entries(`part:${NEXT}`), lab.tree(), lab.running]).toEqual(before);
      expect(lab.judge()).toBe(11);
    });
  });

  test('an attached program: a new array each time; what was put in stays; a refused version changes nothing', () => {
    lab.rootlet('load', lab.file('stage'), '--name', 'stage');
    const { path, record } = lab.entry('object', 'stage');
    lab.attachProgram(`part`, `${P}entry`);
    expect(lab.judge()).toBe(11);
    const array = idOf(NEXT);
    bpftool(
      'map',
      'update',
      'pinned',
      pinOf(NEXT),
      ...key(3),
      'value',
      'pinned',
      join(path, record.programs[0]?.pin ?? ''),
    );
    expect(lab.refused('replace', 'R', named('part.refused'))).toMatch(/invalid access to packet/);
    expect([lab.judge(), idOf(NEXT)]).toEqual([11, array]);
    const result = lab.replace('R', lab.file('part.v2')); // the program of the same name
    expect(rowOf(result, NEXT)).toMatchObject({ kind: 'rebuild', entries: { carried: 1, lost: [] } });
    expect(lab.judge()).toBe(12);
    expect(idOf(NEXT)).not.toBe(array);
    expect(entries(NEXT)[3]).toBe(record.programs[0]?.id);
  });
});

function word(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
