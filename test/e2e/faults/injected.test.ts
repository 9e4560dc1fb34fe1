/**
 * Every call to the kernel that a command makes fails once. What failed before the switch leaves the old code, what fails
 * after it leaves the new one and ends with 5; nothing is left open or half done, and the next command completes the rest.
 *
 * ROOTLET_TEST_ALL_STEPS=1 takes all forms of the command and all calls that change something, and a third of the
 * others (ROOTLET_TEST_OTHERS: one of so many); ROOTLET_TEST_FORMS chooses forms by a regular expression, ROOTLET_TEST_CALLS=500-560 takes these calls of each,
 * ROOTLET_TEST_ERRNOS=1,4 these errnos for each call (all for every errno; default one after the other), and
 * ROOTLET_TEST_LOG is a file for the findings.
 */

import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as errno from '../../../src/uapi/errno.ts';
import { needs } from '../../support/needs.ts';
import { SOURCES } from './form-sources.ts';
import { formsOf } from './forms.ts';
import { FaultLab, type Form } from './lab.ts';

const {
  ROOTLET_TEST_ALL_STEPS,
  ROOTLET_TEST_CALLS,
  ROOTLET_TEST_ERRNOS,
  ROOTLET_TEST_FORMS,
  ROOTLET_TEST_LOG,
} = process.env;
const ALL = ROOTLET_TEST_ALL_STEPS === '1';
/** Of the calls of a form every so many: each costs several commands. */
const STRIDE = 37;
const USUAL =
  /^(load|load --pin|unload of pins|attach (xdp|tc|tcx)|detach (xdp|tc)|replace (xdp|tc)|ps|xdp status)$/;
/** In a run of all: of calls that change nothing. */
const OTHERS = Number(process.env['ROOTLET_TEST_OTHERS'] ?? 3);
const ERRNOS = [
  errno.EPERM,
  errno.ENOMEM,
  errno.ENOSPC,
  errno.EMFILE,
  errno.EAGAIN,
  errno.EBUSY,
  errno.EINTR,
];

const given = ROOTLET_TEST_ERRNOS === 'all' ? ERRNOS : ROOTLET_TEST_ERRNOS?.split(',').map(Number);
let turn = 0;
/** Those that a call fails with, one run for each. */
const errnosOf = (): readonly number[] => given ?? ERRNOS.slice(turn++ % ERRNOS.length).slice(0, 1);

/** Calls that change something. */
const CHANGES =
  /_(CREATE|UPDATE|UPDATE_ELEM|DELETE_ELEM|LOAD|PIN|ATTACH|DETACH|FREEZE|BIND_MAP)$|^(sendto|recvfrom|mkdir|rename|symlink|unlink|rmdir) ?/;

const [FIRST, LAST] = (ROOTLET_TEST_CALLS ?? '').split('-').map(Number);

const isChosen = (nth: number, call: string): boolean => {
  if (LAST !== undefined) return nth >= Number(FIRST) && nth <= LAST;
  return ALL ? CHANGES.test(call) || nth % OTHERS === 0 : nth % STRIDE === 0;
};

const isWanted = ({ name }: Form): boolean =>
  ROOTLET_TEST_FORMS === undefined ? ALL || USUAL.test(name) : new RegExp(ROOTLET_TEST_FORMS).test(name);

needs('root', 'bpf', 'ip', 'clang').describe('a call that fails', () => {
  let lab: FaultLab;
  beforeAll(async () => {
    lab = new FaultLab('faults');
    await lab.prepare(SOURCES);
    lab.enter();
  }, 120_000);
  afterAll(() => lab.close());

  test('in every command', async () => {
    for (const form of formsOf(lab).filter(isWanted)) {
      const begin = lab.findings.length;
      const runs = lab.runs;
      const calls = await lab.attack(form, (nth, call) => (isChosen(nth, call) ? errnosOf() : []));
      log(`# ${form.name}: ${calls} calls, ${lab.runs - runs} runs\n`, lab.findings.slice(begin));
    }
    expect(lab.findings).toEqual([]);
    if (LAST === undefined) expect(lab.runs).toBeGreaterThan(20);
  }, 7_200_000);
});

function log(title: string, findings: readonly unknown[]): void {
  if (ROOTLET_TEST_LOG === undefined) return;
  const lines = findings.map(one => `${JSON.stringify(one)}\n`);
  appendFileSync(ROOTLET_TEST_LOG, title + lines.join(''));
}
