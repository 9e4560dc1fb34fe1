import { lstatSync, mkdtempSync, rmSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DirectoryStats, type DirectoryUse, distrust, makeDirectory } from './bpffs.ts';

const ME = 1000;

function stats(kind: 'directory' | 'link' | 'file', uid: number, mode: number): DirectoryStats {
  return {
    isDirectory: () => kind === 'directory',
    isSymbolicLink: () => kind === 'link',
    uid,
    mode: mode | 0o40000,
  } satisfies Partial<Stats>;
}

describe('a directory', () => {
  const cases: readonly (readonly [DirectoryUse, Parameters<typeof stats>, RegExp | undefined])[] = [
    ['own', ['directory', 0, 0o700], undefined],
    ['own', ['directory', ME, 0o755], undefined],
    ['own', ['directory', 0, 0o1777], /writable by other users \(owner 0, mode 1777\)/],
    ['own', ['directory', ME, 0o770], /writable by other users/],
    ['own', ['directory', ME, 0o702], /writable by other users/],
    ['own', ['directory', 65534, 0o700], /belongs to user 65534 \(owner 65534, mode 0700\)/],
    ['own', ['link', 0, 0o777], /symbolic link/],
    ['own', ['file', 0, 0o600], /not a directory/],
    ['above', ['directory', 0, 0o1777], undefined],
    ['above', ['directory', 0, 0o777], /writable by other users/],
    ['above', ['directory', 65534, 0o1777], /belongs to user 65534/],
    ['above', ['link', 0, 0o777], /symbolic link/],
  ];
  test.each(cases)('for %s with %j', (use, facts, expected) => {
    const found = distrust('/b/x', stats(...facts), use, ME);
    if (expected === undefined) expect(found).toBeUndefined();
    else
      expect(found).toEqual({
        message: expect.stringMatching(expected),
        hint: expect.stringMatching(/mode=0700.*--bpffs/),
      });
  });

  test('is repaired in the way that fits', () => {
    const hintFor = (...facts: Parameters<typeof stats>) => distrust('/b/x', stats(...facts), 'own', 0)?.hint;
    expect(hintFor('link', 0, 0o777)).toContain('"rm /b/x"');
    expect(hintFor('directory', 5, 0o700)).toContain('"chown 0 /b/x"');
    expect(hintFor('directory', 0, 0o777)).toContain('"chmod go-w /b/x"');
  });
});

test('directories are made for their user alone, and those that exist are left as they are', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-directory-'));
  const old = process.umask(0);
  try {
    expect(makeDirectory(join(directory, 'new'))).toBe(true);
    expect(lstatSync(join(directory, 'new')).mode & 0o7777).toBe(0o700);
    expect(makeDirectory(join(directory, 'new'))).toBe(false);
    expect(() => makeDirectory(join(directory, 'none/new'))).toThrow(/ENOENT/);
  } finally {
    process.umask(old);
    rmSync(directory, { recursive: true });
  }
});
