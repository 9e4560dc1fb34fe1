/**
 * `npm run bench:link`: rootlet against `bpftool gen object`, whole process against whole process, in pairs, medians.
 *
 * Chains of N objects are made from templates that clang compiled, by replacing the numbers in their names; each
 * object calls a function and reads a variable of the next one. The table goes to bench/RESULTS.md.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { link } from '../src/link/index.ts';
import { writeObject } from '../src/object/index.ts';
import { median, ROOT, writeResults } from './support.ts';

const SIZES = [50, 200, 800, 3200];
/** The peer's time grows with the square of the input. */
const PEER_LIMIT = 800;
const SHAPES = ['small', 'wide'] as const;
type Shape = (typeof SHAPES)[number];

const folder = mkdtempSync(join(tmpdir(), 'rootlet-bench-'));

function compile(shape: Shape, last: boolean): Buffer {
  const source = join(folder, 'template.bpf.c');
  const object = join(folder, 'template.o');
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
  const compiled = spawnSync('clang-19', flags, { cwd: folder, encoding: 'utf8' });
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
  const target = join(folder, `${shape}-${count}`);
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

interface Run {
  readonly seconds: number;
  /** KiB, for our own processes. */
  readonly peak: number;
}

const hook = join(folder, 'peak.mjs');
const peakFile = join(folder, 'peak.txt');
writeFileSync(
  hook,
  `import { writeFileSync } from 'node:fs';\nprocess.on('exit', () => writeFileSync(${JSON.stringify(peakFile)}, String(process.resourceUsage().maxRSS)));\n`,
);

function timed(command: string, args: readonly string[]): number {
  const start = performance.now();
  const result = spawnSync(command, args, { encoding: 'utf8' });
  const seconds = (performance.now() - start) / 1000;
  if (result.status !== 0) throw new Error(`${command} failed: ${result.stderr}`);
  return seconds;
}

function runNode(args: readonly string[]): Run {
  const seconds = timed(process.execPath, args);
  timed(process.execPath, ['--import', `file://${hook}`, ...args]);
  return { seconds, peak: Number(readFileSync(peakFile, 'utf8')) };
}

const bin = join(ROOT, 'bin/rootlet.js');

function measure(shape: Shape, count: number, bare: Run): string[] {
  const chain = makeChain(shape, count);
  const list = join(folder, 'list');
  writeFileSync(list, chain.paths.join('\n'));
  const out = join(folder, 'out.o');
  const ours: Run[] = [];
  const peers: number[] = [];
  for (let round = 0; round < (count >= 800 ? 3 : 5); round++) {
    ours.push(runNode([bin, 'link', `@${list}`, '-o', out]));
    if (count <= PEER_LIMIT)
      peers.push(timed('bpftool', ['gen', 'object', join(folder, 'peer.o'), ...chain.paths]));
  }
  const seconds = median(ours.map(run => run.seconds));
  const peak = median(ours.map(run => run.peak));
  const peer = peers.length === 0 ? Number.NaN : median(peers);
  const overNode = seconds - bare.seconds;
  rmSync(join(folder, `${shape}-${count}`), { recursive: true });
  return [
    shape,
    String(count),
    (chain.bytes / 1e6).toFixed(1),
    seconds.toFixed(3),
    overNode.toFixed(3),
    Number.isNaN(peer) ? '–' : peer.toFixed(3),
    Number.isNaN(peer) ? '–' : `${(peer / seconds).toFixed(2)}×`,
    Number.isNaN(peer) ? '–' : `${(peer / overNode).toFixed(2)}×`,
    ((peak - bare.peak) / 1024).toFixed(0),
    (((peak - bare.peak) * 1024) / chain.bytes).toFixed(1),
    (statSync(out).size / 1e6).toFixed(1),
  ];
}

/** Two small objects in a warm process, milliseconds. */
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
  return median(times.slice(100));
}

function main(): void {
  const bare = runNode(['-e', '0']);
  const bareSeconds = median(Array.from({ length: 9 }, () => timed(process.execPath, ['-e', '0'])));
  const version = median(Array.from({ length: 9 }, () => timed(process.execPath, [bin, '--version'])));
  const rows = SHAPES.flatMap(shape =>
    SIZES.map(count => measure(shape, count, { ...bare, seconds: bareSeconds })),
  );
  const head = [
    'shape',
    'objects',
    'MB in',
    'rootlet s',
    'over Node s',
    'bpftool s',
    'faster',
    'faster, over Node',
    'peak MiB over Node',
    'peak ÷ input',
    'MB out',
  ];
  const table = [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n');
  writeResults(
    'link',
    [
      `Whole process against whole process, medians. Bare \`node -e 0\`: ${bareSeconds.toFixed(3)} s, ${(bare.peak / 1024).toFixed(0)} MiB;`,
      `\`rootlet --version\`: ${version.toFixed(3)} s (${(version / bareSeconds).toFixed(2)} times). Two small objects in a warm process: ${warmLink().toFixed(2)} ms.`,
      '',
      table,
    ].join('\n'),
  );
  rmSync(folder, { recursive: true });
}

main();
