/**
 * Every call to the kernel that a command makes fails once. What failed before the switch leaves the old code, what fails
 * after it leaves the new one and ends with 5; nothing is left open or half done, and the next command completes the rest.
 */

import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as errno from '../../../src/uapi/errno.ts';
import { needs } from '../../support/needs.ts';
import { formsOf, SOURCES } from './forms.ts';
import { FaultLab } from './lab.ts';

const { CI, ROOTLET_TEST_ALL_STEPS, ROOTLET_TEST_FORMS, ROOTLET_TEST_LOG } = process.env;
const STRIDE = ROOTLET_TEST_ALL_STEPS === '1' ? 1 : CI === 'true' ? 29 : 41;
const ERRNOS = [
  errno.EPERM,
  errno.ENOMEM,
  errno.ENOSPC,
  errno.EMFILE,
  errno.EAGAIN,
  errno.EBUSY,
  errno.EINTR,
];

/** Calls that change something, which all fail in a whole run; of the others a third. */
const CHANGES =
  /_(CREATE|UPDATE|UPDATE_ELEM|DELETE_ELEM|LOAD|PIN|ATTACH|DETACH|FREEZE|BIND_MAP)$|^(sendto|recvfrom|mkdir|rename|symlink|unlink|rmdir) ?/;

needs('bpf', 'ip', 'clang').describe('a call that fails', () => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = new FaultLab('faults');
    await lab.prepare(SOURCES);
  }, 60_000);
  afterAll(() => lab.close());

  test('in every command', async () => {
    lab.enter();
    for (const form of formsOf(lab)) {
      if (ROOTLET_TEST_FORMS !== undefined && !new RegExp(ROOTLET_TEST_FORMS).test(form.name)) continue;
      const begin = lab.findings.length;
      let at = 0;
      const runs = lab.runs;
      const isChosen = (nth: number, call: string): boolean =>
        STRIDE > 1 ? nth % STRIDE === 0 : CHANGES.test(call) || nth % 3 === 0;
      console.error(new Date().toISOString(), form.name);
      const calls = await lab.attack(form, (nth, call) =>
        isChosen(nth, call) ? [ERRNOS[at++ % 7] ?? 0] : [],
      );
      if (ROOTLET_TEST_LOG === undefined) continue;
      const found = lab.findings
        .slice(begin)
        .map(one => `${JSON.stringify(one)}\n`)
        .join('');
      appendFileSync(ROOTLET_TEST_LOG, `# ${form.name}: ${calls} calls, ${lab.runs - runs} runs\n${found}`);
    }
    expect(lab.findings).toEqual([]);
  }, 36_000_000);
});
