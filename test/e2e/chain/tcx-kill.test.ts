/**
 * A change of a tcx chain that is killed before any system call that changes something: each member runs in its old or its
 * new version, no packet misses one that stays, and the next command leaves nothing over. And writers at the same time.
 */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { listIds, openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { needs } from '../../support/needs.ts';
import type { SteppedCommand } from '../../support/stepped-command.ts';
import { stepsOfToday } from '../../support/steps.ts';
import { kernel } from '../slots/support.ts';
import { member, TcxLab, type Wanted } from './tcx-lab.ts';

const { first: FIRST, stride: STRIDE } = stepsOfToday(3, 5);

/** By its name: other tests load programs at the same time. */
function isOfTest(id: number): boolean {
  const fd = openById(kernel, 'program', id);
  if (fd === undefined) return false;
  using program = BpfProgram.adopt(kernel, fd);
  return /^k[123]$/.test(program.name);
}

needs('bpf', 'ip', 'clang').describe('a killed change of a tcx chain', () => {
  let lab: TcxLab;
  let worker: SteppedCommand;
  beforeAll(async () => {
    lab = new TcxLab('tcxk');
    worker = await TcxLab.worker();
    lab.compile({
      k1: member(1, { program: 'k1' }),
      k2: member(2, { program: 'k2' }),
      k2v2: member(2, { program: 'k2', more: '__u64 added;' }),
      k3: member(3, { program: 'k3' }),
      check: member(4, { program: 'check', need: 2 }),
      ...Object.fromEntries([...'abcdefgh'].map(name => [`w${name}`, member(1, { program: `w${name}` })])),
    });
  });
  afterAll(() => {
    lab.close();
    worker.remove();
  });
  afterEach(() => lab.reset());

  const named = (...names: readonly string[]): Wanted[] => names.map(name => ({ name, program: name }));
  const entries = (): string[] =>
    lab.context.store.list().map(({ name }) => name.replace('tc-va-ingress-', ''));
  const programs = (): number => listIds(kernel, 'program').filter(isOfTest).length;

  /** Kills the change from `before` to `after` and back before each of its steps. */
  async function killEverywhere(before: readonly Wanted[], after: readonly Wanted[]): Promise<void> {
    const keeps = before
      .filter(({ name }) => after.some(other => other.name === name))
      .map(({ name }) => name);
    lab.apply(before);
    for (let step = FIRST, direction = 0; ; step += STRIDE, direction++) {
      expect(step).toBeLessThan(400);
      const [from, to] = direction % 2 === 0 ? [before, after] : [after, before];
      lab.apply(from);
      const settled = lab.rows().length;
      const { code, err } = await lab.work(worker, { kind: 'set', members: to }, step);
      expect([0, 'SIGKILL'], err).toContain(code);
      // at once, before anything of it is tidied up: all that stay are there
      const there = lab.rows().length;
      expect(there, `step ${step}`).toBeGreaterThanOrEqual(Math.min(settled, to.length));
      // who only looks opens the store, and with it finishes or removes what is half done
      const order = lab.order();
      expect(order.filter(name => name.includes('lost'))).toEqual([]);
      for (const name of keeps) expect(order, `step ${step}`).toContain(name);
      expect(new Set(order).size, `step ${step}: ${order.join()}`).toBe(order.length);
      expect(
        lab.read().state.members.every(({ foreign }) => foreign !== true),
        `step ${step}`,
      ).toBe(true);
      expect(lab.rows().length, `step ${step}`).toBe(order.length);
      expect(entries().sort()).toEqual([...order].sort());
      lab.apply(to);
      expect(lab.order()).toEqual(to.map(({ name }) => name));
      expect(lab.apply(to).steps).toEqual([]);
      if (code === 0) break;
    }
    lab.reset();
  }

  const cases: readonly (readonly [string, readonly Wanted[], readonly Wanted[]])[] = [
    ['load and unload', named('k1', 'check'), named('k1', 'k2', 'check')],
    [
      'replace',
      [{ name: 'k2' }, { name: 'check' }].map(one => ({ ...one, program: one.name })),
      [
        { name: 'k2', object: 'k2v2', program: 'k2' },
        { name: 'check', program: 'check' },
      ],
    ],
    ['order', named('k2', 'k1', 'k3'), named('k1', 'k3', 'k2')],
  ];
  test.each(cases)(
    '%s',
    async (_, before, after) => {
      const loaded = programs();
      await killEverywhere(before, after);
      await vi.waitFor(() => expect(programs()).toBeLessThanOrEqual(loaded), 10_000);
    },
    300_000,
  );

  test('under traffic no packet misses a member that is replaced or moved', async () => {
    const first = named('k1', 'k2', 'check', 'k3');
    lab.apply(first);
    const traffic = lab.traffic();
    try {
      await vi.waitFor(() => expect(lab.hits('check')).toBeGreaterThan(100), 10_000);
      for (let round = 0; round < 4; round++) {
        lab.apply(named('k2', 'k1', 'check', 'k3'));
        lab.apply([{ name: 'k2', object: 'k2v2', program: 'k2' }, ...named('k1', 'check', 'k3')]);
        lab.apply(named('k2', 'check', 'k3', 'k1'));
        lab.apply(first);
      }
      const before = lab.hits('check');
      await vi.waitFor(() => expect(lab.hits('check')).toBeGreaterThan(before + 100), 10_000);
    } finally {
      traffic.stop();
    }
    expect(lab.stat('check', 'missed')).toBe(0);
    // state was kept through every version and every place: no packet of the whole run is missing
    expect(lab.hits('k2')).toBeGreaterThanOrEqual(lab.hits('check'));
    expect(lab.stat('k2', 'seen')).toBeGreaterThan(0);
  }, 60_000);

  test('four writers at the same time: all succeed, and all members are there in order', async () => {
    const names = ['wa', 'wb', 'wc', 'wd', 'we', 'wf', 'wg', 'wh'];
    const writer = async (mine: readonly string[]): Promise<void> => {
      for (const name of mine) {
        const priority = 100 - name.charCodeAt(1); // some below 0
        expect(await lab.work(worker, { kind: 'add', member: { name, priority } })).toEqual({
          code: 0,
          err: '',
        });
      }
      expect(await lab.work(worker, { kind: 'remove', name: mine[0] ?? '' })).toEqual({ code: 0, err: '' });
    };
    await Promise.all([0, 2, 4, 6].map(at => writer(names.slice(at, at + 2))));
    expect(lab.order()).toEqual(['wh', 'wf', 'wd', 'wb']);
    expect(entries()).toEqual(['wb', 'wd', 'wf', 'wh']);
  }, 60_000);

  test('another tool attaches and detaches all the time: members keep their order', async () => {
    lab.apply(named('k1')); // an empty hook has no revisions
    const stop = lab.disturb(worker, { name: 'wa', priority: 1 });
    try {
      const { revision = 0n } = lab.programs() ?? {};
      await vi.waitFor(() => expect(lab.programs()?.revision).toBeGreaterThan(revision + 4n), 10_000);
      for (let round = 0; round < 6; round++) {
        lab.apply(named('k1', 'k2', 'k3'));
        lab.apply(named('k3', 'k1'));
      }
      lab.apply(named('k1', 'k2', 'k3'));
    } finally {
      await stop();
    }
    const own = lab.read().state.members.filter(({ foreign }) => foreign !== true);
    expect(own.map(({ name }) => name)).toEqual(['k1', 'k2', 'k3']);
  }, 60_000);
});
