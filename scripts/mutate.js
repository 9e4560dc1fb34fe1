#!/usr/bin/env node
// npm run mutate -- DIR…: changes the product in many small ways, one at a time, and shows which changes no test notices
// (StrykerJS). Takes minutes to hours and does not run in CI; docs/testing.md has the results.
//
//   npm run mutate -- src/state                      all files of a directory, without those below it
//   npm run mutate -- src/state/plan.ts              one file
//   npm run mutate -- src/state --tests GLOB         other tests than those beside the code and those of TESTS
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.cache', 'mutate');

/**
 * Tests elsewhere that show the behaviour of a directory, without the build: those of the layer above, and tests on the
 * kernel (root).
 * @type {ReadonlyMap<string, readonly string[]>}
 */
const TESTS = new Map([
  ['src/state', ['test/e2e/slots/failures.test.ts']],
  ['src/link/resolve', ['src/link/*.test.ts', 'test/e2e/link/cases.test.ts']],
  ['src/link/optimize', ['src/link/optimize/**/*.test.ts']],
]);

/** Texts of messages: tests compare the part that matters, and types exclude other words where words are data. */
const EXCLUDED = ['StringLiteral'];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tests: { type: 'string', multiple: true }, 'dry-run': { type: 'boolean', default: false } },
});

/**
 * Files to change: no tests, no lists of names.
 * @param {string} place
 * @returns {string[]}
 */
function filesOf(place) {
  if (!statSync(join(ROOT, place)).isDirectory()) return [place];
  return readdirSync(join(ROOT, place))
    .filter(name => name.endsWith('.ts') && !/(\.test|\.kernel|^testing|^index)\.ts$/.test(name))
    .map(name => `${place}/${name}`);
}

/**
 * @param {string} place
 * @returns {readonly string[]}
 */
function testsOf(place) {
  const directory = place.endsWith('.ts') ? dirname(place) : place;
  return [`${directory}/*.test.ts`, ...(TESTS.get(directory) ?? [])];
}

/**
 * One line for each file, and the mutants that survived.
 * @param {string} report
 */
function print(report) {
  const { files } = JSON.parse(readFileSync(report, 'utf8'));
  const all = { killed: 0, lived: 0 };
  for (const [name, { mutants, source }] of Object.entries(files)) {
    const lines = source.split('\n');
    const killed = mutants.filter(isKilled).length;
    const lived = mutants.filter(isAlive);
    all.killed += killed;
    all.lived += lived.length;
    console.log(`${name}: ${killed} of ${killed + lived.length} killed`);
    for (const { location, replacement, status } of lived)
      console.log(
        `  ${location.start.line}: ${lines[location.start.line - 1].trim()}\n      -> ${replacement} (${status})`,
      );
  }
  const sum = all.killed + all.lived;
  console.log(`${all.killed} of ${sum} mutants killed (${Math.round((1000 * all.killed) / sum) / 10} %)`);
}

/** @param {{ status: string }} mutant */
function isKilled({ status }) {
  return status === 'Killed' || status === 'Timeout';
}

/** @param {{ status: string }} mutant */
function isAlive({ status }) {
  return status === 'Survived' || status === 'NoCoverage';
}

if (positionals.length === 0 || positionals.some(place => !existsSync(join(ROOT, place)))) {
  console.error('usage: npm run mutate -- DIRECTORY|FILE… [--tests GLOB]…');
  process.exit(2);
}
const places = positionals.map(place => place.replace(/\/$/, ''));
const report = join(CACHE, 'report.json');
mkdirSync(CACHE, { recursive: true });
const config = {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  mutate: places.flatMap(filesOf),
  mutator: { excludedMutations: EXCLUDED },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Static mutants run once for all tests of a file, which is what vitest does with modules anyway.
  ignoreStatic: false,
  disableTypeChecks: false,
  timeoutMS: 20_000,
  tempDirName: join(CACHE, 'sandbox'),
  ignorePatterns: ['/dist', '/.cache', '/coverage', '/bench', '*.tsbuildinfo'],
  reporters: ['json', 'clear-text', 'progress-append-only'],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false },
  jsonReporter: { fileName: report },
  dryRunOnly: values['dry-run'],
  checkers: [],
};
const configFile = join(CACHE, 'stryker.json');
writeFileSync(configFile, JSON.stringify(config, null, 2));
const tests = values.tests ?? [...new Set(places.flatMap(testsOf))];
const { status } = spawnSync(join(ROOT, 'node_modules/.bin/stryker'), ['run', configFile], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, ROOTLET_MUTATE_TESTS: tests.join(' ') },
});
if (status === 0 && !values['dry-run']) print(report);
process.exitCode = status ?? 1;
