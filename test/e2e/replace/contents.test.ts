/** Initial contents are written into maps that the load itself creates, and into no others. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS, findCommand, needs } from '../../support/needs.ts';
import { Lab } from './lab.ts';
import { HEAD, rootlet } from './sources.ts';

const P = 'rc_';
const OUTER = `${P}outer`;
const NEXT = `${P}next`;

/** A map of maps and an array of programs that the object fills; each may be pinned by name. */
const filled = (version: number, pinned: boolean): string => `${HEAD}
${version === 0 ? '' : `__u64 version${version};`}
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } ${P}inner SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __uint(key_size, 4);
  ${pinned ? '__uint(pinning, LIBBPF_PIN_BY_NAME);' : ''}
  __array(values, struct inner);
} ${OUTER} SEC(".maps") = { .values = { [1] = &${P}inner } };
SEC("xdp") int ${P}stage(struct xdp_md *ctx) { return 3; }
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4);
  ${pinned ? '__uint(pinning, LIBBPF_PIN_BY_NAME);' : ''}
  __array(values, int (void *));
} ${NEXT} SEC(".maps") = { .values = { [0] = (void *)&${P}stage } };
__u32 level = 5;
SEC("xdp") int ${P}main(struct xdp_md *ctx) {
  __u32 key = 1;
  ${version === 0 ? '' : `version${version}++;`}
  if (level == 77 || !bpf_map_lookup_elem(&${OUTER}, &key)) return 7;
  bpf_tail_call(ctx, &${NEXT}, 0);
  return 9;
}`;

needs('bpf', 'ip', 'clang', 'bpftool').describe('initial contents', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 1),
      part: filled(0, false),
      'part.v2': filled(2, false),
      pinned: filled(0, true),
      'pinned.v2': filled(2, true),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const main = (object: string): string => `${lab.file(object)}:${P}main`;
  const bpftool = (...words: readonly string[]): void => {
    execFileSync(findCommand(COMMANDS.bpftool) ?? '', words, { stdio: 'pipe' });
  };
  /** What an operator takes out of a map of maps and of an array of programs, by their pins. */
  const takeOut = (outer: string, next: string): void => {
    bpftool('map', 'delete', 'pinned', outer, 'key', '1', '0', '0', '0');
    bpftool('map', 'delete', 'pinned', next, 'key', '0', '0', '0', '0');
  };
  const entries = (key: string, kind: 'hook' | 'object' = 'hook', name = 'R'): number =>
    lab.withMap(key, map => [...map.entries()].length, kind, name);
  const pins = () => [join(lab.bpffs, OUTER), join(lab.bpffs, NEXT)] as const;

  describe('maps that are pinned by name', () => {
    test.each([
      ['load', () => lab.rootlet('load', lab.file('pinned'), '--name', 'first'), ['object', 'first']],
      ['attach', () => lab.attachProgram('pinned', `${P}main`), ['hook', 'R']],
    ] as const)('%s uses them as they are', (_, enter, [kind, name]) => {
      lab.rootlet('load', lab.file('pinned'), '--name', 'before');
      takeOut(...pins());
      enter();
      expect([entries(OUTER, kind, name), entries(NEXT, kind, name)]).toEqual([0, 0]);
    });

    test.each(['static', 'tail'])('replace, a slot, %s', via => {
      lab.attach('host', '--slots', via);
      lab.replace('R', `s1=${main('pinned')}`);
      expect(lab.judge()).toBe(3);
      takeOut(...pins());
      lab.replace('R', `s1=${main('pinned.v2')}`);
      expect([entries(`pinned:${OUTER}`), entries(`pinned:${NEXT}`), lab.judge()]).toEqual([0, 0, 7]);
    });

    test('replace, an attached program and a loaded object', () => {
      lab.attachProgram('pinned', `${P}main`);
      lab.rootlet('load', lab.file('pinned'), '--name', 'lib');
      takeOut(...pins());
      lab.replace('R', main('pinned.v2'));
      expect([entries(OUTER), entries(NEXT), lab.judge()]).toEqual([0, 0, 7]);
      lab.replace('lib', lab.file('pinned.v2'));
      expect([entries(OUTER, 'object', 'lib'), entries(NEXT, 'object', 'lib')]).toEqual([0, 0]);
    });
  });

  describe('maps that are given with --map', () => {
    /** Maps of another entry, without the entries that its object gave. */
    const given = (): string[] => {
      lab.rootlet('load', lab.file('part'), '--name', 'source');
      const { path, record } = lab.entry('object', 'source');
      const pinOf = (map: string): string =>
        join(path, record.maps.find(({ name }) => name === map)?.pin ?? '');
      takeOut(pinOf(OUTER), pinOf(NEXT));
      return ['--map', `${OUTER}=${pinOf(OUTER)}`, '--map', `${NEXT}=${pinOf(NEXT)}`];
    };

    test('load and attach use them as they are, and report it', () => {
      const options = given();
      const { code, err } = lab.run(['load', lab.file('part'), '--name', 'second', ...options]);
      expect(code).toBe(0);
      expect(err).toMatch(new RegExp(`map "${OUTER}" is given by --map: its static entries are not written`));
      expect([entries(OUTER, 'object', 'second'), entries(NEXT, 'object', 'second')]).toEqual([0, 0]);
      lab.attachProgram('part', `${P}main`, ...options);
      expect([entries(OUTER), entries(NEXT), lab.judge()]).toEqual([0, 0, 7]);
    });

    test('replace of an attached program uses them as they are', () => {
      const options = given();
      lab.attachProgram('part', `${P}main`);
      expect(lab.judge()).toBe(3);
      lab.rootlet('replace', 'R', main('part.v2'), ...options);
      expect([entries(OUTER), entries(NEXT), lab.judge()]).toEqual([0, 0, 7]);
    });

    test.each(['static', 'tail'])('replace of a slot, %s: refused, or used as they are', via => {
      const options = given();
      lab.attach('host', '--slots', via);
      const { code } = lab.run(['replace', 'R', `s1=${main('part')}`, ...options]);
      if (code === 0) expect(lab.judge()).toBe(7);
      else expect(lab.judge()).toBe(2);
    });
  });

  describe.each(['static', 'tail'])('maps that go over, a slot, %s', via => {
    test('.data keeps what was written, for an unchanged and for a new version', () => {
      lab.attach('host', '--slots', via);
      lab.replace('R', `s1=${main('part')}`);
      lab.put('part:.data', 0, 77);
      expect(lab.judge()).toBe(7);
      lab.replace('R', lab.file('host'));
      lab.replace('R', `s1=${main('part.v2')}`);
      expect(lab.get('part:.data', 0)).toBe(77);
      expect(lab.judge()).toBe(7);
    });
  });
});
