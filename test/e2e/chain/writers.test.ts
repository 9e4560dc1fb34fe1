/**
 * Many processes change one chain at the same time, and another tool takes it away: each succeeds or reports what is in
 * its way, and what runs in the end is what a serial order of them makes.
 */

import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { FileLock } from '../../../src/kernel/sys/lock.ts';
import { missing, needs } from '../../support/needs.ts';
import { bundleCommand, type SteppedCommand } from '../../support/stepped-command.ts';
import { kernel } from '../slots/support.ts';
import type { JobEdit } from './driver.ts';
import { ChainLab, DRIVER, type Ended, IFACE } from './lab.ts';
import { small } from './members.ts';

const WRITERS = 8;

needs('bpf', 'ip', 'clang').describe('processes that change one chain', () => {
  let lab: ChainLab;
  let driver: SteppedCommand;
  beforeAll(async () => {
    driver = await bundleCommand(DRIVER);
    lab = new ChainLab('cw');
    lab.compile({ m: small(), theirs: small({ program: 'theirs' }) });
  }, 30_000);
  afterEach(() => lab.reset());
  afterAll(() => {
    lab.close();
    driver.remove();
  });

  const load = (name: string): JobEdit => ({ kind: 'load', members: [lab.jobMember('m', { name })] });
  const start = (edits: readonly JobEdit[], more: { readonly times?: number } = {}): Promise<Ended[]> =>
    Promise.all(edits.map(edit => lab.spawn(driver, { edit, lockTimeout: 60_000, ...more })));

  /** Members after each change that succeeded. */
  const outcomes = (ended: readonly Ended[]): string[][] =>
    ended.flatMap(({ results }) => results.flatMap(({ ok, names }) => (ok ? [[...(names ?? [])]] : [])));
  const errors = (ended: readonly Ended[]): string[] =>
    ended.flatMap(({ err, results }) => [
      ...(err === '' ? [] : [err]),
      ...results.flatMap(({ ok, code, message }) => (ok ? [] : [`${code}: ${message}`])),
    ]);

  test('eight add a member each: all of them run', async () => {
    const names = Array.from({ length: WRITERS }, (_, at) => `w${at}`);
    const ended = await start(names.map(load));
    expect(errors(ended)).toEqual([]);
    const lengths = outcomes(ended).map(one => one.length);
    expect(lengths.sort((a, b) => a - b)).toEqual(names.map((_, at) => at + 1)); // one after the other
    expect([...lab.names].sort()).toEqual(names);
  }, 120_000);

  test('eight add, replace, remove and order: the chain is what the one that was last made it', async () => {
    lab.load(['a', 'b', 'c'].map(name => lab.member('m', { name })));
    const ended = await start([
      load('w0'),
      load('w1'),
      { kind: 'replace', name: 'a', member: lab.jobMember('theirs', { program: 'theirs' }) },
      { kind: 'unload', members: ['b'] },
      { kind: 'unload', members: ['c'] },
      { kind: 'replace', name: 'a', member: lab.jobMember('m') },
      load('w2'),
      { kind: 'unload', members: ['a'] },
    ]);
    const refused = errors(ended);
    for (const error of refused) expect(error).toMatch(/^chain-no-member: there is no member "a"/); // it was removed first
    expect([...lab.names].sort()).toEqual(['w0', 'w1', 'w2']);
    expect(lab.entries().filter(path => /hooks\/[^/]+$/.test(path))).toHaveLength(1);
  }, 120_000);

  test('who waits too long for the lock is given the process that holds it', async () => {
    lab.load([lab.member('m')]);
    using _held = FileLock.take(kernel, lab.root);
    const [ended] = await Promise.all([lab.spawn(driver, { edit: load('w'), lockTimeout: 50 })]);
    expect(ended.results).toMatchObject([{ ok: false, code: 'kernel-lock-busy' }]);
    expect(ended.results[0]?.message).toMatch(new RegExp(`is locked by process ${process.pid} \\(.*node`));
    expect(lab.names).toEqual(['m']);
  }, 60_000);

  test.skipIf(missing('xdp-tools') !== undefined)(
    'eight writers beside xdp-loader: what it attaches is foreign, what it removes is gone',
    async () => {
      const names = Array.from({ length: WRITERS }, (_, at) => `w${at}`);
      let done = false;
      const loader = xdpLoader(lab, () => done);
      const ended = await start(names.map(load), { times: 1 });
      done = true;
      const rounds = await loader;
      expect(rounds).toBeGreaterThan(0);
      for (const error of errors(ended))
        expect(error).toMatch(/^(chain-foreign|hook-changed|kernel-xdp-changed|attach-gone): .*va/);
      const all = outcomes(ended);
      // members are only added: what two of them found is one beside more, or the chain was taken away between them
      for (const [at, one] of all.entries())
        for (const other of all.slice(at + 1)) {
          const common = one.filter(name => other.includes(name)).length;
          expect([0, one.length, other.length]).toContain(common);
        }
      const { kind, members } = lab.read();
      const ran = new Set(all.flat());
      for (const { name } of members) expect([...ran, ...names]).toContain(name);
      // and the next command continues, whatever is there
      if (kind !== 'chain') lab.load([lab.member('m', { name: 'after' })], { force: true });
      else lab.load([lab.member('m', { name: 'after' })]);
      expect(lab.names).toContain('after');
      lab.unload('all');
      expect([lab.running, lab.entries()]).toEqual([0, []]);
    },
    120_000,
  );
});

/** Runs the real tool again and again: status, unload of all, load. Number of rounds. */
async function xdpLoader(lab: ChainLab, isDone: () => boolean): Promise<number> {
  const run = (...words: readonly string[]): Promise<void> => {
    // a /run of its own: all runs of the tool on a machine share one lock file
    const script = 'mount -t tmpfs none /run && exec xdp-loader "$@"';
    const argv = ['netns', 'exec', lab.wire.name, 'sh', '-c', script, 'sh', ...words];
    const child = spawn('ip', argv, { stdio: 'ignore', env: { ...process.env, LIBXDP_BPFFS: lab.bpffs } });
    return new Promise(resolve => child.once('close', () => resolve()));
  };
  let rounds = 0;
  for (; !isDone(); rounds++) {
    await run('status', IFACE);
    await run('unload', IFACE, '-a');
    await run('load', '-m', 'native', IFACE, lab.file('theirs'));
    await run('unload', IFACE, '-a');
  }
  return rounds;
}
