/** Types that the kernel refuses never stop a command: they are repaired, or left out where no repair is known. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { Lab } from './lab.ts';
import { HEAD, rootlet } from './sources.ts';

const P = 'od_';

/** A parameter without a name, and a variable without bytes. */
const odd = (verdict: number): string => `${HEAD}
struct nothing {} ${P}here;
int ${P}count;
__weak __attribute__((noinline)) int ${P}helper(int, int b) { return b + ${verdict}; }
SEC("xdp") int ${P}odd(struct xdp_md *ctx) { ${P}count++; return ctx ? ${P}helper(1, 0) : 0; }`;

/** Pointers that the kernel does not follow to their end. */
const deep = (more = ''): string => `${HEAD}
int ${'*'.repeat(40)}${P}deep;
${more}
SEC("xdp") int ${P}odd(struct xdp_md *ctx) { return ${P}deep ? 0 : 4; }`;

const LOCK = `struct ${P}value { struct bpf_spin_lock lock; int some; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct ${P}value); } ${P}locks SEC(".maps");`;

const PARAMETER = `BTF for the kernel: parameters without a name have one ("${P}helper")`;
const WITHOUT = 'loaded without BTF, which the kernel refuses: "';

needs('bpf', 'ip', 'clang').describe('odd types', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({ host: rootlet(P, 2), odd: odd(3), 'odd.v2': odd(5), deep: deep(), locked: deep(LOCK) });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const notesOf = (...words: readonly string[]): readonly string[] =>
    JSON.parse(lab.rootlet(...words, '--json')).notes;

  test('load, dry run and run --kernel report repairs', () => {
    const note = expect.stringContaining(`odd.o: ${PARAMETER}`);
    expect(JSON.parse(lab.rootlet('load', lab.file('odd'), '--dry-run', '--json')).plan.notes).toContainEqual(
      note,
    );
    expect(lab.rootlet('load', lab.file('odd'), '--dry-run')).toContain(PARAMETER);
    expect(notesOf('load', lab.file('odd'))).toContainEqual(note);
    const { out, err } = lab.run(['run', lab.file('odd'), '--kernel', '--packet', '00'.repeat(60)]);
    expect(out).toMatch(/TX/);
    expect(err).toContain(PARAMETER);
  });

  test('so does every way to put it on a hook', () => {
    expect(
      notesOf('attach', 'xdp', 'va', lab.file('odd'), '--mode', 'generic', '--name', 'R').join(),
    ).toContain(PARAMETER);
    expect(lab.judge()).toBe(3);
    expect(notesOf('replace', 'R', lab.file('odd.v2')).join()).toContain(PARAMETER);
    expect(lab.judge()).toBe(5);
  });

  test.each(['static', 'tail'])('and slots, by %s', via => {
    lab.attach('host', '--slots', via);
    expect(notesOf('replace', 'R', `s1=${lab.file('odd')}`).join()).toContain(PARAMETER);
    expect(lab.judge()).toBe(3);
  });

  test('and chains', () => {
    const chain = `${lab.directory}/chain.o`;
    lab.rootlet('relink', '--chain', lab.file('odd'), lab.file('deep'), '-o', chain);
    expect(notesOf('load', chain).join()).toContain(WITHOUT);
  });

  describe('without a repair', () => {
    test('the load goes on without types', () => {
      const [note, ...others] = notesOf('load', lab.file('deep'));
      expect(note).toContain(`deep.o: ${WITHOUT}`);
      expect(note).toContain('Exceeded max resolving depth:32"');
      expect(others).toEqual([]);
    });

    test('unless something needs them', () => {
      for (const more of [[], ['--dry-run']]) {
        const text = lab.refused('load', lab.file('locked'), ...more);
        expect(text).toContain('locked.o: section ".BTF": the kernel refuses the types: "');
        expect(text).toContain(`needed by map "${P}locks" (bpf_spin_lock)`);
      }
    });
  });
});
