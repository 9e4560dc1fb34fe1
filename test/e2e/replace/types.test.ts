/** What a new version reads of the old one's memory: by name and type, never by place alone. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { kindsOf, Lab, rowOf } from './lab.ts';
import { firewall, HEAD, rootlet } from './sources.ts';

const P = 'ry_';
const RULES = `${P}rules`;

/** A program with variables and a map; `seen` counts. */
const program = (variables: string, more: { value?: string; map?: string } = {}): string => `${HEAD}
struct limits { __u32 low, high; };
struct swapped { __u32 high, low; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, ${more.value ?? 'struct limits'}); } ${P}limits SEC(".maps");
${variables}
__u64 seen;
SEC("xdp") int ${P}main(struct xdp_md *ctx) {
  __u32 key = 0;
  seen++;
  return bpf_map_lookup_elem(&${P}limits, &key) ? 2 : 0;
}`;

/** A provider: a function that consumers call. */
const provider = (variables: string): string => `${HEAD}
${variables}
__u64 seen;
__attribute__((noinline)) int ry_judge(struct xdp_md *ctx) { seen++; return ctx ? 3 : 0; }
SEC("xdp") int ry_prog(struct xdp_md *ctx) { return ry_judge(ctx); }`;

needs('bpf', 'ip', 'clang').describe('types', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      v1: program('__u32 level = 5;'),
      'v1.float': program('__s32 level = 5;'),
      'v1.struct': program('struct { __u16 low, high; } level = {1, 2};'),
      'v1.map': program('__u32 level = 5;', { value: 'struct swapped' }),
      'v1.same': program('__u32 level = 6;'),
      'v1.grown': program('__u32 level = 5; __u64 added; __u32 more[3];'),
      'v1.moved': program('__u64 before; __u32 level = 5;'),
      host: rootlet(P, 2),
      'host.grown': rootlet(P, 2, { globals: '__u64 added; __u64 others[2];', before: 'added++;' }),
      'host.signed': rootlet(P, 2).replace('__u64 rounds', '__s64 rounds'),
      fw: firewall(P, 3),
      'fw.grown': firewall(P, 4, { variables: '__u64 added; __u32 more[3];', code: 'added++; more[1]++;' }),
      'fw.value': firewall(P, 4, { value: '__s64' }),
      'fw.signed': firewall(P, 4).replace('__u64 seen', '__s64 seen'),
      'fw.pointer': firewall(P, 4)
        .replace('__u64 seen', 'struct { __u32 a, b; } seen')
        .replace('seen++', 'seen.a++'),
      lib: provider(''),
      'lib.grown': provider('__u64 added; __u32 more[3];'),
      'lib.signed': provider('').replace('__u64 seen', '__s64 seen'),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const start = (via: string): void => {
    lab.attach('host', '--slots', via);
    lab.replace('R', `s1=${lab.file('fw')}`);
  };
  /** Offset of a counter that is not zero: layouts are the compiler's. */
  const counters = (key: string, bytes: number, kind: 'hook' | 'object' = 'hook', name = 'R'): number[] =>
    Array.from({ length: bytes / 8 }, (_, at) => lab.word(key, at * 8, kind, name));

  describe('an attached program', () => {
    test('a section that grows by a variable keeps the others', () => {
      lab.attach('v1');
      lab.judge();
      lab.judge();
      const result = lab.replace('R', lab.file('v1.grown'));
      expect(rowOf(result, '.bss')).toMatchObject({ kind: 'migrate', variables: ['seen'], lost: [] });
      lab.judge();
      const { maps } = lab.entry().record;
      expect(maps.map(({ name }) => name)).toContain('.bss');
      expect(counters('.bss', 16)).toContain(3);
    });

    test('a variable keeps its value where it moves, and .data is not written again', () => {
      lab.attach('v1');
      lab.withMap('.data', map => map.update(new Uint8Array(4), new Uint8Array([9, 0, 0, 0])));
      expect(rowOf(lab.replace('R', lab.file('v1.same')), '.data').kind).toBe('reuse');
      expect(lab.get('.data', 0)).toBe(9);
      lab.replace('R', lab.file('v1.moved'));
      expect(lab.get('.data', 0)).toBe(9);
    });

    test.each([
      ['v1.float', '.data', /level was __u32 and is __s32/],
      ['v1.struct', '.data', /level/],
      ['v1.map', `${P}limits`, /type of value was struct limits .*struct swapped/],
    ])('%s: another type begins again, and the reason is given', (object, key, reason) => {
      lab.attach('v1');
      const before = lab.mapIds();
      lab.withMap('.data', map => map.update(new Uint8Array(4), new Uint8Array([9, 9, 9, 9])));
      const result = lab.replace('R', lab.file(object));
      expect(rowOf(result, key)).toMatchObject({ kind: 'reset', reason: expect.stringMatching(reason) });
      expect(lab.mapIds().get(key)).not.toBe(before.get(key));
      if (key === '.data') expect(lab.get('.data', 0)).not.toBe(0x09090909);
    });
  });

  describe.each(['static', 'tail'])('a slot, %s', via => {
    test('a section that grows keeps the others', () => {
      start(via);
      lab.judge();
      const result = lab.replace('R', `s1=${lab.file('fw.grown')}`);
      expect(rowOf(result, 'fw:.bss')).toMatchObject({ kind: 'migrate', variables: ['seen'], lost: [] });
      lab.judge();
      const words = counters('fw:.bss', 24);
      expect(words).toContain(2);
      expect(words).toContain(1);
    });

    test.each([
      ['fw.value', `fw:${RULES}`, /type of value was (unsigned long long|__u64)/],
      ['fw.signed', 'fw:.bss', /no variable is unchanged: seen was/],
      ['fw.pointer', 'fw:.bss', /no variable is unchanged: seen was/],
    ])('%s: another type begins again', (object, key, reason) => {
      start(via);
      lab.judge();
      lab.put(`fw:${RULES}`, 1, 5);
      const result = lab.replace('R', `s1=${lab.file(object)}`);
      expect(rowOf(result, key)).toMatchObject({ kind: 'reset', reason: expect.stringMatching(reason) });
      if (key === 'fw:.bss') expect(lab.word(key)).toBe(0);
      else expect(lab.get(key, 1)).toBeUndefined();
    });

    test('the rootlet itself: a grown section, and a variable of another type', () => {
      start(via);
      lab.judge();
      lab.judge();
      const grown = lab.replace('R', lab.file('host.grown'));
      expect(kindsOf(grown)['.bss']).toBe('migrate');
      lab.judge();
      expect(counters('.bss', 32)).toEqual(expect.arrayContaining([3, 1]));
      expect(lab.word('fw:.bss')).toBe(3);
      const signed = lab.replace('R', lab.file('host.signed'));
      expect(rowOf(signed, '.bss')).toMatchObject({
        kind: 'reset',
        reason: expect.stringMatching(/rounds was/),
      });
      expect(lab.word('.bss')).toBe(0);
      expect(lab.word('fw:.bss')).toBe(3);
    });
  });

  describe('a loaded object', () => {
    test('a grown section keeps the others; a variable of another type begins again', () => {
      lab.rootlet('load', lab.file('lib'), '--name', 'lib');
      lab.withMap(
        '.bss',
        map => map.update(new Uint8Array(4), new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0])),
        'object',
        'lib',
      );
      const grown = lab.replace('lib', lab.file('lib.grown'));
      expect(rowOf(grown, '.bss')).toMatchObject({ kind: 'migrate', variables: ['seen'] });
      expect(counters('.bss', 24, 'object', 'lib')).toContain(7);
      const signed = lab.replace('lib', lab.file('lib.signed'));
      expect(rowOf(signed, '.bss')).toMatchObject({
        kind: 'reset',
        reason: expect.stringMatching(/seen was/),
      });
      expect(lab.word('.bss', 0, 'object', 'lib')).toBe(0);
    });
  });
});
