/**
 * A process that is killed before any system call that changes something leaves the old code or the new, whole: no packet
 * meets an entry of one version and a stage of the other, or an empty array. The next command continues, and nothing is
 * left over.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { stepsOfToday } from '../../support/steps.ts';
import { judgeBy, Lab, type Run } from './lab.ts';
import { HEAD, rootlet, staged } from './sources.ts';

const P = 'rk_';
const STEPS = stepsOfToday(5, 7);

/** A provider whose function is of two stages, in the array of the object. */
const provider = (version: number): string => `${HEAD}
SEC("xdp") int ${P}stage(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  return data + 64 <= end && data[60] == ${version} ? ${10 + version} : 0;
}
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4);
  __array(values, int (void *));
} ${P}next SEC(".maps") = { .values = { [0] = (void *)&${P}stage } };
__u64 seen;
__attribute__((noinline)) int judge(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 64 > end) return 0;
  seen++;
  data[60] = ${version};
  bpf_tail_call(ctx, &${P}next, 0);
  return 1;
}`;
const consumer = (name: string): string => `${HEAD}
extern int judge(struct xdp_md *ctx);
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) { return judge(ctx); }`;

needs('bpf', 'ip', 'clang').describe('a command that is killed', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      host: rootlet(P, 2),
      'host.v2': rootlet(P, 2, { globals: '__u64 added;', before: 'added++;' }),
      part: staged(P, 1),
      'part.v2': staged(P, 2),
      lib: provider(1),
      'lib.v2': provider(2),
      user: consumer('user'),
      caller: consumer('caller'),
    });
  });
  afterAll(() => lab.close());
  afterEach(async () => {
    lab.reset();
    await vi.waitFor(() => expect(lab.programs()).toEqual([]), 10_000); // the kernel frees them a little later
  }, 30_000);

  const entryOf = (object: string): string => `${lab.file(object)}:${P}entry`;
  const programs = (): number => lab.programs().length;

  /** What a form of the command changes, from one version to the other and back. */
  interface Form {
    /** The command for version 1 or 2. */
    readonly words: (version: 1 | 2) => readonly string[];
    /** Verdicts of everything that runs: each must be that of the version. */
    readonly verdicts: () => readonly number[];
    /** Entries whose directories hold one generation afterwards. */
    readonly entries: readonly (readonly ['hooks' | 'objects', string])[];
    readonly verdictOf?: (version: 1 | 2) => number;
  }

  /** Kills the command before each of its steps, alternately towards version 2 and version 1. */
  async function killEverywhere({ words, verdicts, entries, verdictOf = v => 10 + v }: Form): Promise<void> {
    const counted = programs();
    let running: 1 | 2 = 1;
    const seen = new Set<string>();
    for (let step = STEPS.first; ; step += STEPS.stride) {
      expect(step).toBeLessThan(400);
      const next: 1 | 2 = running === 1 ? 2 : 1;
      const { code, out, err }: Run = await lab.killed(step, words(next));
      const after = verdicts();
      for (const verdict of after)
        expect([verdictOf(1), verdictOf(2)], `step ${step}: ${err}`).toContain(verdict);
      if (code === 0) {
        expect(after).toEqual(after.map(() => verdictOf(next)));
        break;
      }
      expect([step, code, out + err]).toEqual([step, 'SIGKILL', '']);
      for (const verdict of after) seen.add(verdict === verdictOf(running) ? 'old' : 'new');
      if (after.some(verdict => verdict !== verdictOf(running))) {
        // who only looks finishes what had begun, or takes it back
        lab.rootlet('ps');
        for (const verdict of verdicts())
          expect([verdictOf(1), verdictOf(2)], `step ${step}, afterwards`).toContain(verdict);
      }
      // the next command succeeds, wherever the one before ended, and leaves nothing of it
      running = step % 2 === 1 ? next : running;
      lab.rootlet(...words(running));
      const settled = verdicts();
      expect([step, settled]).toEqual([step, settled.map(() => verdictOf(running))]);
      for (const [kind, name] of entries)
        expect([step, lab.generations(kind, name).length]).toEqual([step, 1]);
      await vi.waitFor(() => expect([step, programs()]).toEqual([step, counted]), 10_000);
    }
    if (STEPS.all) expect([...seen].sort()).toEqual(['new', 'old']);
    expect(seen).toContain('old');
    for (const [kind, name] of entries) expect(lab.generations(kind, name)).toHaveLength(1);
  }

  const onHook = (): number[] => [lab.judge(), lab.judge()];

  test('replace NAME FILE of an attached program', async () => {
    lab.attachProgram('part', `${P}entry`);
    await killEverywhere({
      words: version => ['replace', 'R', entryOf(version === 1 ? 'part' : 'part.v2')],
      verdicts: onHook,
      entries: [['hooks', 'R']],
    });
  }, 300_000);

  describe.each(['static', 'tail'])('%s', via => {
    const start = (): void => {
      lab.attach('host', '--slots', via);
      lab.rootlet('replace', 'R', `s1=${entryOf('part')}`);
    };

    test('replace NAME SLOT=FILE', async () => {
      start();
      await killEverywhere({
        words: version => ['replace', 'R', `s1=${entryOf(version === 1 ? 'part' : 'part.v2')}`],
        verdicts: onHook,
        entries: [['hooks', 'R']],
      });
    }, 300_000);

    test('replace NAME FILE of a rootlet, together with its slot', async () => {
      start();
      await killEverywhere({
        words: version => [
          'replace',
          'R',
          lab.file(version === 1 ? 'host' : 'host.v2'),
          `s1=${entryOf(version === 1 ? 'part' : 'part.v2')}`,
        ],
        verdicts: onHook,
        entries: [['hooks', 'R']],
      });
    }, 300_000);
  });

  test('replace NAME FILE of a loaded object, with a consumer by copy and one by tail', async () => {
    lab.rootlet('load', lab.file('lib'), '--name', 'lib');
    lab.rootlet('attach', 'xdp', 'va', lab.file('user'), '--mode', 'generic', '--name', 'R', '--via', 'copy');
    lab.rootlet('load', lab.file('caller'), '--name', 'caller', '--via', 'tail');
    const caller = lab.programIds('object', 'caller').get(`${P}caller`) ?? 0; // stays, whatever is in its slot
    await killEverywhere({
      words: version => ['replace', 'lib', lab.file(version === 1 ? 'lib' : 'lib.v2')],
      verdicts: () => [lab.judge(), judgeBy(caller)],
      entries: [
        ['hooks', 'R'],
        ['objects', 'lib'],
        ['objects', 'caller'],
      ],
    });
  }, 300_000);
});
