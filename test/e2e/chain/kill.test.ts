/**
 * A process that is killed before any system call that changes something leaves the old chain or the new one, whole, for
 * every packet; the next change of any kind continues, the second one of the same kind changes nothing, and nothing is
 * left over.
 */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { bundleCommand, type SteppedCommand } from '../../support/stepped-command.ts';
import { stepsOfToday } from '../../support/steps.ts';
import type { Job } from './driver.ts';
import { ChainLab, DRIVER } from './lab.ts';
import { Trails, tracer } from './trails.ts';

const { first: FIRST, stride: STRIDE } = stepsOfToday(7, 9);

needs('bpf', 'ip', 'clang', 'gcc').describe('a change that is killed', () => {
  let lab: ChainLab;
  let trails: Trails;
  let driver: SteppedCommand;
  beforeAll(async () => {
    driver = await bundleCommand(DRIVER);
    lab = new ChainLab('ck');
    const sources = [...'ABCF'].map(letter => [letter, tracer(letter)] as const);
    lab.compile({ ...Object.fromEntries(sources), 'B.v2': tracer('b') });
    trails = new Trails(lab);
    await trails.start();
  }, 30_000);
  afterEach(() => lab.reset());
  afterAll(async () => {
    await trails.stop();
    trails.close();
    lab.close();
    driver.remove();
  });

  const at = (name: string, priority: number, of = name) => ({ name, priority, of });
  type Placed = ReturnType<typeof at>;
  const requests = (members: readonly Placed[]) =>
    members.map(({ name, priority, of }) => lab.member(of, { name, priority }));
  const jobs = (members: readonly Placed[]) =>
    members.map(({ name, priority, of }) => lab.jobMember(of, { name, priority }));
  const [A, B, C] = [at('A', 10), at('B', 20), at('C', 30)];

  /** The chain as it is to be, whatever ran before. */
  function restore(members: readonly Placed[]): boolean {
    if (members.length > 0) return lab.change({ kind: 'set', members: requests(members) }).changed;
    const { kind } = lab.read();
    if (kind === 'chain') lab.unload('all');
    return kind === 'chain';
  }

  /** Changes of several kinds that work on any chain; each may be the first after a kill. */
  const recoveries: readonly ((members: readonly Placed[]) => void)[] = [
    restore,
    () => lab.load([lab.member('C', { name: 'extra', priority: 90 })]),
    () => restore([]),
    () => {
      const { names } = lab;
      if (names.length > 0) lab.order(...names.reverse());
    },
    () => {
      const [name] = lab.names;
      if (name !== undefined) lab.replace(name, 'C');
    },
    () => {
      const [name] = lab.names;
      if (name !== undefined) lab.unload([name]);
    },
  ];

  /** What is below the bpf file system, without the numbers of generations. */
  const leftovers = (): string[] => lab.entries().map(path => path.replace(/\/\d+(?=\/|$)|-> \d+/g, '/N'));

  interface Form {
    readonly before: readonly Placed[];
    readonly job: Omit<Job, 'root' | 'interface'>;
    /** Trails of packets, before and after. */
    readonly trails: readonly [before: string, after: string];
    /** Makes what is there before; default: a chain of `before`. */
    readonly start?: () => void;
  }

  async function killEverywhere({ before, job, trails: [old, next], start }: Form): Promise<number> {
    const begin = start ?? (() => restore(before));
    begin();
    const clean = start === undefined ? leftovers() : [];
    trails.take();
    const seen = new Set<string>();
    for (let step = FIRST; ; step += STRIDE) {
      const { killed, err, code, results } = await lab.spawn(driver, job, {
        ROOTLET_TEST_KILL: String(step),
      });
      const during = [...trails.take().keys()];
      for (const trail of during) expect([old, next], `step ${step}`).toContain(trail);
      for (const trail of during) seen.add(trail === old ? 'old' : 'new');
      if (!killed) {
        expect([code, err, results.map(({ ok, message }) => message ?? ok)]).toEqual([0, '', [true]]);
        await vi.waitFor(() => expect([...trails.take().keys()]).toEqual([next]), 5000);
        seen.add('new');
        expect([...seen].sort()).toEqual(['new', 'old']);
        return step;
      }
      // who only looks sees one of both
      const { kind } = lab.read();
      if (start === undefined) expect(['chain', 'none']).toContain(kind);
      if (kind !== 'foreign') recoveries[Math.floor(step / STRIDE) % recoveries.length]?.(before);
      if (start !== undefined) {
        if (lab.read().kind === 'chain') lab.unload('all');
        expect([step, leftovers()]).toEqual([step, []]);
        if (lab.read().kind === 'none') start();
      } else {
        restore(before);
        const { running } = lab;
        expect([step, restore(before), lab.running]).toEqual([step, false, running]);
        expect([step, leftovers()]).toEqual([step, clean]);
      }
      trails.take();
    }
  }

  const forms: readonly (readonly [string, () => Form])[] = [
    [
      'load, the first member',
      () => ({ before: [], job: { edit: { kind: 'load', members: jobs([A]) } }, trails: ['', 'A'] }),
    ],
    [
      'load, a further one',
      () => ({ before: [A, C], job: { edit: { kind: 'load', members: jobs([B]) } }, trails: ['AC', 'ABC'] }),
    ],
    [
      'replace',
      () => ({
        before: [A, B],
        job: { edit: { kind: 'replace', name: 'B', member: lab.jobMember('B.v2') } },
        trails: ['AB', 'Ab'],
      }),
    ],
    [
      'order',
      () => ({
        before: [A, B, C],
        job: { edit: { kind: 'order', names: ['C', 'A', 'B'] } },
        trails: ['ABC', 'CAB'],
      }),
    ],
    [
      'unload of one',
      () => ({ before: [A, B, C], job: { edit: { kind: 'unload', members: ['B'] } }, trails: ['ABC', 'AC'] }),
    ],
    [
      'unload of all',
      () => ({ before: [A, B], job: { edit: { kind: 'unload', members: 'all' } }, trails: ['AB', ''] }),
    ],
    [
      'adopt',
      () => ({
        before: [],
        start: () => {
          lab.attachForeign('F', 'xdpdrv');
        },
        job: { edit: { kind: 'load', members: jobs([A]) }, options: { adopt: true } },
        trails: ['F', 'FA'],
      }),
    ],
  ];

  test.each(forms)(
    '%s',
    async (_, form) => {
      const steps = await killEverywhere(form());
      expect(steps).toBeGreaterThan(5);
    },
    1_200_000, // every step takes minutes
  );
});
