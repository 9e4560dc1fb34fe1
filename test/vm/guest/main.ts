/**
 * The test run inside the virtual machine: test files that were bundled outside, one after another in one process.
 *
 * Every result goes to standard output as a line of JSON after RESULT_MARK; other output is of the tests themselves.
 * Arguments: what a test's name has to contain ('' for all), then pairs of a bundle and the source that it was made of.
 */

import { relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { startTests, type Task, type Test, type VitestRunner } from '@vitest/runner';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { leftovers } from './leftovers.ts';
import { whyTooOld } from './newer.ts';

/** One test on one kernel. Times are of the guest. */
export interface GuestResult {
  readonly file: string;
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly milliseconds: number;
  /** Why it failed, or was skipped. */
  readonly text: string;
}

const RESULT_MARK = '@result ';
/** Before each test, so that one that never ends is named. */
const START_MARK = '@start ';
/** Emulated, beside others who use the processor too. */
const TIMEOUT_MS = 150_000;

const bundles = new Map<string, string>();
const [, , wanted = '', ...args] = process.argv;
for (let at = 0; at + 1 < args.length; at += 2) bundles.set(args[at + 1] ?? '', args[at] ?? '');

function report(result: GuestResult): void {
  process.stdout.write(`\n${RESULT_MARK}${JSON.stringify(result)}\n`);
}

function fullName(task: Task): string {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names.filter(name => name !== '').join(' > ');
}

/** The reason for a skip is what a name ends with in parentheses, as `needs()` writes it. */
function reasonOf(test: Test): string {
  const tooOld = whyTooOld(test.file.name, fullName(test));
  if (tooOld !== undefined) return tooOld;
  const note: unknown = test.result && Reflect.get(test.result, 'note'); // there, but not among its types
  if (typeof note === 'string') return note;
  return /\(([^()]*)\)(?: >|$)/.exec(fullName(test))?.[1] ?? 'no reason given';
}

const reported = new Set<Test>();

function reportTest(test: Test): void {
  if (reported.has(test)) return;
  reported.add(test);
  const state = test.result?.state ?? 'skip';
  const base = {
    file: test.file.name,
    name: fullName(test),
    milliseconds: Math.round(test.result?.duration ?? 0),
  };
  if (state === 'pass') report({ ...base, state: 'passed', text: '' });
  else if (state === 'fail') report({ ...base, state: 'failed', text: errorsOf(test) });
  else report({ ...base, state: 'skipped', text: reasonOf(test) });
}

function errorsOf(task: Task): string {
  const errors = task.result?.errors ?? [];
  return errors.map(error => error.stack ?? String(error.message)).join('\n');
}

function testsOf(task: Task): Test[] {
  return task.type === 'test' ? [task] : task.tasks.flatMap(testsOf);
}

function runner(): VitestRunner {
  return {
    config: {
      root: process.cwd(),
      setupFiles: [],
      name: undefined,
      passWithNoTests: true,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: TIMEOUT_MS,
      hookTimeout: TIMEOUT_MS,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: path => import(pathToFileURL(bundles.get(path) ?? path).href),
    onCollected: files => {
      for (const test of files.flatMap(testsOf))
        if (whyTooOld(test.file.name, fullName(test)) !== undefined || !fullName(test).includes(wanted))
          test.mode = 'skip';
    },
    onBeforeRunTask: test => {
      process.stdout.write(`\n${START_MARK}${test.file.name}: ${fullName(test)}\n`);
    },
    onAfterRunTask: reportTest,
  };
}

/** A file that cannot be loaded, or a suite whose set-up fails, has no test that could fail in its place. */
function reportBroken(task: Task): void {
  if (task.type === 'test') return;
  if ((task.result?.errors ?? []).length > 0) {
    const file = task.file.name;
    report({ file, name: fullName(task), state: 'failed', milliseconds: 0, text: errorsOf(task) });
  }
  for (const child of task.tasks) reportBroken(child);
}

/** One file, and whether it leaves anything behind. */
async function runFile(sys: Sys, path: string): Promise<void> {
  const file = relative(process.cwd(), path);
  const tooOld = whyTooOld(file);
  if (tooOld !== undefined) {
    report({ file, name: 'all tests', state: 'skipped', milliseconds: 0, text: tooOld });
    return;
  }
  const start = performance.now();
  const before = leftovers(sys);
  for (const one of await startTests([{ filepath: path }], runner())) {
    reportBroken(one);
    if (wanted === '') for (const test of testsOf(one)) reportTest(test); // those that did not run
  }
  const left = await before.find();
  const milliseconds = Math.round(performance.now() - start);
  const name = 'leaves nothing behind';
  report({ file, name, milliseconds, state: left === '' ? 'passed' : 'failed', text: left });
}

const sys = openSys();
for (const path of bundles.keys()) await runFile(sys, path);
process.exit();
