/**
 * `--limits` as a user gives it: each command takes its limits, refuses others, and the hint of a refused input is what
 * makes it accepted. And files that a file names.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from '@stricli/core';
import { afterAll, expect, test } from 'vitest';
import { writeObject } from '../../src/object/write/write.ts';
import { runCommand } from '../../test/support/command.ts';
import { objectOf } from '../../test/support/objects.ts';
import type { Context } from '../io/context.ts';
import { applyCommand } from './apply.ts';
import { inspectCommand } from './inspect.ts';
import { linkCommand } from './link.ts';
import { planCommand } from './plan.ts';
import { relinkCommand } from './relink.ts';
import { runCommand as machineCommand } from './run.ts';

const directory = `${mkdtempSync(join(tmpdir(), 'rootlet-limits-'))}/`;
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string): string => `${directory}${name}`;

const members = Array.from({ length: 60 }, (_, index) => ({
  name: `variable_with_a_long_name_${index}`,
  kind: 'variable' as const,
  section: '.data',
}));
const program = { name: 'prog', kind: 'function' as const, section: 'xdp', uses: ['table'] };
/** What needs types: others are left out with a note. */
const table = { name: 'table', kind: 'map' as const };
writeFileSync(at('a.o'), writeObject(objectOf('a.o', [program, table, ...members])));
writeFileSync(at('chain.yaml'), `# ${'x'.repeat(5000)}\ninterface: none\nkind: xdp\nmembers: []\n`);

const run = (command: Command<Context>, ...words: readonly string[]) => runCommand(command, words, directory);

const packet = ['--packet', '00'.repeat(14), at('a.o')];
const READERS: readonly (readonly [string, Command<Context>, readonly string[]])[] = [
  ['link', linkCommand, ['-o', at('out.o'), at('a.o')]],
  ['relink --chain', relinkCommand, ['--chain', '-o', at('out.o'), at('a.o')]],
  ['inspect', inspectCommand, [at('a.o')]],
  ['run', machineCommand, packet],
];
test.each(READERS)('%s: too many types are refused, and the hint helps', async (_, command, words) => {
  expect((await run(command, ...words)).code).toBe(0);
  const { code, err, out } = await run(command, '--limits', 'btf=1KiB', ...words);
  const raise = /raise the limit: --limits (btf=\w+)/.exec(err + out)?.[1] ?? 'no hint';
  // inspect shows the rest
  expect([code, raise]).toEqual([command === inspectCommand ? 0 : 1, expect.stringMatching(/^btf=\d+KiB$/)]);
  expect((await run(command, '--limits', raise, ...words)).code).toBe(0);
  expect(await run(command, '--limits', 'btf=128MiB,bft=1', ...words)).toMatchObject({
    code: 2,
    err: 'rootlet: limit "bft" is not a limit\n  hint: did you mean "btf"?\n',
  });
  expect((await run(command, '--limits', 'document=1MiB', ...words)).err).toContain('has no effect here');
});

test('types as C, budgets and memory of the machine, documents', async () => {
  const refused = async (command: Command<Context>, ...words: readonly string[]): Promise<string> => {
    const { code, err } = await run(command, ...words);
    expect(code).toBe(1);
    return /--limits [^ \n]+/.exec(err)?.[0] ?? err;
  };
  expect(await refused(machineCommand, '--limits', 'machine=64KiB', ...packet)).toBe(
    '--limits machine=SIZE,',
  );
  for (const command of [planCommand, applyCommand])
    expect(await refused(command, '-f', at('chain.yaml'), '--limits', 'document=2KiB')).toBe(
      '--limits document=8KiB',
    );
});

test('one limit is given once, whatever the spelling', async () => {
  for (const [option, limit, value] of [
    ['--budget', 'budget', '100'],
    ['--memory', 'machine', '1GiB'],
  ] as const) {
    const { code, err } = await run(
      machineCommand,
      option,
      value,
      '--limits',
      `${limit}=${value}`,
      ...packet,
    );
    expect([code, err]).toEqual([
      2,
      `rootlet: limit ${limit} is given twice: by --limits and by ${option}\n`,
    ]);
  }
  const kernel = await run(machineCommand, '--kernel', '--limits', 'budget=7', ...packet);
  expect(kernel.err).toContain('limit "budget" has no effect here');
});

test('relink --no-limits is another option', async () => {
  const { code } = await run(relinkCommand, '--no-limits', '--chain', '-o', at('out.o'), at('a.o'));
  expect(code).toBe(0);
});

/** A thin archive, written by hand: GNU ar refuses other files than objects. */
function thinArchive(member: string): string {
  const entry = (name: string, size: number): string =>
    `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'644'.padEnd(8)}${String(size).padEnd(10)}\`\n`;
  const names = `${member}/\n`.padEnd(member.length + 2 + (member.length % 2), '\n');
  writeFileSync(at('thin.a'), `!<thin>\n${entry('//', names.length)}${names}${entry('/0', 8)}`);
  return at('thin.a');
}

test('members of thin archives and of documents are regular files: nothing is waited for', async () => {
  execFileSync('mkfifo', [at('pipe')]);
  for (const [name, reason] of [
    ['pipe', 'it is not a regular file'],
    ['/dev/zero', 'it is not a regular file'],
    ['none.o', 'no such file or directory'],
  ] as const) {
    const { err } = await run(
      linkCommand,
      '-o',
      at('out.o'),
      at('a.o'),
      '--whole-archive',
      thinArchive(name),
    );
    expect(err).toContain(`cannot be read: ${reason}`);
  }
  const whole = await run(linkCommand, '-r', '-o', at('out.o'), '--whole-archive', thinArchive('a.o'));
  expect([whole.err, readFileSync(at('out.o')).length > 1000]).toEqual(['', true]);
});
