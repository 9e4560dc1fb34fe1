/** Which koffi is loaded: code that root runs comes from no other user. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { needs } from '../../../test/support/needs.ts';
import { BY_ALL, BY_OTHERS, binaryPath, isOwnFile } from './koffi-binary.ts';

const NOBODY = 65534;
const found = binaryPath();
/** From `node_modules` on. */
const inModules = found === undefined ? '' : found.slice(found.lastIndexOf('@koromix'));

let root = '';
/** Another user could make `node_modules` in it. */
let outer = '';
/** The package. */
let inner = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'rootlet-koffi-')));
  outer = join(root, 'outer');
  inner = join(outer, 'package');
  mkdirSync(inner, { recursive: true });
  chmodSync(outer, 0o1777);
});
afterEach(() => rmSync(root, { recursive: true }));

/** A binary below a directory, with what is above it. */
function place(directory: string): string {
  const path = join(directory, 'node_modules', inModules);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'code', { mode: 0o644 });
  return path;
}

test('this package has one', () => {
  expect(found).toMatch(/koffi\.node$/);
});

test('the nearest is taken, also through links of this user', () => {
  expect(binaryPath(inner)).toBeUndefined();
  const far = place(outer);
  expect(binaryPath(inner)).toBe(far);
  const near = place(inner);
  expect(binaryPath(inner)).toBe(near);
  renameSync(join(inner, 'node_modules'), join(root, 'shared'));
  symlinkSync(join(root, 'shared'), join(inner, 'node_modules'));
  expect(binaryPath(inner)).toBe(join(root, 'shared', inModules));
});

const CHANGES: readonly (readonly [string, (path: string) => void])[] = [
  ['that is writable by the group', path => chmodSync(path, 0o664)],
  ['that is writable by all', path => chmodSync(path, 0o646)],
  ['in a directory that is writable by all', path => chmodSync(dirname(path), 0o777)],
  ['below a directory that is writable by the group', path => chmodSync(dirname(dirname(path)), 0o775)],
  [
    'that is a directory',
    path => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
  [
    'that is a pipe',
    path => {
      rmSync(path);
      execFileSync('mkfifo', [path]);
    },
  ],
  [
    'that is a link to nowhere',
    path => {
      rmSync(path);
      symlinkSync('nowhere', path);
    },
  ],
];
test.each(CHANGES)('one %s is passed over', (_, change) => {
  const far = place(outer);
  change(place(inner));
  expect(binaryPath(inner)).toBe(far);
});

const BY_ANOTHER: readonly (readonly [string, (path: string) => void])[] = [
  ['a file', path => chownSync(path, NOBODY, NOBODY)],
  ['a directory', path => chownSync(dirname(path), NOBODY, NOBODY)],
  ['node_modules', path => chownSync(join(path.slice(0, path.indexOf('@koromix'))), NOBODY, NOBODY)],
  [
    'a link to a file of root',
    path => {
      renameSync(path, join(root, 'koffi.node'));
      symlinkSync(join(root, 'koffi.node'), path);
      lchownSync(path, NOBODY, NOBODY);
    },
  ],
];
for (const [what, change] of BY_ANOTHER)
  needs('root').test(`${what} of another user is passed over`, () => {
    change(place(outer));
    expect(binaryPath(inner)).toBeUndefined();
  });

test('a package that the group may write to is one all the same, where nothing else is', () => {
  const path = place(inner);
  chmodSync(dirname(path), 0o775);
  expect([isOwnFile(path, BY_OTHERS), isOwnFile(path, BY_ALL)]).toEqual([false, true]);
  chmodSync(dirname(path), 0o777);
  expect(isOwnFile(path, BY_ALL)).toBe(false);
  expect(isOwnFile(join(inner, 'none'), BY_ALL)).toBe(false);
});
