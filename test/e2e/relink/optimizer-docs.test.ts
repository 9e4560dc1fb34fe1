/**
 * docs/optimizer.md as it is written: its sources are compiled, its commands and its program run and print what the page
 * says, and the chains of the page return the same for the same packets.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readObject } from '../../../src/object/read/read.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { needs } from '../../support/needs.ts';
import { blocksOf, commandsOf, sourcesOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { PACKETS } from './filters.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // each command is a process

const PAGE = 'optimizer.md';
const commands = commandsOf(PAGE);

needs('root', 'clang').describe('docs/optimizer.md', () => {
  let shell: PrivateShell;
  beforeAll(async () => {
    shell = await PrivateShell.open();
    for (const [name, text] of sourcesOf(PAGE)) writeFileSync(join(shell.directory, name), text);
    for (const script of blocksOf(PAGE, 'sh')) shell.must(script.trimEnd().replaceAll('\n', ' && '));
  });
  afterAll(() => shell?.close());

  test('has commands', () => {
    expect(commands.length).toBeGreaterThanOrEqual(4);
  });

  test.each(commands)('$ $line', ({ line, output }) => {
    // where the sources were compiled is part of line information
    expect(shell.must(line).replaceAll(`${shell.directory}/`, '').trimEnd()).toBe(output.trimEnd());
  });

  test('its chains return the same', () => {
    const verdictsOf = (name: string): number[] => {
      const bytes = readFileSync(join(shell.directory, name));
      const machine = createMachine(readObject({ name, bytes }));
      return PACKETS.map(packet => Number(machine.run(packet).verdict));
    };
    const verdicts = verdictsOf('plain.o');
    expect(new Set(verdicts)).toEqual(new Set([1, 2]));
    expect(verdictsOf('chain.o')).toEqual(verdicts);
    expect(verdictsOf('kept.o')).toEqual(verdicts);
  });
});

test.each(blocksOf(PAGE, 'js').map((code, at) => ({ code, at })))('program $at', ({ code }) => {
  const expected = code
    .split('\n')
    .flatMap(line => (line.startsWith('//> ') ? [line.slice('//> '.length)] : []));
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect([result.stderr, result.stdout.trimEnd().split('\n')]).toEqual(['', expected]);
});
