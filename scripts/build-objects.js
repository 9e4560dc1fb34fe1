#!/usr/bin/env node
/**
 * Compiles the C sources of `examples/` and `test/cases/` for both byte orders into the objects that are checked in,
 * so that neither users nor tests need a compiler.
 *
 *   node scripts/build-objects.js [DIRECTORY…]            compile (only below DIRECTORY, when given)
 *   node scripts/build-objects.js --check [DIRECTORY…]    compile elsewhere and compare with what is checked in
 *
 * `x.bpf.c` becomes `obj/el/x.bpf.o` and `obj/eb/x.bpf.o` in its own directory. Sources are compiled with their own directory
 * as the working directory, and the names in the objects are relative to it, so that the result is the same wherever
 * the checkout is. A line `// CFLAGS: …` in a source adds options. A Clang of another version makes other bytes: the
 * comparison then says so and is skipped.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The version that made the objects that are checked in. */
const CLANG_VERSION = '19.1.7';
const CLANG = 'clang-19';
const STRIP = 'llvm-strip-19';
const ORDERS = ['el', 'eb'];
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SOURCE_ROOTS = [
  'examples',
  'test/cases',
  'src/core/testdata',
  'src/load/testdata',
  'src/vm/testdata',
  'test/vm/programs',
];

const run = promisify(execFile);

/**
 * @typedef {object} Job
 * @property {string} directory Absolute directory of the source.
 * @property {string} stem Name of the source without `.bpf.c`.
 * @property {string} order `el` or `eb`.
 */

/**
 * @param {string} directory Absolute.
 * @returns {Job[]} Sorted.
 */
function findJobs(directory) {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap(entry => {
    if (entry.isDirectory()) return findJobs(path.join(directory, entry.name));
    if (!entry.name.endsWith('.bpf.c')) return [];
    const stem = entry.name.slice(0, -'.bpf.c'.length);
    return ORDERS.map(order => ({ directory, stem, order }));
  });
}

/** @param {Job} job */
function checkedInPath(job) {
  return path.join(job.directory, 'obj', job.order, `${job.stem}.bpf.o`);
}

/** Kernel headers for user space are in a directory named after the machine; any machine's will do. */
function includeOptions() {
  const triplets = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'riscv64-linux-gnu'];
  return triplets
    .map(triplet => `/usr/include/${triplet}`)
    .filter(directory => existsSync(`${directory}/asm/types.h`))
    .flatMap(directory => ['-idirafter', directory]);
}

/** @param {string} source Text of a C file. */
function extraOptions(source) {
  return source
    .split('\n')
    .filter(line => line.startsWith('// CFLAGS:'))
    .flatMap(line => line.slice('// CFLAGS:'.length).trim().split(/\s+/));
}

/**
 * @param {Job} job
 * @param {string} output
 */
async function compile(job, output) {
  const source = `${job.stem}.bpf.c`;
  const options = extraOptions(readFileSync(path.join(job.directory, source), 'utf8'));
  mkdirSync(path.dirname(output), { recursive: true });
  await run(
    CLANG,
    [
      ...['-target', `bpf${job.order}`, '-O2', '-g', '-mcpu=v3', '-Wall', '-Werror'],
      ...['-fdebug-compilation-dir=.', ...includeOptions(), ...options],
      ...['-c', source, '-o', output],
    ],
    { cwd: job.directory },
  );
  await run(STRIP, ['-g', output]); // DWARF only: .BTF and .BTF.ext stay
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inParallel(items, work) {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function clangVersion() {
  try {
    const { stdout } = await run(CLANG, ['--version']);
    return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch {
    return null;
  }
}

/**
 * Checked-in objects that have no source.
 * @param {readonly Job[]} jobs
 */
function orphans(jobs) {
  const known = new Set(jobs.map(checkedInPath));
  const directories = new Set(jobs.map(job => path.dirname(checkedInPath(job))));
  return [...directories]
    .filter(directory => existsSync(directory))
    .flatMap(directory => readdirSync(directory).map(name => path.join(directory, name)))
    .filter(file => file.endsWith('.bpf.o') && !known.has(file));
}

/**
 * @param {readonly Job[]} jobs
 * @returns {Promise<string[]>} What is wrong, one line each.
 */
async function compare(jobs) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'rootlet-objects-'));
  /** @type {string[]} */
  const problems = orphans(jobs).map(file => `${path.relative(ROOT, file)}: has no source`);
  try {
    await inParallel(jobs, async job => {
      const expected = checkedInPath(job);
      const name = path.relative(ROOT, expected);
      const output = path.join(scratch, name);
      await compile(job, output);
      if (!existsSync(expected)) problems.push(`${name}: is not checked in`);
      else if (!readFileSync(output).equals(readFileSync(expected)))
        problems.push(`${name}: differs from its source`);
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return problems.sort();
}

async function main() {
  const check = process.argv.includes('--check');
  const wanted = process.argv.slice(2).filter(word => word !== '--check');
  const roots =
    wanted.length > 0 ? wanted.map(word => path.resolve(word)) : SOURCE_ROOTS.map(r => path.join(ROOT, r));
  const jobs = roots.flatMap(findJobs);
  const version = await clangVersion();
  if (version !== CLANG_VERSION) {
    const found = version === null ? `${CLANG} is not installed` : `${CLANG} here is ${version}`;
    if (check) {
      console.log(`objects: comparison skipped: ${found}, the objects were made with ${CLANG_VERSION}`);
      return 0;
    }
    if (version === null) {
      console.error(`build-objects: ${found}`);
      return 1;
    }
    console.error(`build-objects: note: ${found}, the other objects were made with ${CLANG_VERSION}`);
  }
  if (!check) {
    await inParallel(jobs, job => compile(job, checkedInPath(job)));
    for (const file of orphans(jobs)) rmSync(file);
    console.log(`objects: ${jobs.length} compiled`);
    return 0;
  }
  const problems = await compare(jobs);
  for (const problem of problems) console.error(`build-objects: ${problem}`);
  if (problems.length === 0) console.log(`objects: ${jobs.length} rebuilt, all as checked in`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main().catch(error => {
  console.error(`build-objects: ${error.stderr || error.stack || error}`);
  return 1;
});
