/** What is not a regular file is refused at once: a pipe is not waited for, a device not read to its end. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { countFds } from '../testing.ts';
import { NOT_REGULAR, readRegular } from './regular-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-regular-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string): string => join(directory, name);

test('files are read, also empty ones and through links', () => {
  writeFileSync(at('file'), 'text');
  writeFileSync(at('empty'), '');
  symlinkSync('file', at('link'));
  expect(['file', 'empty', 'link'].map(name => Buffer.from(readRegular(at(name))).toString())).toEqual([
    'text',
    '',
    'text',
  ]);
});

test('nothing else is', () => {
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync('pipe', at('link-to-pipe'));
  const before = countFds();
  for (const [path, code] of [
    [at('pipe'), NOT_REGULAR],
    [at('link-to-pipe'), NOT_REGULAR],
    ['/dev/zero', NOT_REGULAR],
    [directory, 'EISDIR'],
    [at('none'), 'ENOENT'],
  ] as const)
    expect(() => readRegular(path), path).toThrow(expect.objectContaining({ code }));
  expect(countFds()).toBe(before);
});
