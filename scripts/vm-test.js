#!/usr/bin/env node
// npm run test:vm: tests of the kernel's side of things, on kernels that this machine does not run.
//
//   node scripts/vm-test.js [--kernel 6.12] [-t NAME] [WORD…]     only files whose path has one of the words, and tests
//                                                                 whose name has NAME in it
//
// Sources are bundled here, since everything takes ten times as long in there; each kernel boots once, all at the same
// time. One list of results, and a plain line with the counts at the end.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bootAndRun, quoted, vmMissing } from './vm.js';
import { NotToBeHad } from './vm-kernel.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const KERNELS = ['5.10', '6.1', '6.12'];
/** For everything on one kernel; all run at the same time. A test alone has less (test/vm/guest/main.ts). */
const TIME_LIMIT_MS = 1_000_000;

/** The runner inside, and what tests start as processes of their own. */
const GUEST_FILES = ['main', 'killed', 'killed-chain'].map(name => `test/vm/guest/${name}.ts`);
/** Directories whose tests also run outside; those that ask the kernel run here too. */
const SHARED_FOLDERS = ['src/kernel', 'src/load', 'src/store', 'src/dynamic'];
/** Take minutes there, and depend on nothing that differs between kernels; run when they are named. */
const LEFT_OUT = [
  'src/load/execute/pins.test.ts',
  'src/load/externs/mapped-types.test.ts',
  'src/store/store.test.ts',
  'src/store/trust.test.ts',
  'test/vm/libxdp-killed.vm.ts',
];
/**
 * Parts of paths that do not run on a kernel: replacing functions of loaded programs on the oldest, which does it for few
 * kinds and without telling what was replaced; and what takes long and runs on an older and a newer one.
 */
const LEFT_OUT_ON = new Map([
  [
    '5.10',
    [
      'freplace',
      'relink-slots',
      'relink-stages',
      'dynamic-link',
      'xdp-tools',
      'libxdp-',
      'src/dynamic/',
      'src/store/',
    ],
  ],
  ['6.1', ['libxdp-', 'src/load/kernel.test.ts']],
  ['6.12', ['src/load/kernel.test.ts']],
]);
/** What a test that asks the kernel has in its source. */
const ASKS_KERNEL = /\bkernelForTests\b/;

/** Skips that are not mistakes: what a kernel does not have. */
const ALLOWED_SKIP = /this kernel (is older than|has no|refuses|shows no|is not to be had)|needs Linux \d/i;

/**
 * What the run inside tells of one test (test/vm/guest/main.ts), and where.
 * @typedef {object} Result
 * @property {string} kernel
 * @property {string} file
 * @property {string} name
 * @property {'passed' | 'failed' | 'skipped'} state
 * @property {number} milliseconds
 * @property {string} text    Why it failed, or was skipped.
 */

/**
 * Files below a directory, sorted.
 * @param {string} directory
 * @param {string} ending
 */
function filesBelow(directory, ending) {
  const path = join(ROOT, directory);
  if (!existsSync(path)) return [];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names
    .filter(name => name.endsWith(ending))
    .sort()
    .map(name => `${directory}/${name}`);
}

/** @param {readonly string[]} words */
function testFiles(words) {
  const shared = SHARED_FOLDERS.flatMap(directory => filesBelow(directory, '.test.ts'));
  const asking = shared.filter(path => ASKS_KERNEL.test(readFileSync(join(ROOT, path), 'utf8')));
  const all = [...filesBelow('test/vm', '.vm.ts'), ...asking];
  if (words.length > 0) return all.filter(path => words.some(word => path.includes(word)));
  return all.filter(path => !LEFT_OUT.includes(path));
}

/**
 * One bundle for each file, with what they share in others. `vitest` becomes its runner and matchers alone.
 * @param {readonly string[]} files
 * @param {string} directory
 */
async function bundle(files, directory) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...GUEST_FILES, ...files],
    outdir: directory,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi', 'typescript', 'esbuild', 'yaml'],
    sourcemap: 'external',
    alias: { vitest: './test/vm/guest/vitest.ts' },
    plugins: [ownPlaces],
    logLevel: 'error',
  });
}

/** Bundled code is still told its source's place, where it looks for its data. @type {import('esbuild').Plugin} */
const ownPlaces = {
  name: 'own places',
  setup(made) {
    made.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const contents = readFileSync(path, 'utf8')
        .replace(/(?<!['"])import\.meta\.dirname/g, JSON.stringify(dirname(path)))
        .replace(/(?<!['"])import\.meta\.url/g, JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * Stack frames in terms of sources, without those of the runner.
 * @param {string} text
 */
function atSources(text) {
  /** @type {Map<string, SourceMap>} */
  const maps = new Map();
  const lines = text.split('\n').map(line => {
    const [, path = '', row = '', column = ''] = /file:\/\/(\/.*\.mjs):(\d+):(\d+)/.exec(line) ?? [];
    if (path === '' || !existsSync(`${path}.map`)) return line;
    const map = maps.get(path) ?? new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
    maps.set(path, map);
    const entry = map.findEntry(Number(row) - 1, Number(column) - 1);
    if (!('originalSource' in entry)) return line;
    const source = relative(ROOT, join(dirname(path), entry.originalSource));
    return `${/^ *at /.exec(line)?.[0] ?? ''}${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
  return lines.filter(line => !/ node_modules\/| at new Promise /.test(line)).join('\n');
}

/**
 * @param {string} kernel
 * @param {readonly string[]} all    Files.
 * @param {string} name    What names of tests have to contain.
 * @param {string} directory
 * @param {(result: Result) => void} onResult
 */
async function runOn(kernel, all, name, directory, onResult) {
  const without = LEFT_OUT_ON.get(kernel) ?? [];
  const files = all.filter(path => !without.some(part => path.includes(part)));
  const bundleOf = (/** @type {string} */ path) => join(directory, path.replace(/\.ts$/, '.mjs'));
  const args = files.flatMap(path => [bundleOf(path), join(ROOT, path)]);
  // One processor: tests that read buffers of each processor do not expect to be moved between two runs.
  const script = ['taskset', '-c', '0', 'node', bundleOf('test/vm/guest/main.ts'), name, ...args]
    .map(quoted)
    .join(' ');
  /** @param {string} name @param {string} text */
  const fail = (name, text) =>
    onResult({ kernel, file: 'virtual machine', name, state: 'failed', milliseconds: 0, text });
  let rest = '';
  let other = '';
  let current = '';
  /** @param {string} text */
  const onOutput = text => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('@result ')) {
        const { text, ...result } = JSON.parse(line.slice(8));
        onResult({ kernel, ...result, text: atSources(text) });
      } else if (line.startsWith('@start ')) {
        current = line.slice(7);
        other = '';
      } else if (line !== '') {
        other += `${line}\n`;
        process.stdout.write(`  ${kernel.padEnd(5)} | ${line}\n`);
      }
    }
  };
  try {
    const { status } = await bootAndRun(kernel, script, { cwd: ROOT, timeoutMs: TIME_LIMIT_MS, onOutput });
    onOutput('\n');
    if (status !== 0) fail('run', `ended with status ${status} after ${current}\n${other}`);
  } catch (error) {
    if (error instanceof NotToBeHad) {
      onResult({
        kernel,
        file: 'virtual machine',
        name: 'all tests',
        state: 'skipped',
        milliseconds: 0,
        text: error.message,
      });
      return;
    }
    const during = current === '' ? '' : `during ${current}: `;
    fail('run', `${during}${error instanceof Error ? error.message : error}\n${other}`);
  }
}

/** @param {Result} result */
function lineOf({ kernel, file, name, state, milliseconds, text }) {
  const sign = { passed: '✓', failed: '✗', skipped: '↓' }[state];
  const time = milliseconds >= 1000 ? ` ${(milliseconds / 1000).toFixed(1)} s` : '';
  const why = state === 'skipped' && !name.endsWith(`(${text})`) ? ` (${text})` : '';
  return `${sign} ${kernel.padEnd(5)} ${file}: ${name}${time}${why}`;
}

/** @param {readonly Result[]} results */
function finish(results) {
  const { CI } = process.env;
  const inState = (/** @type {string} */ state) => results.filter(result => result.state === state);
  const skipped = inState('skipped');
  const refused = skipped.filter(result => CI === 'true' && !ALLOWED_SKIP.test(result.text));
  const failed = inState('failed');
  for (const result of failed)
    process.stdout.write(`\n${lineOf(result)}\n${result.text.replace(/^/gm, '    ')}\n`);
  for (const result of refused)
    process.stdout.write(`\nFailed, because CI may not skip it: ${lineOf(result)}\n`);
  const counts = [inState('passed').length, failed.length + refused.length, skipped.length - refused.length];
  process.stdout.write(`\n${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped\n`);
  process.exitCode = counts[1] === 0 && results.length > 0 ? 0 : 1;
}

/** @param {readonly string[]} argv */
async function main(argv) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      kernel: { type: 'string', multiple: true, default: KERNELS },
      t: { type: 'string', short: 't' },
    },
  });
  const kernels = values.kernel;
  const files = testFiles(positionals);
  /** @type {Result[]} */
  const results = [];
  const why = vmMissing();
  if (why !== undefined) {
    for (const kernel of kernels)
      for (const file of files)
        results.push({ kernel, file, name: 'all tests', state: 'skipped', milliseconds: 0, text: why });
    for (const result of results) process.stdout.write(`${lineOf(result)}\n`);
    return finish(results);
  }
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'vm-tests-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => process.exit(1));
  await bundle(files, directory);
  /** @param {Result} result */
  const onResult = result => {
    results.push(result);
    process.stdout.write(`${lineOf(result)}\n`);
  };
  await Promise.all(kernels.map(kernel => runOn(kernel, files, values.t ?? '', directory, onResult)));
  finish(results);
}

await main(process.argv.slice(2));
