#!/usr/bin/env node
/** Types, style and index files: prints only what is wrong. */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(ROOT, 'node_modules/.bin');

/** @type {readonly (readonly [command: string, ...args: string[]])[]} */
const CHECKS = [
  [join(bin, 'tsc'), '--noEmit', '-p', 'tsconfig.json'],
  [join(bin, 'tsc'), '-p', 'site/tsconfig.json'],
  [join(bin, 'biome'), 'ci', '--colors=off', '.'],
  [process.execPath, 'scripts/index-files.js', '--check'],
];

for (const [command, ...args] of CHECKS) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  if (error === undefined && status === 0) continue;
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : `${error.message}\n`}`);
  process.exitCode = 1;
}
