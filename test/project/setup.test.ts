/** The set-up of a fresh clone: its `npm ci` runs the script `prepare`, which is a set-up again, and must not wait for the first. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-setup-'));
const prepare = 'node scripts/setup.js --build && echo prepared > prepared';
const packageJson = { name: 'fresh', version: '1.0.0', type: 'module', scripts: { prepare } };

function write(name: string, value: unknown): void {
  writeFileSync(join(directory, name), JSON.stringify(value));
}

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('npm ci inside of a set-up leaves the build to it', { timeout: 120_000 }, () => {
  mkdirSync(join(directory, 'scripts'));
  cpSync('scripts/setup.js', join(directory, 'scripts/setup.js'));
  write('package.json', packageJson);
  write('package-lock.json', {
    name: 'fresh',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { '': packageJson },
  });
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) write(name, { include: [] });

  const { status, stderr } = spawnSync(process.execPath, ['scripts/setup.js'], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 100_000,
  });

  expect(stderr).toContain('installing npm packages');
  expect(stderr).toContain('no compiler'); // the outer set-up went on: this clone has no packages
  expect(stderr).not.toContain('waiting for another set-up');
  expect(status).toBe(1);
  rmSync(join(directory, 'prepared')); // `prepare` was run, and ended without an error
});
