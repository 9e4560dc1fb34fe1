/**
 * `npm run bench:chain:vm`: chains of both back ends beside libxdp's dispatcher, and the commands beside xdp-loader.
 *
 * A dispatcher calls its filters through function replacement, which many kernels of virtual machines refuse; so this
 * runs under Debian's kernel in the emulated machine of scripts/vm.js. Its nanoseconds say nothing about real
 * processors; ratios of what the same emulator ran in the same minute say something. Needs root, clang-19, qemu and
 * xdp-tools. Called with a directory, this is the part inside: it measures the objects that are there.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changeChain } from '../src/chain/chains.ts';
import { findChainHook } from '../src/chain/engine/hooks.ts';
import { readInterface } from '../src/kernel/hooks/interface.ts';
import { openById } from '../src/kernel/objects/info.ts';
import { BpfProgram } from '../src/kernel/objects/program.ts';
import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import { InputObject } from '../src/object/read/input.ts';
import { readObject } from '../src/object/read/read.ts';
import { writeObject } from '../src/object/write/write.ts';
import { Store } from '../src/store/store.ts';
import { BPF_PROG_TYPE_XDP } from '../src/uapi/program-types.ts';
import { optimized } from './chain-optimizer.ts';
import { Filters, packet } from './filters.ts';
import { ROOT, table, writeResults } from './support.ts';

const KERNEL = '6.12';
const COUNTS = [1, 2, 5, 10];
/** The position of code matters much to the emulator, so everything is reloaded several times. */
const LOADS = 2;
const ROUNDS = 8;
const REPEAT = 5_000;
const COMMAND_ROUNDS = 2;
/** For all of it, on a machine that does other things as well. */
const LIMIT_SECONDS = 3000;
const MARK = '@figures ';
/** Of xdp-loader and of commands, and of the chain that is built here. */
const [INTERFACE, OTHER] = ['bench', 'other'] as const;
const ROOTLET = join(ROOT, 'bin/rootlet.js');

/** Least ns for one length: empty program, linked chain, static calls, libxdp's dispatcher, ours, optimized chain. */
type Figures = readonly number[];

/** Programs in the guest, and what goes away with each. */
interface Subject {
  readonly program: BpfProgram;
  readonly times: number[];
  close(): void;
}

function call(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function fromFile(sys: Sys, path: string, program: string): Subject {
  const loaded = executeLoad(
    planLoad(preparedAlone(readObject({ name: path, bytes: readFileSync(path) }))),
    sys,
  );
  return { program: loaded.program(program), times: [], close: () => loaded.close() };
}

/** A program that a command has put on the interface. */
function fromInterface(sys: Sys, name: string, load: () => void, unload: () => void): Subject {
  load();
  const fd = openById(sys, 'program', readInterface(sys, name).xdp.generic);
  if (fd === undefined) throw new Error('nothing is attached');
  const program = new BpfProgram(sys, fd, 'dispatcher', BPF_PROG_TYPE_XDP);
  const { name: attached } = program.info();
  if (attached !== 'xdp_dispatcher') throw new Error(`"${attached}" is attached, which is not a dispatcher`);
  const close = () => {
    program.close();
    unload();
  };
  return { program, times: [], close };
}

/** Several objects put on one interface by xdp-loader; the program that is attached then is the dispatcher. */
const fromDispatcher = (sys: Sys, paths: readonly string[]): Subject =>
  fromInterface(
    sys,
    INTERFACE,
    () => call('xdp-loader', 'load', '-m', 'skb', INTERFACE, ...paths),
    () => call('xdp-loader', 'unload', '-a', INTERFACE),
  );

const OURS = { via: 'libxdp', mode: 'generic' } as const;

/** The same by our back end, without counters, which a dispatcher of libxdp does not have. */
function fromOurs(sys: Sys, paths: readonly string[]): Subject {
  const context = { sys, store: Store.open(sys, '/sys/fs/bpf/rootlet'), time: null };
  const hook = findChainHook(sys, OTHER, 'xdp');
  const members = paths.map(path => ({
    file: new InputObject({ name: path, path, bytes: readFileSync(path) }),
  }));
  return fromInterface(
    sys,
    OTHER,
    () => void changeChain(context, hook, { kind: 'load', members }, { ...OURS, counters: false }),
    () => void changeChain(context, hook, { kind: 'unload', members: 'all' }),
  );
}

function measureInside(sys: Sys, folder: string, count: number): Figures {
  const at = (name: string) => join(folder, `${name}.o`);
  const ones = Array.from({ length: count }, (_, index) => at(`one${index}`));
  const bytes = packet();
  const subjects = [
    fromFile(sys, at('empty'), 'prog'),
    fromFile(sys, at(`chain${count}`), 'chain'),
    fromFile(sys, at(`static${count}`), 'prog'),
    fromDispatcher(sys, ones),
    fromOurs(sys, ones),
    fromFile(sys, at(`optimized${count}`), 'chain'),
  ];
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

// --- whole commands -----------------------------------------------------------------------------------------------

type Action = () => void;
/** Milliseconds by step, for xdp-loader and both back ends. */
type Durations = readonly (readonly number[])[];

/** Steps with one chain of ten members: what xdp-loader has no command for is the two that users run. */
function commandSteps(folder: string): readonly (readonly Action[])[] {
  const files = Array.from({ length: 10 }, (_, index) => join(folder, `one${index}.o`));
  const other = join(folder, 'other.o');
  const rootlet = (...words: readonly string[]) => call(process.execPath, ROOTLET, 'xdp', ...words);
  const ours = (via: string): Action[] => [
    () => rootlet('load', INTERFACE, ...files, '--mode', 'skb', '--via', via),
    () => rootlet('replace', INTERFACE, 'one4', other),
    () => rootlet('unload', INTERFACE, '--all'),
  ];
  const theirs: Action[] = [
    () => call('xdp-loader', 'load', '-m', 'skb', INTERFACE, ...files),
    () => {
      call('xdp-loader', 'unload', '-i', idOfMember(4), INTERFACE);
      call('xdp-loader', 'load', '-m', 'skb', INTERFACE, other);
    },
    () => call('xdp-loader', 'unload', '-a', INTERFACE),
  ];
  return [theirs, ours('libxdp'), ours('static')];
}

function idOfMember(position: number): string {
  const lines = call('xdp-loader', 'status', INTERFACE).split('\n');
  const [, , , id = ''] =
    lines
      .filter(line => line.startsWith(' =>'))
      [position]?.trim()
      .split(/ +/) ?? [];
  return id;
}

function timeCommands(folder: string): Durations {
  const tools = commandSteps(folder);
  const times = tools.map(steps => steps.map(() => [] as number[]));
  for (let round = -1; round < COMMAND_ROUNDS; round++) {
    for (const [tool, steps] of tools.entries()) {
      for (const [step, action] of steps.entries()) {
        const start = process.hrtime.bigint();
        action();
        if (round >= 0) times[tool]?.[step]?.push(Number(process.hrtime.bigint() - start) / 1e6);
      }
    }
  }
  return times.map(steps => steps.map(all => Math.min(...all)));
}

/** What the part inside reports. */
interface Report {
  readonly figures: readonly Figures[];
  readonly durations: Durations;
}

function runInside(folder: string): void {
  const sys = openSys();
  call('ip', 'link', 'add', INTERFACE, 'type', 'veth', 'peer', 'name', OTHER);
  const figures = COUNTS.map(count => {
    const loads = Array.from({ length: LOADS }, () => measureInside(sys, folder, count));
    return [0, 1, 2, 3, 4, 5].map(column => Math.min(...loads.map(each => each[column] ?? 0)));
  });
  const report: Report = { figures, durations: timeCommands(folder) };
  process.stdout.write(`${MARK}${JSON.stringify(report)}\n`);
}

function boot(folder: string): Report {
  const script = [join(ROOT, 'scripts/vm.js'), KERNEL, '--', 'node', fileURLToPath(import.meta.url), folder];
  const env = { ...process.env, VM_TIMEOUT_SECONDS: String(LIMIT_SECONDS) };
  const result = spawnSync(process.execPath, script, { encoding: 'utf8', cwd: ROOT, env });
  const line = result.stdout.split('\n').find(text => text.startsWith(MARK));
  if (result.status !== 0 || line === undefined)
    throw new Error(`the virtual machine ended with ${result.status}: ${result.stdout}${result.stderr}`);
  return JSON.parse(line.slice(MARK.length)) as Report; // written by runInside()
}

function rowOf(
  count: number,
  [empty = 0, chain = 0, fixed = 0, theirs = 0, ours = 0, optimized = 0]: Figures,
): string[] {
  const over = [optimized, chain, fixed, ours, theirs].map(time => time - empty);
  const [fast = 0, plain = 0, calls = 1, dispatcher = 0, other = 1] = over;
  const ratios = [fast / other, plain / calls, plain / other, dispatcher / other];
  return [String(count), ...over.map(time => time.toFixed(0)), ...ratios.map(ratio => ratio.toFixed(2))];
}

const STEPS = ['load 10 members', 'replace one of them', 'unload all'];

function stepRow(step: string, at: number, durations: Durations): string[] {
  return [step, ...durations.map(times => (times[at] ?? 0).toFixed(0))];
}

function main(): void {
  using filters = new Filters();
  filters.compile('empty', 'EMPTY');
  filters.compile('other', 'ONE=10');
  for (const count of COUNTS) {
    const chain = filters.chain(count);
    writeFileSync(join(filters.folder, `chain${count}.o`), writeObject(chain));
    writeFileSync(join(filters.folder, `optimized${count}.o`), writeObject(optimized(chain)));
    filters.compile(`static${count}`, 'STATIC', `COUNT=${count}`);
  }
  const { figures, durations } = boot(filters.folder);
  const head = [
    'filters',
    'chain -O1 ns',
    'chain -O0 ns',
    'static calls ns',
    'our dispatcher ns',
    'libxdp ns',
    '-O1 ÷ libxdp',
    '-O0 ÷ static',
    '-O0 ÷ libxdp',
    'our dispatcher ÷ libxdp',
  ];
  const rows = COUNTS.map((count, index) => rowOf(count, figures[index] ?? []));
  const commands = table(
    ['command', 'xdp-loader ms', 'rootlet --via libxdp ms', 'rootlet --via static ms'],
    STEPS.map((step, at) => stepRow(step, at, durations)),
  );
  const text = `Linux ${KERNEL} on an emulated processor: only the ratios mean something. Time per packet over an empty program, the least of ${LOADS * ROUNDS} rounds of ${REPEAT} runs, in the order of the columns round by round, all reloaded ${LOADS} times; libxdp's dispatcher as xdp-loader builds it.`;
  const more = `Whole commands from start to end, the least of ${COMMAND_ROUNDS} in turns after one that does not count. Node runs about ten times slower there than on the processor itself, because its compilers are emulated as well; xdp-loader replaces a member by two commands, between which the chain has nine.`;
  writeResults('chain:vm', `${text}\n\n${table(head, rows)}\n\n${more}\n\n${commands}`);
}

const [, , inside] = process.argv;
if (inside === undefined) main();
else runInside(inside);
