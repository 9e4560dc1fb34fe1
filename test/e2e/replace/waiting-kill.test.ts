/**
 * An object that others wait for is loaded by a process that is killed before any system call that changes something:
 * a slot is filled if and only if the record has its binding, once the next command has opened the store, and replacing
 * the object by itself binds what still waits. Then other versions of it: slots that were filled later are of one version
 * with the rest. Separate from kill.test.ts, whose slots are all of providers.
 */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { stepsOfToday } from '../../support/steps.ts';
import { judgeBy, Lab } from './lab.ts';
import { HEAD } from './sources.ts';

const P = 'rw_';
const STEPS = stepsOfToday(31, 37);
/** XDP_PASS until the functions are there, and their verdicts. */
const [WAITING, FIRST, SECOND] = [2, 11, 12];

/** What version 2 returns is `NEXT` more. */
const NEXT = 10;

const library = (added: number): string => `${HEAD}
__u64 seen;
__attribute__((noinline)) int first(struct xdp_md *ctx) { seen++; return ctx ? ${FIRST + added} : 0; }
__attribute__((noinline)) int second(struct xdp_md *ctx) { seen++; return ctx ? ${SECOND + added} : 0; }`;
const caller = (extern: string): string =>
  `extern int ${extern}(struct xdp_md *ctx); SEC("xdp") int ${P}${extern}(struct xdp_md *ctx) { return ${extern}(ctx); }`;

interface Row {
  readonly extern: string;
  readonly provider: string;
}

needs('bpf', 'ip', 'clang').describe('a provider that is waited for', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(P);
    lab.compile({
      lib: library(0),
      'lib.v2': library(NEXT),
      two: `${HEAD}\n${caller('first')}\n${caller('second')}`,
      hooked: `${HEAD}\n${caller('first')}`,
    });
  });
  afterAll(() => lab.close());
  afterEach(async () => {
    lab.reset();
    await vi.waitFor(() => expect(lab.programs()).toEqual([]), 10_000);
  }, 30_000);

  const load = () => ['load', lab.file('lib'), '--name', 'lib'];

  function begin(): void {
    lab.rootlet('load', lab.file('two'), '--name', 'two', '--lazy');
    lab.attach('hooked', '--lazy');
    expect(verdicts()).toEqual([WAITING, WAITING, WAITING]);
  }

  /** Of the programs of the object, and of the one on the hook. */
  function verdicts(): number[] {
    const ids = lab.programIds('object', 'two');
    return [...['first', 'second'].map(name => judgeBy(ids.get(`${P}${name}`) ?? 0)), lab.judge()];
  }

  /** The same by the records. */
  function recorded(): number[] {
    const rows = ['two', 'R'].flatMap(name => {
      const { data } = lab.entry(name === 'R' ? 'hook' : 'object', name).record;
      const { bindings } = data['dynamic'] as unknown as { readonly bindings: readonly Row[] };
      return bindings;
    });
    return rows.map(({ extern, provider }) =>
      provider === '' ? WAITING : extern === 'first' ? FIRST : SECOND,
    );
  }

  test('is loaded by a process that is killed', async () => {
    begin();
    lab.rootlet(...load());
    const [bound, counted] = [verdicts(), lab.programs().length];
    expect(bound).toEqual([FIRST, SECOND, FIRST]);
    lab.reset();

    const seen = new Set<string>();
    for (let step = STEPS.first; ; step += STEPS.stride) {
      expect(step).toBeLessThan(400);
      begin();
      const { code, out, err } = await lab.killed(step, load());
      if (code === 0) break;
      expect([step, code, out + err]).toEqual([step, 'SIGKILL', '']);
      lab.rootlet('ps');
      const found = verdicts();
      expect([step, found]).toEqual([step, recorded()]);
      seen.add(found.join());
      const isLoaded = lab.tree().some(path => path.endsWith('objects/lib/current -> 1'));
      lab.rootlet(...(isLoaded ? ['replace', 'lib', lab.file('lib')] : load()));
      expect([step, verdicts(), recorded()]).toEqual([step, bound, bound]);
      const generations = [lab.generations(), lab.generations('objects', 'two')];
      expect([step, ...generations.map(all => all.length)]).toEqual([step, 1, 1]);
      await vi.waitFor(() => expect([step, lab.programs().length]).toEqual([step, counted]), 10_000);
      lab.reset();
    }
    if (STEPS.all) expect([...seen].sort()).toEqual(['11,12,11', '11,12,2', '2,2,2']);
    expect(seen).toContain('2,2,2');
  }, 600_000);

  test('gets another version from a process that is killed', async () => {
    begin();
    lab.rootlet(...load());
    const counted = lab.programs().length;
    const versions = [0, NEXT].map(added => [FIRST + added, SECOND + added, FIRST + added]);
    const replace = (version: number) => ['replace', 'lib', lab.file(version === 0 ? 'lib' : 'lib.v2')];
    let running = 0;
    for (let step = STEPS.first; ; step += STEPS.stride) {
      expect(step).toBeLessThan(400);
      const { code } = await lab.killed(step, replace(1 - running));
      lab.rootlet('ps');
      const found = versions.findIndex(version => version.join() === verdicts().join());
      expect([step, verdicts(), found]).toEqual([step, verdicts(), found < 0 ? 'of one version' : found]);
      if (code === 0) break;
      running = step % 2 === 0 ? 1 - running : running;
      lab.rootlet(...replace(running));
      expect([step, verdicts()]).toEqual([step, versions[running]]);
      await vi.waitFor(() => expect([step, lab.programs().length]).toEqual([step, counted]), 10_000);
    }
  }, 600_000);
});
