/**
 * `npm run bench:link`: rootlet against `bpftool gen object`, whole process against whole process, one after the other, medians.
 *
 * Chains of N objects are made from templates that clang compiled, by replacing the numbers in their names; each
 * object calls a function and reads a variable of the next one. Beside them: the start of the command, a link in a
 * warm process, and the kernel's types parsed and deduplicated by libbpf and by rootlet. The tables go to bench/RESULTS.md.
 * Needs clang-19, llvm-19, bpftool, and for the kernel's types gcc and libbpf-dev.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { link } from '../src/link/link.ts';
import { writeObject } from '../src/object/write/write.ts';
import { type ChainFigures, type KernelTypes, reportLinks } from './link-report.ts';
import { median, ROOT, writeResults } from './support.ts';

const SIZES = [50, 200, 800, 3200];
/** The peer's time grows with the square of the input. */
const PEER_LIMIT = 800;
const SHAPES = ['small', 'wide'] as const;
type Shape = (typeof SHAPES)[number];
const VMLINUX = '/sys/kernel/btf/vmlinux';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-bench-'));

function compile(shape: Shape, last: boolean): Buffer {
  const source = join(directory, 'template.bpf.c');
  const object = join(directory, 'template.o');
  const made = spawnSync(process.execPath, [join(ROOT, 'bench/templates/make.js'), shape, last ? '1' : '0']);
  writeFileSync(source, made.stdout);
  const multiarch = '/usr/include/x86_64-linux-gnu';
  const include = existsSync(multiarch) ? [`-I${multiarch}`] : [];
  const flags = [
    '-target',
    'bpfel',
    '-O2',
    '-g',
    '-mcpu=v3',
    '-fdebug-compilation-dir=.',
    ...include,
    '-c',
    'template.bpf.c',
    '-o',
    'template.o',
  ];
  const compiled = spawnSync('clang-19', flags, { cwd: directory, encoding: 'utf8' });
  if (compiled.status !== 0) throw new Error(`clang-19 failed: ${compiled.stderr}`);
  spawnSync('llvm-strip-19', ['-g', object]);
  return readFileSync(object);
}

function numbered(template: Buffer, index: number): Buffer {
  const copy = Buffer.from(template);
  for (const [mark, value] of [
    ['AAAAA', index],
    ['BBBBB', index + 1],
  ] as const) {
    const text = Buffer.from(String(value).padStart(5, '0'));
    for (let at = copy.indexOf(mark); at >= 0; at = copy.indexOf(mark, at)) copy.set(text, at);
  }
  return copy;
}

/** Paths of a chain of `count` objects, and their size in bytes. */
function makeChain(shape: Shape, count: number): { readonly paths: string[]; readonly bytes: number } {
  const target = join(directory, `${shape}-${count}`);
  mkdirSync(target);
  const [middle, end] = [compile(shape, false), compile(shape, true)];
  let bytes = 0;
  const paths = Array.from({ length: count }, (_, index) => {
    const path = join(target, `f${String(index).padStart(5, '0')}.o`);
    const contents = numbered(index === count - 1 ? end : middle, index);
    bytes += contents.length;
    writeFileSync(path, contents);
    return path;
  });
  return { paths, bytes };
}

const bin = join(ROOT, 'bin/rootlet.js');

function run(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error !== undefined) throw new Error(`${command} cannot be run: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} failed: ${result.stderr}`);
  return result.stdout;
}

function timed(command: string, args: readonly string[]): number {
  const start = performance.now();
  run(command, args);
  return (performance.now() - start) / 1000;
}

/** Peak memory of a Node process in bytes, as it says itself at its end. */
function peakOf(args: readonly string[]): number {
  const [hook, file] = [join(directory, 'peak.cjs'), join(directory, 'peak.txt')];
  const path = JSON.stringify(file);
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${path}, String(process.resourceUsage().maxRSS)));\n`,
  );
  run(process.execPath, ['--require', hook, ...args]);
  return Number(readFileSync(file, 'utf8')) * 1024;
}

/** Several commands one after the other, so that a change of the machine's speed meets all alike: median seconds of each. */
function inTurn(rounds: number, commands: readonly (readonly [string, readonly string[]])[]): number[] {
  const times = commands.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    commands.forEach(([command, args], index) => {
      times[index]?.push(timed(command, args));
    });
  }
  return times.map(median);
}

function measure(shape: Shape, count: number, barePeak: number): ChainFigures {
  const chain = makeChain(shape, count);
  const list = join(directory, 'list');
  writeFileSync(list, chain.paths.join('\n'));
  const out = join(directory, 'out.o');
  const ours = [bin, 'link', `@${list}`, '-o', out];
  const peer = ['gen', 'object', join(directory, 'peer.o'), ...chain.paths];
  const commands: [string, readonly string[]][] = [
    [process.execPath, ['-e', '0']],
    [process.execPath, ours],
  ];
  if (count <= PEER_LIMIT) commands.push(['bpftool', peer]);
  const [bare = 0, seconds = 0, peerSeconds] = inTurn(count >= 800 ? 3 : 9, commands);
  const peak = median([peakOf(ours), peakOf(ours), peakOf(ours)]);
  rmSync(join(directory, `${shape}-${count}`), { recursive: true });
  const memory = peak - barePeak;
  return { shape, count, bytes: chain.bytes, bare, seconds, peerSeconds, memory, output: statSync(out).size };
}

/** Two small objects in a warm process, seconds. */
function warmLink(): number {
  const inputs = ['first', 'second'].map(name => ({
    name: `${name}.o`,
    bytes: readFileSync(join(ROOT, `examples/obj/el/${name}.bpf.o`)),
  }));
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    const result = link(inputs);
    if (!result.ok) throw new Error('the example does not link');
    writeObject(result.object);
    times.push(performance.now() - start);
  }
  return median(times.slice(100)) / 1000;
}

/** The kernel's types, read, parsed and deduplicated in a fresh process each time; null where there are none. */
function kernelTypes(): KernelTypes | null {
  if (!existsSync(VMLINUX)) return null;
  const program = join(directory, 'dedup_btf');
  run('gcc', ['-O2', join(ROOT, 'bench/dedup_btf.c'), '-lbpf', '-o', program]);
  const worker = join(ROOT, 'dist/bench/btf-worker.js');
  const samples = Array.from({ length: 7 }, () =>
    [run(program, [VMLINUX]), run(process.execPath, [worker, VMLINUX])].map(text =>
      text.split(' ').map(Number),
    ),
  );
  const secondsOf = (index: number): number => median(samples.map(pair => (pair[index]?.[0] ?? 0) / 1e9));
  const countOf = (index: number): number => samples[0]?.[index]?.[2] ?? 0;
  return { theirs: secondsOf(0), ours: secondsOf(1), theirTypes: countOf(0), ourTypes: countOf(1) };
}

function main(): void {
  const barePeak = median([peakOf(['-e', '0']), peakOf(['-e', '0']), peakOf(['-e', '0'])]);
  const [bare = 0, version = 0] = inTurn(15, [
    [process.execPath, ['-e', '0']],
    [process.execPath, [bin, '--version']],
  ]);
  const least = measure('small', 2, barePeak);
  const chains = SHAPES.flatMap(shape => SIZES.map(count => measure(shape, count, barePeak)));
  const figures = { bare, barePeak, version, least, chains, warm: warmLink(), kernelTypes: kernelTypes() };
  writeResults('link', reportLinks(figures));
}

try {
  main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
