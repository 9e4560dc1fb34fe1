/** The examples of docs/loading.md, one after another, print what they say. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { kernelForTests } from '../src/kernel/testing.ts';
import { CommandWorld } from './testing.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const { sys, reason } = kernelForTests();
const missing = sys === undefined ? reason : ['ip', 'nsenter'].find(tool => spawnSync(tool, ['-V']).error);

/** Commands with what they print. */
function examples(): { words: string[]; output: string }[] {
  const text = readFileSync('docs/loading.md', 'utf8');
  return [...text.matchAll(/^```console\n\$ rootlet (.*)\n([\s\S]*?)^```$/gm)].map(match => ({
    words: (match[1] ?? '').split(' '),
    output: match[2] ?? '',
  }));
}

/** Ids, tags and the width of columns differ from run to run. */
function withoutIds(output: string): string {
  return output
    .replace(/tag [0-9a-f]{16}/g, 'tag T')
    .replace(/(\bid +|program +|map +|attachment +)\d+/g, '$1N')
    .replace(/ +/g, ' ')
    .trim();
}

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const world = missing === undefined ? new CommandWorld() : undefined;
  afterAll(() => world?.close());

  test('there are examples', () => expect(examples().length).toBeGreaterThanOrEqual(7));

  test.each(examples())('$words', ({ words, output }) => {
    const result = world?.run(words);
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(withoutIds(result?.out ?? '')).toBe(withoutIds(output));
  });
});
