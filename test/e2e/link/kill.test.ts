/**
 * A command that is killed before any file operation leaves each output as it was, or whole; what it leaves beside them
 * is removed by the next command that writes there, once it is unused for ten seconds.
 */

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleCommand, COMMAND, type SteppedCommand } from '../../support/stepped-command.ts';
import { stepsOfToday } from '../../support/steps.ts';

const STEPS = stepsOfToday(9, 11);
const OBJECTS = join(import.meta.dirname, '../../../examples/obj/el');
const CAPTURE = join(import.meta.dirname, '../../../examples/traffic.pcap');
const OLD = 'what was there before';

/** Words of a command with its outputs, in the directory of the test. */
const COMMANDS: readonly (readonly [words: readonly string[], outputs: readonly string[]])[] = [
  [
    ['link', 'in.o', '-o', 'out.o', '--Map', 'out.map'],
    ['out.o', 'out.map'],
  ],
  [['relink', '--chain', 'in.o', 'other.o', '-o', 'out.o'], ['out.o']],
  [['run', 'in.o', '--pcap', 'in.pcap', '--out', 'out.pcap'], ['out.pcap']],
];

describe('killed before each file operation', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-outputs-'));
  const at = (name: string): string => join(directory, name);
  let command: SteppedCommand;
  beforeAll(async () => {
    command = await bundleCommand(COMMAND, true);
    copyFileSync(join(OBJECTS, 'first_firewall.bpf.o'), at('in.o'));
    copyFileSync(join(OBJECTS, 'second_firewall.bpf.o'), at('other.o'));
    copyFileSync(CAPTURE, at('in.pcap'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
    command.remove();
  });

  function run(words: readonly string[], step = 0) {
    const env = { ...process.env, ROOTLET_TEST_KILL: String(step) };
    return spawnSync(process.execPath, [command.path, ...words], { cwd: directory, encoding: 'utf8', env });
  }
  const left = (): string[] => readdirSync(directory).filter(name => name.startsWith('.rootlet-'));

  test.each(COMMANDS)(
    '%j',
    (words, outputs) => {
      const whole = run(words);
      expect([whole.status, whole.stderr]).toEqual([0, '']);
      const wanted = outputs.map(name => readFileSync(at(name)).toString('latin1'));
      const seen = new Set<string>();
      for (let step = STEPS.first; ; step += STEPS.stride) {
        expect(step).toBeLessThan(200);
        for (const name of outputs) writeFileSync(at(name), OLD);
        const { signal } = run(words, step);
        const found = outputs.map(name => readFileSync(at(name)).toString('latin1'));
        for (const [index, text] of found.entries()) {
          expect([OLD, wanted[index]], `step ${step}: ${outputs[index]}`).toContain(text);
          seen.add(text === OLD ? 'old' : 'new');
        }
        if (signal === null) break;
        for (const name of left()) {
          seen.add('left');
          utimesSync(at(name), 0, 0);
        }
        expect([step, run(words).status, left()]).toEqual([step, 0, []]);
      }
      if (STEPS.all) expect([...seen].sort()).toEqual(['left', 'new', 'old']);
      expect(seen).toContain('old');
    },
    120_000,
  );
});
