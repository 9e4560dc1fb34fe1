/**
 * `npm run bench:chain:vm`: our re-linked chain beside libxdp's dispatcher.
 *
 * The dispatcher calls its filters through function replacement, which many kernels of virtual machines refuse; so this
 * runs under Debian's kernel in the emulated machine of scripts/vm.js. Its nanoseconds say nothing about real
 * processors; ratios of what the same emulator ran in the same minute say something. Needs root, clang-19, qemu and
 * xdp-tools. Called with a directory, this is the part inside: it measures the objects that are there.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readInterface } from '../src/kernel/hooks/interface.ts';
import { openById } from '../src/kernel/objects/info.ts';
import { BpfProgram } from '../src/kernel/objects/program.ts';
import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import { readObject } from '../src/object/read/read.ts';
import { writeObject } from '../src/object/write/write.ts';
import { BPF_PROG_TYPE_XDP } from '../src/uapi/program-types.ts';
import { Filters, packet } from './filters.ts';
import { ROOT, table, writeResults } from './support.ts';

const KERNEL = '6.12';
const COUNTS = [2, 5, 10];
/** The position of code matters much to the emulator, so everything is reloaded several times. */
const LOADS = 8;
const ROUNDS = 8;
const REPEAT = 5_000;
const MARK = '@figures ';

/** Least ns for one length: empty program, our chain, static calls, libxdp's dispatcher. */
type Figures = readonly number[];

/** Programs in the guest, and what goes away with each. */
interface Subject {
  readonly program: BpfProgram;
  readonly times: number[];
  close(): void;
}

function fromFile(sys: Sys, path: string, program: string): Subject {
  const loaded = executeLoad(
    planLoad(preparedAlone(readObject({ name: path, bytes: readFileSync(path) }))),
    sys,
  );
  return { program: loaded.program(program), times: [], close: () => loaded.close() };
}

/** Several objects put on one interface by xdp-loader; the program that is attached then is the dispatcher. */
function fromDispatcher(sys: Sys, paths: readonly string[]): Subject {
  const call = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { stdio: 'pipe' });
  call('ip', 'link', 'add', 'bench', 'type', 'veth', 'peer', 'name', 'other');
  call('xdp-loader', 'load', '-m', 'skb', 'bench', ...paths);
  const fd = openById(sys, 'program', readInterface(sys, 'bench').xdp.generic);
  if (fd === undefined) throw new Error('xdp-loader attached nothing');
  const program = new BpfProgram(sys, fd, 'dispatcher', BPF_PROG_TYPE_XDP);
  const { name } = program.info();
  if (name !== 'xdp_dispatcher') throw new Error(`xdp-loader attached "${name}", which is not a dispatcher`);
  const close = () => {
    program.close();
    call('xdp-loader', 'unload', '-a', 'bench');
    call('ip', 'link', 'del', 'bench');
  };
  return { program, times: [], close };
}

function measureInside(sys: Sys, folder: string, count: number): Figures {
  const at = (name: string) => join(folder, `${name}.o`);
  const ones = Array.from({ length: count }, (_, index) => at(`one${index}`));
  const subjects = [
    fromFile(sys, at('empty'), 'prog'),
    fromFile(sys, at(`chain${count}`), 'chain'),
    fromFile(sys, at(`static${count}`), 'prog'),
    fromDispatcher(sys, ones),
  ];
  const bytes = packet();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { program, times } of subjects) {
      const run = program.testRun({ data: bytes, repeat: REPEAT });
      if (run.verdict !== 2) throw new Error(`"${program.name}" does not pass the packet: ${run.verdict}`);
      times.push(run.durationNs);
    }
  }
  for (const subject of subjects) subject.close();
  return subjects.map(({ times }) => Math.min(...times));
}

function runInside(folder: string): void {
  const sys = openSys();
  const all = COUNTS.map(count => {
    const loads = Array.from({ length: LOADS }, () => measureInside(sys, folder, count));
    return [0, 1, 2, 3].map(column => Math.min(...loads.map(figures => figures[column] ?? 0)));
  });
  process.stdout.write(`${MARK}${JSON.stringify(all)}\n`);
}

function boot(folder: string): readonly Figures[] {
  const script = [join(ROOT, 'scripts/vm.js'), KERNEL, '--', 'node', fileURLToPath(import.meta.url), folder];
  const result = spawnSync(process.execPath, script, { encoding: 'utf8', cwd: ROOT });
  const line = result.stdout.split('\n').find(text => text.startsWith(MARK));
  if (result.status !== 0 || line === undefined)
    throw new Error(`the virtual machine ended with ${result.status}: ${result.stdout}${result.stderr}`);
  return JSON.parse(line.slice(MARK.length)) as Figures[]; // written by runInside()
}

function rowOf(count: number, [empty = 0, chain = 0, fixed = 0, dispatcher = 0]: Figures): string[] {
  const over = [chain, fixed, dispatcher].map(time => time - empty);
  const [own = 0, calls = 1, other = 1] = over;
  const ratios = [own / calls, other / calls, other / own];
  return [String(count), ...over.map(time => time.toFixed(0)), ...ratios.map(ratio => ratio.toFixed(2))];
}

function main(): void {
  using filters = new Filters();
  filters.compile('empty', 'EMPTY');
  for (const count of COUNTS) {
    writeFileSync(join(filters.folder, `chain${count}.o`), writeObject(filters.chain(count)));
    filters.compile(`static${count}`, 'STATIC', `COUNT=${count}`);
  }
  const all = boot(filters.folder);
  const head = [
    'filters',
    'rootlet ns',
    'static calls ns',
    'libxdp ns',
    'rootlet ÷ static',
    'libxdp ÷ static',
    'libxdp ÷ rootlet',
  ];
  const rows = COUNTS.map((count, index) => rowOf(count, all[index] ?? []));
  const text = `Linux ${KERNEL} on an emulated processor: only the ratios mean something. Time per packet over an empty program, the least of ${LOADS * ROUNDS} rounds of ${REPEAT} runs, in the order of the columns round by round, all reloaded ${LOADS} times; libxdp's dispatcher as xdp-loader builds it.`;
  writeResults('chain:vm', `${text}\n\n${table(head, rows)}`);
}

const [, , inside] = process.argv;
if (inside === undefined) main();
else runInside(inside);
