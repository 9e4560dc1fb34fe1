/** Files that are too large are refused by name and size before they are read. */

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/index.ts';
import { lazyInput, readInput, readInputs } from './files.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rootlet-files-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A file with a hole of that size, which takes no room on the disk. */
function sparse(name: string, size: number): string {
  const path = join(directory, name);
  writeFileSync(path, '');
  truncateSync(path, size);
  return path;
}

function problemsOf(body: () => unknown): RootletError['problems'] {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.problems;
    throw error;
  }
  return [];
}

describe.each([2 ** 31 - 0x10000, 2 ** 31, 3 * 2 ** 30, 2 ** 40])('a file of %i bytes', size => {
  test.each([
    ['read at once', (path: string) => readInput(path)],
    ['read later', (path: string) => lazyInput(path).bytes],
    ['read in pieces', (path: string) => lazyInput(path).open?.()],
  ])('is refused when %s', (_, read) => {
    const path = sparse('large.o', size);
    const [problem] = problemsOf(() => read(path));
    expect(problem).toMatchObject({ code: 'file-size', where: [path] });
    expect(problem?.message).toBe(`has ${size} bytes; files that are read have at most ${0x7ffe_0000}`);
    expect(problem?.hint).toContain('llvm-objcopy --strip-debug');
  });
});

test('the largest file is opened, and every one that is too large is named', () => {
  const largest = lazyInput(sparse('largest.o', 0x7ffe_0000)).open?.();
  expect(largest?.size).toBe(0x7ffe_0000);
  largest?.close();
  const paths = ['a.o', 'b.o'].map(name => sparse(name, 2 ** 32));
  expect(problemsOf(() => readInputs(paths)).map(({ where }) => where[0])).toEqual(paths);
});

test('a directory and what is not there are refused as before', () => {
  expect(problemsOf(() => readInput(directory))).toMatchObject([{ code: 'file-read' }]);
  expect(problemsOf(() => lazyInput(directory).open?.())).toMatchObject([{ code: 'file-read' }]);
  expect(problemsOf(() => readInput(join(directory, 'none')))).toMatchObject([{ code: 'file-read' }]);
});
