/**
 * `rootlet test`: tests of BPF code. Files are run by Node's own runner of tests: there is no other one to learn, and
 * editors and CI know its output; `rootlet/test` works in any other.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { EXIT, inputError, line, quote, usageError } from '../../src/diag/index.ts';
import { off, text } from '../flags/kinds.ts';
import { type Context, guarded, print, printJson, tell } from '../io/context.ts';
import { requireDistinct, requireNoInput } from '../io/files.ts';
import { coverageText, writeTracefile } from '../io/tracefile.ts';
import { CollectedCoverage } from '../run/collected-coverage.ts';

interface Flags {
  readonly coverage?: string;
  readonly json: boolean;
}

const TEST_FILE = /\.bpf\.test\.(js|mjs|ts|mts)$/;
const TYPESCRIPT = /\.m?ts$/;

export const testCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Run tests of BPF code, without a kernel',
    fullDescription:
      "Run files of tests by Node's own runner (node --test): those that are given, and in directories all that end in " +
      '.bpf.test.js, .mjs or .ts. Tests import rootlet/test. The exit code is 1 if a test fails.',
  },
  parameters: {
    flags: {
      coverage: {
        ...text,
        brief: 'Write which lines of the C source ran in the machines of all tests, in the format of lcov',
        placeholder: 'FILE',
      },
      json: { ...off, brief: 'Output JSON; what the tests print goes to stderr' },
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'File or directory (default: .)', parse: String, placeholder: 'FILE' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      requireDistinct([flags.coverage, flags.json ? '-' : undefined]);
      const files = filesOf(paths.length === 0 ? ['.'] : paths);
      requireNoInput(flags.coverage, files);
      const toStderr = flags.json || flags.coverage === '-';
      if (flags.coverage === undefined) report(this, flags, files, runTests(files, toStderr));
      else testWithCoverage(this, { ...flags, coverage: flags.coverage }, files, toStderr);
    });
  },
});

function report(
  context: Context,
  { json }: Flags,
  files: readonly string[],
  passed: boolean,
  more: object = {},
): void {
  if (!passed) context.process.exitCode = EXIT.input;
  if (json) printJson(context, { ok: passed, files, ...more });
}

/** Coverage is written whether or not all tests pass. */
function testWithCoverage(
  context: Context,
  flags: Flags & { readonly coverage: string },
  files: readonly string[],
  toStderr: boolean,
): void {
  using collected = new CollectedCoverage();
  const passed = runTests(files, toStderr, collected);
  const coverage = writeTracefile(flags.coverage, collected.sum(), 'rootlet_test', files);
  if (!flags.json) (flags.coverage === '-' ? tell : print)(context, line(coverageText(coverage)));
  report(context, flags, files, passed, { coverage });
}

/** Files of tests, each once, those of a directory in order. Throws `usage-tests`. */
function filesOf(paths: readonly string[]): readonly string[] {
  const files = [...new Set(paths.flatMap(path => (isDirectory(path) ? filesIn(path) : [path])))];
  if (files.length > 0) return files;
  throw usageError('usage-tests', `there are no tests in ${paths.map(quote).join(', ')}`, {
    hint: 'files of tests end in .bpf.test.js, .bpf.test.mjs or .bpf.test.ts',
  });
}

function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw inputError('file-read', [path], 'there is no such file or directory');
  return found.isDirectory();
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return isSkipped(entry.name) ? [] : filesIn(path);
      return entry.isFile() && TEST_FILE.test(entry.name) ? [path] : [];
    });
}

function isSkipped(name: string): boolean {
  return name === 'node_modules' || name.startsWith('.');
}

/** Whether all tests passed. What they print goes to stdout, or to stderr. */
function runTests(files: readonly string[], toStderr: boolean, collected?: CollectedCoverage): boolean {
  const types = files.some(file => TYPESCRIPT.test(file)) ? [stripTypes()] : [];
  const options = [...types, ...(collected?.options ?? [])];
  const paths = files.map(file => resolve(file)); // a name may begin with a dash
  const { status, error } = spawnSync(process.execPath, [...options, '--test', ...paths], {
    stdio: ['inherit', toStderr ? 2 : 'inherit', 'inherit'],
    env: { ...withoutRunner(), ...collected?.environment },
  });
  if (error !== undefined) throw inputError('file-read', [process.execPath], error.message);
  return status === 0;
}

/** The option by which Node runs TypeScript. Throws `usage-tests` for one that does not. */
function stripTypes(): string {
  const option = '--experimental-strip-types';
  if (process.allowedNodeEnvironmentFlags.has(option)) return option;
  throw usageError('usage-tests', `Node ${process.versions.node} does not run TypeScript`, {
    hint: 'take Node 22.6 or newer, or write the tests in JavaScript',
  });
}

/** A test that runs tests would otherwise be taken for one of them. */
function withoutRunner(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  return rest;
}
