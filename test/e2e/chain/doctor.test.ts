/**
 * `rootlet doctor` after killed commands: whatever was left, it repairs with --fix what it announced, and a second run
 * finds nothing to do.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hooksForTests, TwoNamespaces } from '../../../src/hooks/testing.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { bundleCommand, type SteppedCommand } from '../../support/stepped-command.ts';
import { stepsOfToday } from '../../support/steps.ts';

const { kernel, missing } = hooksForTests();
const FIRST = 'examples/obj/el/first_firewall.bpf.o';
const SECOND = 'examples/obj/el/second_firewall.bpf.o';
/** Of all steps every so many: each needs several commands. */
const KILLS = stepsOfToday(11, 11);

interface Report {
  readonly chains: {
    readonly unknown: string | null;
    readonly repaired: readonly { readonly kind: string; readonly repairs: boolean }[];
    readonly troubles: readonly {
      readonly kind: string;
      readonly repairs: boolean;
      readonly detail: string;
    }[];
  };
}

describe.skipIf(missing !== undefined)(`doctor${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'doctor') : undefined;
  const mount = missing === undefined ? mountBpffs() : undefined;
  const store = join(mount?.path ?? '', 'store');
  let command: SteppedCommand | undefined;
  beforeAll(async () => {
    command = missing === undefined ? await bundleCommand() : undefined;
  });
  afterAll(() => {
    command?.remove();
    mount?.close();
    names?.close();
  });

  function rootlet(words: readonly string[], kill = 0) {
    const env = {
      ...process.env,
      ROOTLET_BPFFS: store,
      LIBXDP_BPFFS: mount?.path,
      ROOTLET_TEST_KILL: String(kill),
    };
    const run = [`--net=/run/netns/${names?.near}`, process.execPath, command?.path ?? '', ...words];
    return spawnSync('nsenter', run, { env, encoding: 'utf8' });
  }
  const doctor = (...more: string[]): Report['chains'] => {
    const { stdout, stderr } = rootlet(['doctor', '--json', ...more]);
    expect(stderr).toBe('');
    return (JSON.parse(stdout) as Report).chains;
  };
  const attached = () => names?.inside(() => readInterface(kernel, 'va').xdp.generic) ?? -1;
  const clear = () => {
    rootlet(['xdp', 'unload', 'va', '--all']);
    rootlet(['doctor', '--fix']);
  };

  /** After a kill before each step: what runs does not change, and the second repair does nothing. */
  function killedEverywhere(prepare: () => void, words: readonly string[]): number {
    let seen = 0;
    for (let step = KILLS.first; step < 200; step += KILLS.stride) {
      prepare();
      const killed = rootlet(words, step);
      if (killed.signal !== 'SIGKILL' && killed.status !== null && killed.status < 128) return seen;
      const runs = attached();
      const announced = doctor();
      const fixed = doctor('--fix');
      expect(fixed.repaired).toEqual(announced.troubles.filter(({ repairs }) => repairs));
      expect(fixed.troubles).toEqual(announced.troubles.filter(({ repairs }) => !repairs));
      expect(doctor('--fix')).toMatchObject({ unknown: null, repaired: [], troubles: [] });
      expect(attached()).toBe(runs);
      seen += announced.troubles.length;
      clear();
    }
    throw new Error('the command has no end');
  }

  test('a load that is killed', () => {
    killedEverywhere(() => {}, ['xdp', 'load', 'va', FIRST, SECOND, '--mode', 'skb']);
    clear();
  }, 300_000);

  test('a change that is killed', () => {
    const seen = killedEverywhere(
      () => rootlet(['xdp', 'load', 'va', FIRST, '--mode', 'skb']),
      ['xdp', 'load', 'va', SECOND],
    );
    if (KILLS.first === 1) expect(seen).toBeGreaterThan(0);
    clear();
  }, 300_000);

  test('the report says what is wrong, what is done, and what was done', () => {
    rootlet(['xdp', 'load', 'va', FIRST, '--mode', 'skb']);
    expect(rootlet(['doctor']).stdout).toContain('chains: nothing to repair');
    execFileSync('ip', ['-n', names?.near ?? '', 'link', 'set', 'dev', 'va', 'xdpgeneric', 'off']);
    const text = rootlet(['doctor']).stdout;
    expect(text).toMatch(
      /chains: 1 to repair\n.*its program was detached on interface "va"\n.*--fix will do: remove/,
    );
    expect(rootlet(['doctor', '--fix']).stdout).toMatch(
      /chains: 1 repaired, nothing left to repair\n.*repaired: .*\n.*done: remove/,
    );
    expect(rootlet(['doctor', '--fix']).stdout).toMatch(/chains: nothing to repair$/m);
  });
});
