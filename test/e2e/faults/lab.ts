/**
 * Where commands run with a call that fails: a network namespace with a wire, a bpf file system of its own, objects
 * compiled from C. Separate from the tests, which say what is run.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { programsOn } from '../../../src/kernel/hooks/order.ts';
import { listIds, openById, readLinkInfo } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { mountBpffs, packet } from '../../../src/load/testing.ts';
import { BPF_TCX_INGRESS } from '../../../src/uapi/attach-types.ts';
import { BPF_LINK_TYPE_CGROUP } from '../../../src/uapi/link-types.ts';
import { compileInto } from '../../support/compile.ts';
import { type InjectedRun, Injector } from '../../support/injector.ts';
import { kernel, Wire } from '../slots/support.ts';

/** One command, and how to see what it changed. */
export interface Form {
  readonly name: string;
  /** Commands, and what other tools do, that lead from nothing to where it begins. */
  readonly start: readonly (readonly string[] | (() => void | Promise<void>))[];
  readonly words: readonly string[];
  /** What runs: `old` before the command, `new` after it. */
  readonly state: () => string;
  /** Commands that lead back to nothing, whether the command ran or not. */
  readonly stop: readonly (readonly string[])[];
  /** For commands that only look: the state is `old` all the time. */
  readonly looks?: boolean;
  /** For commands that end with 3 for what they report, whatever they repaired. */
  readonly reports?: boolean;
}

export interface Finding {
  readonly form: string;
  readonly nth: number;
  readonly call: string;
  readonly errno: number;
  readonly what: string;
}

/** Programs of the lab begin with it. */
export const PREFIX = 'fi_';

/** Of every bpf file system, and of a store that is empty. */
const ALWAYS = new Set(['/maps.debug', '/progs.debug', '/store', '/store/hooks', '/store/objects']);

/** Of runs that change nothing: how often the command runs again. */
const ALSO_AGAIN = 7;

/** Exit code of timeout(1). */
const TIMED_OUT = 124;

const CLONE_NEWNET = 0x40000000;

export class FaultLab {
  readonly directory = mkdtempSync(join(tmpdir(), 'rootlet-faults-'));
  readonly wire: Wire;
  readonly #mount = mountBpffs();
  /** Links and programs that an interrupted run left. */
  readonly #foreign: ReadonlySet<number> = new Set(listIds(kernel, 'link'));
  readonly #foreignPrograms: ReadonlySet<number> = new Set(listIds(kernel, 'program'));
  readonly #cgroups = mkdtempSync(join(tmpdir(), 'rootlet-cgroups-'));
  /** A directory of a cgroup file system, without processes. */
  readonly cgroup = join(this.#cgroups, `rootlet-faults-${process.pid}`);
  #injector: Injector | undefined;
  readonly findings: Finding[] = [];
  runs = 0;

  constructor(name: string) {
    this.wire = new Wire(name);
    execFileSync('ip', ['-n', this.wire.name, 'link', 'set', 'va', 'up']);
    execFileSync('ip', ['-n', this.wire.name, 'link', 'set', 'lo', 'up']);
    execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', this.#cgroups]);
    mkdirSync(this.cgroup);
    Object.assign(process.env, { ROOTLET_BPFFS: this.root, LIBXDP_BPFFS: this.#mount.path, NO_COLOR: '1' });
  }

  get root(): string {
    return join(this.#mount.path, 'store');
  }

  get bpffs(): string {
    return this.#mount.path;
  }

  async prepare(sources: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(sources)) {
      const directory = join(this.directory, name.includes('/') ? name.slice(0, name.indexOf('/')) : '');
      mkdirSync(directory, { recursive: true });
      compileInto(directory, { [basename(name)]: text });
    }
    this.#injector = await Injector.make([this.#mount.path, '/proc/self/fd/', this.directory]);
  }

  /** Into the network namespace, for good: the file of tests is a process of its own. */
  enter(): void {
    const fd = openSync(`/run/netns/${this.wire.name}`, 'r');
    const result = kernel.syscall('setns', fd, CLONE_NEWNET);
    closeSync(fd);
    if (result < 0) throw new Error(`setns: ${result}`);
  }

  close(): void {
    rmdirSync(this.cgroup);
    execFileSync('umount', [this.#cgroups]);
    rmdirSync(this.#cgroups);
    this.#mount.close();
    this.wire.close();
    rmSync(this.directory, { recursive: true });
  }

  file(name: string): string {
    return join(this.directory, `${name}.o`);
  }

  /** `of`: calls that count. */
  async run(words: readonly string[], nth = 0, errno = 0, of?: RegExp): Promise<InjectedRun> {
    if (this.#injector === undefined) throw new Error('not prepared');
    return await this.#injector.run(words, { nth, errno, of });
  }

  async must(words: readonly string[]): Promise<InjectedRun> {
    const run = await this.run(words);
    if (run.code !== 0) throw new Error(`rootlet ${words.join(' ')}: exit ${run.code}\n${run.out}${run.err}`);
    return run;
  }

  // --- what runs ----------------------------------------------------------------------------------------------------

  /** Verdict of what is on the interface by XDP; -1 for nothing. */
  xdpVerdict(data: Uint8Array = packet()): number {
    const { xdp } = readInterface(kernel, 'va');
    return verdictOf(xdp.native + xdp.generic, data);
  }

  /** Verdicts of what is on the interface by tcx, in order. */
  tcxVerdicts(): number[] {
    const on = programsOn(kernel, readInterface(kernel, 'va').index, BPF_TCX_INGRESS);
    return (on?.programs ?? []).map(({ programId }) => verdictOf(programId));
  }

  /** `tc filter show`, ids of programs. */
  filterVerdicts(): number[] {
    const text = execFileSync('tc', ['filter', 'show', 'dev', 'va', 'ingress'], { encoding: 'utf8' });
    return [...text.matchAll(/ id (\d+) /g)].map(([, id]) => verdictOf(Number(id)));
  }

  /** Names of programs that links run on the cgroup; a link that was detached has no cgroup. */
  onCgroup(): string[] {
    return listIds(kernel, 'link').flatMap(id => {
      if (this.#foreign.has(id)) return [];
      using fd = openById(kernel, 'link', id);
      if (fd === undefined) return [];
      const { type, programId, words } = readLinkInfo(kernel, fd.number);
      const isThere = type === BPF_LINK_TYPE_CGROUP && (words[0] !== 0 || words[1] !== 0);
      const name = isThere ? nameOf(programId) : '';
      return name.startsWith(PREFIX) ? [name] : [];
    });
  }

  /** Whether packets to this host are dropped; else they are answered at once, since no process listens. */
  drops(): boolean {
    const connect = ['1', 'bash', '-c', ': </dev/tcp/127.0.0.1/9'];
    return spawnSync('timeout', connect, { stdio: 'ignore' }).status === TIMED_OUT;
  }

  /** Names of attachments. */
  hooks(): string[] {
    const path = join(this.root, 'hooks');
    return existsSync(path) ? readdirSync(path) : [];
  }

  hasEntry(kind: 'hooks' | 'objects', name: string): boolean {
    return existsSync(join(this.root, kind, name, 'current'));
  }

  /** Verdict of a loaded program by its pin. */
  pinnedVerdict(object: string, program: string): number {
    const path = join(this.root, 'objects', object, 'current', `prog_${program}`);
    const id = existsSync(path) ? idOfPin(path) : 0;
    return id === 0 ? -1 : verdictOf(id);
  }

  programs(): number {
    return listIds(kernel, 'program').filter(
      id => !this.#foreignPrograms.has(id) && nameOf(id).startsWith(PREFIX),
    ).length;
  }

  /** All that is on the bpf file system, without the numbers of generations. */
  tree(): string[] {
    return treeOf(this.#mount.path)
      .map(path => path.slice(this.#mount.path.length).replace(/\/\d+(?=\/|$)|-> \d+/g, '/N'))
      .filter(path => !ALWAYS.has(path))
      .sort();
  }

  // --- faults -------------------------------------------------------------------------------------------------------

  /** All calls of one form: `plan` gives the errnos for each. Returns how many there are. */
  async attack(form: Form, plan: (nth: number, call: string) => readonly number[]): Promise<number> {
    const fds = countFds();
    await this.#begin(form);
    const before = { tree: this.tree(), programs: await this.#settled() };
    const { calls } = await this.must(form.words);
    expectState(form, form.looks === true ? 'old' : 'new');
    const after = { tree: this.tree(), programs: await this.#settled() };
    await this.#stop(form, 0, 'none', 0);
    if (countFds() !== fds) throw new Error(`${form.name}: descriptors left without a fault`);
    const clean: Clean = { fds, before, after };
    let stands = false;
    for (let nth = 1; nth <= calls.length; nth++)
      for (const errno of plan(nth, calls[nth - 1] ?? '')) {
        if (!stands) await this.#begin(form);
        stands = await this.#strike(form, nth, errno, clean);
      }
    if (stands) await this.#stop(form, 0, 'end', 0);
    return calls.length;
  }

  async #begin(form: Form): Promise<void> {
    for (const step of form.start)
      if (typeof step === 'function') await step();
      else await this.must(step);
    expectState(form, 'old');
  }

  /** Nothing on the interface and in the store, whatever is there. */
  #scrub(): void {
    for (const mode of ['xdpdrv', 'xdpgeneric']) run('ip', 'link', 'set', 'dev', 'va', mode, 'off');
    run('tc', 'qdisc', 'del', 'dev', 'va', 'clsact');
    rmTree(this.#mount.path);
  }

  /** Whether what was there before stands as it was. */
  async #strike(form: Form, nth: number, errno: number, clean: Clean): Promise<boolean> {
    this.runs++;
    const run = await this.run(form.words, nth, errno);
    const call = run.failed ?? 'none';
    const found = (what: string): void => {
      const { out, err, code } = run;
      this.findings.push({ form: form.name, nth, call, errno, what: `${what}\n[exit ${code}] ${out}${err}` });
    };
    const state = form.state();
    for (const what of judge(run, state, form)) found(what);
    const left = countFds() - clean.fds;
    if (left !== 0) found(`descriptors: ${left} left`);
    clean.fds += left; // each is reported once
    if (state === 'old' && this.runs % ALSO_AGAIN !== 0 && (await this.#isAsBefore(clean.before)))
      return true;
    if (form.looks !== true) await this.#finish(form, state, clean, found);
    await this.#stop(form, nth, call, errno);
    return false;
  }

  async #isAsBefore({ tree, programs }: World): Promise<boolean> {
    return this.tree().join() === tree.join() && (await this.#settled(programs)) === programs;
  }

  /** The next command completes what was begun, or does it again. */
  async #finish(form: Form, state: string, clean: Clean, found: (what: string) => void): Promise<void> {
    const words = state === 'old' ? form.words : ['ps'];
    const again = await this.run(words);
    if (again.code !== 0) {
      found(`then rootlet ${words.join(' ')}: exit ${again.code} ${again.out}${again.err}`);
      return;
    }
    if (form.state() !== 'new') found(`then rootlet ${words.join(' ')}: ${form.state()}`);
    // what was taken off its hook, and is listed still, is removed by the same command
    const isWhole = (): boolean => this.tree().join() === clean.after.tree.join();
    if (state === 'new' && !isWhole()) await this.run(form.words);
    // a change of the same kind completes what was begun; where it is refused, this command does, and `ps` named it
    if (state === 'new' && !isWhole() && /last change is not complete/.test(again.out + again.err))
      await this.run(['doctor', '--fix']);
    const tree = this.tree();
    if (tree.join() !== clean.after.tree.join()) found(`left: ${difference(tree, clean.after.tree)}`);
    const programs = await this.#settled(clean.after.programs);
    if (programs !== clean.after.programs) found(`programs: ${programs}, not ${clean.after.programs}`);
  }

  async #stop(form: Form, nth: number, call: string, errno: number): Promise<void> {
    for (const words of form.stop) {
      const { code, out, err } = await this.run(words);
      if (code !== 0 && !/there is no|no chain|nothing/.test(out + err))
        this.findings.push({
          form: form.name,
          nth,
          call,
          errno,
          what: `stop ${words.join(' ')}: ${code} ${out}${err}`,
        });
    }
    const left = this.tree();
    if (left.length > 0)
      this.findings.push({ form: form.name, nth, call, errno, what: `left at the end: ${left.join(' ')}` });
    const { xdp } = readInterface(kernel, 'va');
    const attached = [
      xdp.native + xdp.generic,
      ...this.filterVerdicts(),
      ...this.tcxVerdicts(),
      ...this.onCgroup(),
    ];
    if (attached.join() !== '0')
      this.findings.push({
        form: form.name,
        nth,
        call,
        errno,
        what: `attached at the end: ${attached.join()}`,
      });
    this.#scrub();
  }

  /** Number of programs once the kernel has freed what is to go. */
  async #settled(wanted?: number): Promise<number> {
    let last = this.programs();
    for (let round = 0; round < 100 && last !== wanted; round++) {
      await sleep(wanted === undefined ? 100 : 20);
      const next = this.programs();
      if (wanted === undefined && next === last) return next;
      last = next;
    }
    return last;
  }
}

interface World {
  readonly tree: readonly string[];
  readonly programs: number;
}

interface Clean {
  fds: number;
  readonly before: World;
  readonly after: World;
}

/** What is wrong with an exit code and a message, by what runs. */
function judge(
  { code, err, out }: InjectedRun,
  state: string,
  { looks = false, reports = false }: Form,
): string[] {
  const wrong: string[] = [];
  if (/internal error|^ +at /m.test(err)) wrong.push('internal error');
  if (state !== 'old' && state !== 'new') return [...wrong, `mixed: ${state}`];
  if (![0, 1, 3, 4, 5].includes(code)) wrong.push(`exit code ${code}`);
  if (looks) return state === 'old' ? wrong : [...wrong, 'changed'];
  if (code === 0 && state !== 'new') wrong.push('succeeded, but the old runs');
  if (code === 5 && state !== 'new') wrong.push('exit 5, but the old runs');
  if (code !== 0 && code !== 5 && state === 'new' && !(reports && code === 3))
    wrong.push('failed before the switch, but the new runs');
  if (code !== 0 && (err + out).trim() === '') wrong.push('no message');
  return wrong;
}

function expectState(form: Form, wanted: string): void {
  const state = form.state();
  if (state !== wanted) throw new Error(`${form.name}: ${state}, not ${wanted}`);
}

function verdictOf(id: number, data: Uint8Array = packet()): number {
  const fd = id === 0 ? undefined : openById(kernel, 'program', id);
  if (fd === undefined) return -1;
  using program = BpfProgram.adopt(kernel, fd);
  return program.testRun({ data }).verdict;
}

/** Of a tool that may have nothing to do. */
function run(tool: string, ...words: readonly string[]): void {
  spawnSync(tool, words, { stdio: 'ignore' });
}

function nameOf(id: number): string {
  const fd = openById(kernel, 'program', id);
  if (fd === undefined) return '';
  using program = BpfProgram.adopt(kernel, fd);
  return program.name;
}

function idOfPin(path: string): number {
  const text = execFileSync('bpftool', ['-j', 'prog', 'show', 'pinned', path], { encoding: 'utf8' });
  return (JSON.parse(text) as { readonly id: number }).id;
}

function treeOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap(one => {
    const path = join(directory, one.name);
    if (one.isSymbolicLink()) return [`${path} -> ${readlinkSync(path)}`];
    return one.isDirectory() ? [path, ...treeOf(path)] : [path];
  });
}

function rmTree(directory: string): void {
  for (const name of readdirSync(directory))
    if (!name.endsWith('.debug')) rmSync(join(directory, name), { recursive: true, force: true });
}

function difference(is: readonly string[], wanted: readonly string[]): string {
  const more = is.filter(path => !wanted.includes(path));
  const less = wanted.filter(path => !is.includes(path));
  return `${more.map(path => `+${path}`).join(' ')} ${less.map(path => `-${path}`).join(' ')}`;
}
