/**
 * A call that fails while externs that wait for a new object are bound to it. Separate from injected.test.ts: the next
 * command does not complete what is left, but loading the object again does.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../../src/diag/problem.ts';
import { ENOMEM } from '../../../src/uapi/errno.ts';
import type { InjectedRun } from '../../support/injector.ts';
import { needs } from '../../support/needs.ts';
import { SOURCES } from './forms.ts';
import { FaultLab, PREFIX } from './lab.ts';

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
    await lab.must(['unload', 'lib']); // as the hint has it
    await lab.must(load());
    expect(verdict()).toBe(BOUND);
  }, 120_000);
});
