/**
 * A call that fails while externs that wait for a new object are bound to it. Separate from injected.test.ts: the next
 * command does not complete what is left, but replacing the object by itself does.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { elementAt } from '../../../src/bytes/at.ts';
import { EXIT } from '../../../src/diag/problem.ts';
import { EAGAIN, EBUSY, EINTR, EMFILE, ENOMEM, ENOSPC, EPERM } from '../../../src/uapi/errno.ts';
import type { InjectedRun } from '../../support/injector.ts';
import { needs } from '../../support/needs.ts';
import { stepsOfToday } from '../../support/steps.ts';
import { SOURCES } from './form-sources.ts';
import { FaultLab, PREFIX } from './lab.ts';

const ERRNOS = [EPERM, ENOMEM, ENOSPC, EMFILE, EAGAIN, EBUSY, EINTR];
const STEPS = stepsOfToday(37, 41);

/** XDP_PASS until the function is there, and the verdict of the function. */
const [WAITING, BOUND] = [2, 11];

needs('root', 'bpf', 'ip', 'clang').describe('a provider that is waited for', () => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = new FaultLab('waiting');
    const { lib = '', caller = '' } = SOURCES;
    await lab.prepare({ lib, caller });
  }, 120_000);
  afterAll(() => lab.close());

  const load = () => ['load', lab.file('lib'), '--name', 'lib', '--json'];
  const verdict = (): number => lab.pinnedVerdict('caller', `${PREFIX}caller`);

  /** The consumer waits, and the provider is not loaded. */
  async function begin(): Promise<void> {
    for (const name of ['lib', 'caller']) await lab.run(['unload', name, '--force']);
    await lab.must(['load', lab.file('caller'), '--name', 'caller', '--lazy']);
    expect(verdict()).toBe(WAITING);
  }

  /** Where entries are read once the provider is saved, by one call after the other. */
  async function failing(): Promise<InjectedRun> {
    await begin();
    const { calls } = await lab.must(load());
    expect(verdict()).toBe(BOUND);
    const saved = calls.findIndex(call => call.startsWith('rename '));
    expect(saved).toBeGreaterThan(0);
    for (let at = saved + 1; at < calls.length; at++) {
      if (!/^open .*\/objects$/.test(calls[at] ?? '')) continue;
      await begin();
      const run = await lab.run(load(), at + 1, ENOMEM);
      if (run.code !== EXIT.ok) return run;
    }
    throw new Error('no call fails after the switch');
  }

  test('is loaded, and the error reports that it is', async () => {
    const { code, out } = await failing();
    expect(code).toBe(EXIT.partial);
    const [problem] = JSON.parse(out).problems;
    expect(problem).toMatchObject({ code: 'load-incomplete', where: ['object "lib"'] });
    expect(problem.message).toContain('is loaded, but externs that wait for it could not be bound');
    expect([lab.hasEntry('objects', 'lib'), verdict()]).toEqual([true, WAITING]);

    const { out: listed } = await lab.must(['ps']);
    expect(listed).toContain('object "lib"');
    expect(problem.hint).toContain('rootlet replace lib FILE');
    const again = await lab.must(['replace', 'lib', lab.file('lib'), '--json']);
    expect(JSON.parse(again.out).waiting).toEqual([expect.stringContaining('judge')]);
    expect(verdict()).toBe(BOUND);
  }, 120_000);

  test('is bound or not, as its record has it, whichever call fails', async () => {
    await begin();
    const { calls } = await lab.must(load());
    for (let nth = STEPS.first; nth <= calls.length; nth += STEPS.stride) {
      await begin();
      const errno = elementAt(ERRNOS, nth % ERRNOS.length);
      const { code, out, err, failed } = await lab.run(load(), nth, errno);
      const what = `${nth} ${failed} ${errno}: ${code} ${out}${err}`;
      const isLoaded = lab.hasEntry('objects', 'lib');
      expect(
        [isLoaded ? [EXIT.ok, EXIT.partial] : [EXIT.input, EXIT.platform, EXIT.busy], what].flat(),
      ).toContain(code);
      const { bindings } = JSON.parse((await lab.must(['ps', '--bindings', '--json'])).out);
      const isBound = bindings.some((one: { readonly provider: string }) => one.provider === 'lib');
      expect([what, verdict()]).toEqual([what, isBound ? BOUND : WAITING]);
      if (code === EXIT.ok) expect([what, isBound]).toEqual([what, true]);
      await lab.must(isLoaded ? ['replace', 'lib', lab.file('lib')] : load());
      expect([what, verdict()]).toEqual([what, BOUND]);
    }
  }, 1_200_000);
});
