/**
 * `rootlet test`: tests of BPF code. Files are run by Node's own runner of tests: there is no other one to learn, and
 * editors and CI know its output; `rootlet/test` works in any other.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { EXIT, inputError, quote, usageError } from '../../src/diag/index.ts';
import { off } from '../flags/kinds.ts';
import { type Context, guarded, printJson } from '../io/context.ts';

interface Flags {
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
    flags: { json: { ...off, brief: 'Output JSON; what the tests print goes to stderr' } },
    positional: {
      kind: 'array',
      parameter: { brief: 'File or directory (default: .)', parse: String, placeholder: 'FILE' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      const files = filesOf(paths.length === 0 ? ['.'] : paths);
      const passed = runTests(files, flags.json);
      if (!passed) this.process.exitCode = EXIT.input;
      if (flags.json) printJson(this, { ok: passed, files });
    });
  },
});

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
function runTests(files: readonly string[], toStderr: boolean): boolean {
  const options = files.some(file => TYPESCRIPT.test(file)) ? [stripTypes()] : [];
  const paths = files.map(file => resolve(file)); // a name may begin with a dash
  const { status, error } = spawnSync(process.execPath, [...options, '--test', ...paths], {
    stdio: ['inherit', toStderr ? 2 : 'inherit', 'inherit'],
    env: withoutRunner(),
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
