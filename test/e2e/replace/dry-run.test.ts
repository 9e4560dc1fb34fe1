/** `--dry-run` prints what the run then does, and changes nothing; what is lost is printed with the reason. */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { Lab, type Replacement } from './lab.ts';
import { firewall, HEAD, rootlet, staged } from './sources.ts';

const P = 'rd_';

const provider = (variables: string, value = '__u64'): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, ${value}); } ${P}seen SEC(".maps");
${variables}
__u64 calls;
const volatile __u32 verdict = 3;
__attribute__((noinline)) int judge(struct xdp_md *ctx) {
  __u32 key = 0;
  calls++;
  return bpf_map_lookup_elem(&${P}seen, &key) ? 1 : verdict;
}`;
const consumer = (name: string): string => `${HEAD}
extern int judge(struct xdp_md *ctx);
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) { return judge(ctx); }`;

needs('bpf', 'ip', 'clang').describe('a dry run', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 2),
      'host.v2': rootlet(P, 2, { globals: '__u64 added;', before: 'added++;' }),
      allow: firewall(P, 3),
      'allow.grown': firewall(P, 4, { variables: '__u64 added;', code: 'added++;' }),
      'allow.signed': firewall(P, 4, { value: '__s64' }).replace('__u64 seen', '__s64 seen'),
      'allow.moved': firewall(P, 4, { map: `${P}table` }),
      block: firewall(P, 6),
      part: staged(P, 1),
      'part.v2': staged(P, 2),
      lib: provider(''),
      'lib.v2': provider('__u64 added;', '__s64'),
      user: consumer('user'),
      caller: consumer('caller'),
    });
  });
  afterAll(() => lab.close());
  afterEach(() => lab.reset());

  const slot = (number: number, object: string): string => `s${number}=${named(object)}`;
  const named = (object: string): string =>
    object.startsWith('part') ? `${lab.file(object)}:${P}entry` : lab.file(object);
  const snapshot = () => [lab.tree(), lab.programs(), lab.running, [...lab.mapIds()], lab.entry().record];
  /** The kernel frees programs of the generation before a little later. */
  const settled = (others = 0) =>
    vi.waitFor(() => expect(lab.programs()).toHaveLength(lab.programIds().size + others), 10_000);

  /** The same command, first as a dry run. */
  async function compare(...words: readonly string[]): Promise<Replacement> {
    await settled();
    const before = snapshot();
    const text = lab.rootlet('replace', 'R', ...words, '--dry-run');
    expect(text).toMatch(/^would (change|replace) R/);
    const planned = lab.replace('R', ...words, '--dry-run');
    expect(snapshot()).toEqual(before);
    const done = lab.replace('R', ...words);
    expect(planned.state).toEqual(done.state);
    expect(planned.slots).toEqual(done.slots);
    expect(planned.settings).toEqual(done.settings);
    expect(planned.droppedSettings).toEqual(done.droppedSettings);
    expect(planned.via).toEqual(done.via);
    return done;
  }

  describe.each(['static', 'tail'])('%s', via => {
    const start = (...objects: readonly string[]): void => {
      lab.attach('host', '--slots', via);
      lab.replace('R', ...objects.map((object, at) => slot(at + 1, object)));
      lab.judge();
    };

    test('of slots: kept, copied, reset, new and dropped maps', async () => {
      start('allow', 'part');
      await compare(slot(1, 'allow.grown'));
      await compare(slot(1, 'allow.signed'), slot(2, 'part.v2'));
      await compare(slot(1, 'allow.moved'), '--set', 'verdict=9');
      await compare('--reset', 's1', '--reset', 's2');
      await compare(slot(1, 'block'), '--max-entries', `${P}rules=32`);
    });

    test('of order, back end, and the rootlet itself', async () => {
      start('allow', 'block');
      await compare('--order', `${lab.file('block')},${lab.file('allow.grown')}`);
      await compare(lab.file('host.v2'));
      await compare('--slots', via === 'tail' ? 'static' : 'tail');
      await compare(slot(1, 'block'), '--fresh', 'block');
    });

    test('what is lost is printed, with the reason, in every form', () => {
      start('allow', 'part');
      expect(lab.rootlet('replace', 'R', slot(1, 'allow.signed'))).toMatch(
        new RegExp(
          `^state reset: allow:${P}rules: type of value was __u64 and is __s64[^]*` +
            '^state reset: allow:\\.bss: no variable is unchanged: seen was __u64 and is __s64$',
          'm',
        ),
      );
      expect(lab.rootlet('replace', 'R', slot(1, 'allow.moved'))).toMatch(
        new RegExp(`^state dropped: allow:${P}rules: .* has no such map`, 'm'),
      );
      const out = lab.rootlet('replace', 'R', '--reset', 's1');
      for (const map of [`${P}table`, '.bss'])
        expect(out).toMatch(
          new RegExp(`^state dropped: allow:${map.replace('.', '\\.')}: allow no longer fills a slot$`, 'm'),
        );
      expect(lab.rootlet('replace', 'R', '--fresh', '.bss')).toMatch(
        /^state reset: \.bss: as requested with --fresh$/m,
      );
    });
  });

  test('of an attached program', async () => {
    lab.attach('allow');
    lab.judge();
    await compare(lab.file('allow.grown'));
    await compare(lab.file('allow.signed'), '--set', 'verdict=9');
    await compare(lab.file('allow.moved'));
    expect(lab.rootlet('replace', 'R', lab.file('allow'))).toMatch(
      new RegExp(`^state dropped: ${P}table: .* has no such map`, 'm'),
    );
  });

  test('of a loaded object with consumers', () => {
    lab.rootlet('load', lab.file('lib'), '--name', 'lib');
    lab.rootlet('attach', 'xdp', 'va', lab.file('user'), '--mode', 'generic', '--name', 'R', '--via', 'copy');
    lab.rootlet('load', lab.file('caller'), '--name', 'caller', '--via', 'tail');
    const before = snapshot();
    const words = ['lib', lab.file('lib.v2')];
    expect(lab.rootlet('replace', ...words, '--dry-run')).toMatch(/^would replace lib/);
    const planned = lab.replace(...words, '--dry-run');
    expect(snapshot()).toEqual(before);
    const text = lab.rootlet('replace', ...words);
    expect(text).toMatch(new RegExp(`^state reset: ${P}seen: type of value was __u64 and is __s64$`, 'm'));
    lab.replace('lib', lab.file('lib'));
    const done = lab.replace(...words);
    expect(planned.state.map(({ key, kind }) => [key, kind])).toEqual(
      done.state.map(({ key, kind }) => [key, kind]),
    );
    expect(planned.consumers).toEqual(done.consumers);
    expect(done.consumers.map(({ name }) => name).sort()).toEqual(['R', 'caller']);
  });

  test('one that is refused is refused as the run is', () => {
    lab.attach('host');
    lab.replace('R', slot(1, 'allow'));
    for (const words of [
      ['replace', 'R', `s7=${lab.file('allow')}`],
      ['replace', 'R', '--order', ''],
      ['replace', 'R', slot(1, 'block'), '--set', 'nothing=1'],
      ['replace', 'R', '--fresh', 'nothing'],
    ]) {
      const [planned, done] = [lab.run([...words, '--dry-run']), lab.run(words)];
      expect([planned.code, planned.err]).toEqual([done.code, done.err]);
      expect(planned.code).not.toBe(0);
    }
    expect(lab.judge()).toBe(3);
  });
});
