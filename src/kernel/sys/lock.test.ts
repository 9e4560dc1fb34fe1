import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { countFds, kernelForTests } from '../testing.ts';
import { FakeSys } from './fake.ts';
import { FileLock } from './lock.ts';

const { sys, reason } = kernelForTests();
const directory = mkdtempSync(join(tmpdir(), 'rootlet-lock-'));
afterAll(() => rmdirSync(directory));

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();

  test('one lock at a time, several shared ones, and free again after close', () => {
    const before = countFds();
    const first = FileLock.take(kernel, directory);
    expect(() => FileLock.take(kernel, directory)).toThrow(
      expect.objectContaining({
        code: 'kernel-lock-busy',
        problems: [expect.objectContaining({ class: 'busy' })],
      }),
    );
    first.close();
    first.close();
    const shared = [
      FileLock.take(kernel, directory, { shared: true }),
      FileLock.take(kernel, directory, { shared: true }),
    ];
    expect(() => FileLock.take(kernel, directory)).toThrow(
      new RegExp(`is locked by process ${process.pid} \\(.*node`),
    );
    for (const lock of shared) lock.close();
    FileLock.take(kernel, directory, { wait: true }).close();
    expect(countFds()).toBe(before);
  });
});

test('a pipe in the place of a lock is not waited for', () => {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  FileLock.take(new FakeSys(), path).close();
  unlinkSync(path);
});

test('a path that is not there is an error of its own', () => {
  expect(() => FileLock.take(new FakeSys(), join(directory, 'nothing'))).toThrow(
    expect.objectContaining({ code: 'kernel-lock', message: expect.stringContaining('ENOENT') }),
  );
});
