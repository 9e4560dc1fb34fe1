/**
 * `npm run bench:chain`: what a chain costs per packet, in the kernel.
 *
 * Nanoseconds of `BPF_PROG_TEST_RUN` over an empty program, in one run, each figure the median of several: our
 * re-linked chain beside the same filters written by hand in one file (static calls, and all inlined) and beside a chain
 * of tail calls. Needs root and clang-19.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sys } from '../src/kernel/sys.ts';
import { openSys } from '../src/kernel/sys-koffi.ts';
import { relinkChain } from '../src/link/index.ts';
import { executeLoad, type LoadedObject, planLoad } from '../src/load/index.ts';
import { type BpfObject, readObject } from '../src/object/index.ts';
import { median, ROOT, writeResults } from './support.ts';

const COUNTS = [2, 5, 10, 20];
const ROUNDS = 15;
const REPEAT = 200_000;
const folder = mkdtempSync(join(tmpdir(), 'rootlet-chain-'));

function compile(name: string, ...defines: string[]): BpfObject {
  const out = join(folder, `${name}.o`);
  const multiarch = '/usr/include/x86_64-linux-gnu';
  const include = existsSync(multiarch) ? [`-I${multiarch}`] : [];
  const source = join(ROOT, 'bench/templates/filters.bpf.c');
  const args = [
    '-target',
    'bpfel',
    '-O2',
    '-g',
    '-mcpu=v3',
    ...include,
    ...defines.map(define => `-D${define}`),
    '-c',
    source,
    '-o',
    out,
  ];
  const result = spawnSync('clang-19', args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`clang-19 failed: ${result.stderr}`);
  return readObject(readFileSync(out), `${name}.o`);
}

/** A UDP packet that every filter lets pass. */
function packet(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes.set([64, 17], 22);
  bytes.set([9000 >> 8, 9000 & 0xff], 36);
  return bytes;
}

interface Subject {
  readonly name: string;
  readonly loaded: LoadedObject;
  readonly program: string;
  readonly times: number[];
}

function load(sys: Sys, name: string, object: BpfObject, program: string): Subject {
  return { name, loaded: executeLoad(planLoad(object), sys), program, times: [] };
}

function ownChain(count: number): BpfObject {
  const components = Array.from({ length: count }, (_, index) => ({
    component: compile(`one${index}`, `ONE=${index}`),
  }));
  const result = relinkChain(components);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.object;
}

/** All subjects of one length in turn, round after round, so that a change of the machine's speed meets all alike. */
function measure(subjects: readonly Subject[]): void {
  const bytes = packet();
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of subjects) {
      const run = subject.loaded.testRun(subject.program, bytes, { repeat: REPEAT });
      if (run.verdict !== 2) throw new Error(`${subject.name} does not pass the packet: ${run.verdict}`);
      subject.times.push(run.durationNs);
    }
  }
}

function row(sys: Sys, empty: BpfObject, count: number): string[] {
  const subjects = [
    load(sys, 'empty', empty, 'prog'),
    load(sys, 'chain', ownChain(count), 'chain'),
    load(sys, 'static', compile('static', 'STATIC', `COUNT=${count}`), 'prog'),
    load(sys, 'inline', compile('inline', 'INLINE', `COUNT=${count}`), 'prog'),
    load(sys, 'tail', compile('tail', 'TAIL', `COUNT=${count}`), 'prog'),
  ];
  measure(subjects);
  for (const subject of subjects) subject.loaded.close();
  const [base = 0, ...times] = subjects.map(subject => median(subject.times));
  const over = times.map(time => time - base);
  const [chain = 0, fixed = 1, inlined = 1] = over;
  return [
    String(count),
    base.toFixed(1),
    ...over.map(time => time.toFixed(1)),
    (chain / fixed).toFixed(2),
    (chain / inlined).toFixed(2),
  ];
}

function main(): void {
  const sys = openSys();
  const empty = compile('empty', 'EMPTY');
  const rows = COUNTS.map(count => row(sys, empty, count));
  const head = [
    'filters',
    'empty program ns',
    'rootlet ns',
    'static calls ns',
    'inlined ns',
    'tail calls ns',
    'rootlet ÷ static',
    'rootlet ÷ inlined',
  ];
  const table = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
  writeResults(
    'chain',
    `Nanoseconds per packet over an empty program, medians of ${ROUNDS} rounds of ${REPEAT} runs; the target is at most 1.10 times static calls.\n\n${table}`,
  );
  rmSync(folder, { recursive: true });
}

main();
