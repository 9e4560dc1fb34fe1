/**
 * Where tests of chains run: a network namespace with a wire, a bpf file system of their own, members compiled from C, and
 * the rule of a chain as libxdp states it.
 */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChainChange, type ChainOptions, changeChain } from '../../../src/chain/chains.ts';
import type { ChainContext } from '../../../src/chain/engine/context.ts';
import { findChainHook } from '../../../src/chain/engine/hooks.ts';
import { recoverChains } from '../../../src/chain/engine/recover.ts';
import type { ChainHook, ChainState } from '../../../src/chain/model/chain.ts';
import type { ChainEdit, MemberRequest } from '../../../src/chain/model/edit.ts';
import { readChain } from '../../../src/chain/reading.ts';
import { RootletError } from '../../../src/diag/problem.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfMap } from '../../../src/kernel/objects/map.ts';
import { openPinned } from '../../../src/kernel/objects/pin.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import type { Settings } from '../../../src/state/settings.ts';
import { Store } from '../../../src/store/store.ts';
import { compileInto } from '../../support/compile.ts';
import type { SteppedCommand } from '../../support/stepped-command.ts';
import { kernel, Wire } from '../slots/support.ts';
import type { Job, JobMember, JobResult } from './driver.ts';
import { VERDICT_AT } from './members.ts';

/** The interface that chains are on. */
export const IFACE = 'va';

/** What `bundleCommand` makes the driver of. */
export const DRIVER = `
  import { main } from ${JSON.stringify(join(import.meta.dirname, 'driver.ts'))};
  await main(process.argv.slice(2));`;

/** A process that ended. */
export interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly err: string;
  /** One for each change. */
  readonly results: readonly JobResult[];
}

export class ChainLab {
  readonly wire: Wire;
  /** Objects, as `NAME.o`. */
  readonly directory: string;
  #bpffs: ReturnType<typeof mountBpffs>;

  /** `name` is part of the name of the network namespace. */
  constructor(name: string) {
    this.wire = new Wire(name);
    this.directory = mkdtempSync(join(tmpdir(), 'rootlet-chain-'));
    this.#bpffs = mountBpffs();
  }

  close(): void {
    this.#bpffs.close();
    this.wire.close();
    rmSync(this.directory, { recursive: true });
  }

  /** Nothing on the interface, and an empty store. */
  reset(): void {
    for (const mode of ['xdpdrv', 'xdpgeneric']) this.ip('link', 'set', 'dev', IFACE, mode, 'off');
    this.#bpffs.close();
    this.#bpffs = mountBpffs();
  }

  /** `ip` in the network namespace. */
  ip(...words: readonly string[]): void {
    execFileSync('ip', ['-n', this.wire.name, ...words]);
  }

  /** Mount point of the bpf file system. */
  get bpffs(): string {
    return this.#bpffs.path;
  }

  /** Directory of the store. */
  get root(): string {
    return join(this.#bpffs.path, 'rootlet');
  }

  /** Every command opens the store so; `sys`: another way to the kernel. */
  context(sys: Sys = kernel): ChainContext {
    return { sys, store: Store.open(sys, this.root, { hasHappened: recoverChains }), time: null };
  }

  // --- members ------------------------------------------------------------------------------------------------------

  compile(sources: Readonly<Record<string, string>>): void {
    compileInto(this.directory, sources);
  }

  file(name: string): string {
    return join(this.directory, `${name}.o`);
  }

  input(name: string): InputObject {
    return InputObject.from({ name: this.file(name), bytes: readFileSync(this.file(name)) });
  }

  /** A request for the object `NAME.o`. */
  member(name: string, more: Partial<MemberRequest> = {}): MemberRequest {
    return { file: this.input(name), ...more };
  }

  // --- changes ------------------------------------------------------------------------------------------------------

  get hook(): ChainHook {
    return this.wire.inside(() => findChainHook(kernel, IFACE, 'xdp'));
  }

  change(edit: ChainEdit, options: ChainOptions = {}, sys: Sys = kernel): ChainChange {
    return this.wire.inside(() =>
      changeChain(this.context(sys), findChainHook(kernel, IFACE, 'xdp'), edit, options),
    );
  }

  load(members: readonly (string | MemberRequest)[], options: ChainOptions = {}): ChainChange {
    const requests = members.map(one => (typeof one === 'string' ? this.member(one) : one));
    return this.change({ kind: 'load', members: requests }, options);
  }

  replace(name: string, member: string | MemberRequest, options: ChainOptions = {}): ChainChange {
    const request = typeof member === 'string' ? this.member(member) : member;
    return this.change({ kind: 'replace', name, member: request }, options);
  }

  unload(members: readonly (string | number)[] | 'all', options: ChainOptions = {}): ChainChange {
    return this.change({ kind: 'unload', members }, options);
  }

  order(...names: readonly string[]): ChainChange {
    return this.change({ kind: 'order', names });
  }

  read(): ChainState {
    return this.wire.inside(() => readChain(this.context(), findChainHook(kernel, IFACE, 'xdp')));
  }

  /** Names of the members that run, in order. */
  get names(): string[] {
    return this.read().members.map(({ name }) => name);
  }

  // --- processes ----------------------------------------------------------------------------------------------------

  /** Runs the driver with a job in the network namespace; `env` may make it kill itself. */
  spawn(
    driver: SteppedCommand,
    job: Omit<Job, 'root' | 'interface'>,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Ended> {
    const text = JSON.stringify({ root: this.root, interface: IFACE, ...job });
    const words = ['netns', 'exec', this.wire.name, process.execPath, driver.path, text];
    const child = spawn('ip', words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', part => {
      out += String(part);
    });
    child.stderr.setEncoding('utf8').on('data', part => {
      err += String(part);
    });
    return new Promise(resolve => {
      child.once('close', (code, signal) => {
        const results =
          out.trim() === ''
            ? []
            : out
                .trim()
                .split('\n')
                .map(line => JSON.parse(line) as JobResult);
        resolve({ killed: signal === 'SIGKILL', code, err, results });
      });
    });
  }

  /** A member for a job. */
  jobMember(name: string, more: Omit<JobMember, 'path'> = {}): JobMember {
    return { path: this.file(name), ...more };
  }

  // --- what runs ----------------------------------------------------------------------------------------------------

  /** Id of the program on the interface; 0 for none. */
  get running(): number {
    const { xdp } = this.wire.inside(() => readInterface(kernel, IFACE));
    return xdp.native + xdp.generic;
  }

  /** Verdict for a packet in which the members, by position, find these verdicts. */
  judge(...verdicts: readonly number[]): number {
    using program = openProgram(this.running);
    return program.testRun({ data: packetOf(verdicts) }).verdict;
  }

  /** Path of a pinned map of a component, as operators know it. */
  pin(component: string, map: string, entry = `xdp-${IFACE}`): string {
    return join(this.root, 'hooks', entry, 'components', component, 'maps', map);
  }

  /** Names of components that have pins. */
  pinned(entry = `xdp-${IFACE}`): string[] {
    const directory = join(this.root, 'hooks', entry, 'components');
    return existsSync(directory) ? readdirSync(directory).sort() : [];
  }

  #open(component: string, map: string): BpfMap {
    const path = this.pin(component, map);
    const fd = openPinned(kernel, path);
    if (fd === undefined) throw new Error(`there is no ${path}`);
    return BpfMap.adopt(kernel, fd);
  }

  /** Id of the map that is pinned under a component's name. */
  mapId(component: string, map: string): number {
    using opened = this.#open(component, map);
    return opened.info().id;
  }

  /** An entry of a map of u64, or a variable of a data section. */
  word(component: string, map: string, index = 0, offset = 0): number {
    using opened = this.#open(component, map);
    return u64(opened.lookup(u32(index)), offset);
  }

  put(component: string, map: string, index: number, value: number): void {
    using opened = this.#open(component, map);
    opened.update(u32(index), new Uint8Array(new BigUint64Array([BigInt(value)]).buffer));
  }

  /** Everything below the bpf file system, with where links point. */
  tree(directory = this.bpffs): string[] {
    return readdirSync(directory, { withFileTypes: true })
      .flatMap(one => {
        const path = join(directory, one.name);
        if (one.isSymbolicLink()) return [`${path} -> ${readlinkSync(path)}`];
        return one.isDirectory() ? [path, ...this.tree(path)] : [path];
      })
      .sort();
  }

  /** Everything below the directory of entries. */
  entries(): string[] {
    return this.tree().filter(path => path.startsWith(`${this.root}/hooks/`));
  }

  /** Attaches a program of another tool, and gives its id. */
  attachForeign(name: string, mode = 'xdpgeneric'): number {
    this.ip('link', 'set', 'dev', IFACE, mode, 'obj', this.file(name), 'sec', 'xdp');
    return this.running;
  }

  /** The same in the place of what is there now. */
  attachForeignOver(name: string): number {
    const mode = this.read().mode === 'native' ? 'xdpdrv' : 'xdpgeneric';
    this.ip('-force', 'link', 'set', 'dev', IFACE, mode, 'obj', this.file(name), 'sec', 'xdp');
    return this.running;
  }
}

export function settings(globals: Readonly<Record<string, number>>): Settings {
  return { globals: new Map(Object.entries(globals)), maxEntries: new Map() };
}

/** Code of the error that a call throws; undefined when it does not. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof RootletError) return error.code;
    throw error;
  }
  return undefined;
}

// --- the rule -------------------------------------------------------------------------------------------------------

const XDP_PASS = 2;

/** A member as the dispatcher of libxdp has it: its verdict, and bit n set where verdict n continues. */
export interface RuleMember {
  readonly verdict: number;
  readonly mask: number;
}

/**
 * The verdict of a chain, and how many members ran: one member replaces the dispatcher and its verdict is that of the
 * chain; of several, each whose verdict is in its mask continues, and PASS follows the last one.
 */
export function ruleOf(members: readonly RuleMember[]): { readonly verdict: number; readonly ran: number } {
  const [first] = members;
  if (members.length === 1 && first !== undefined) return { verdict: first.verdict, ran: 1 };
  const at = members.findIndex(({ verdict, mask }) => verdict > 31 || ((mask >>> verdict) & 1) === 0);
  const last = members[at];
  return last === undefined
    ? { verdict: XDP_PASS, ran: members.length }
    : { verdict: last.verdict, ran: at + 1 };
}

// --- values ---------------------------------------------------------------------------------------------------------

export function packetOf(verdicts: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
  bytes.set(verdicts, VERDICT_AT);
  return bytes;
}

export function openProgram(id: number): BpfProgram {
  const fd = openById(kernel, 'program', id);
  if (fd === undefined) throw new Error(`there is no program ${id}`);
  return BpfProgram.adopt(kernel, fd);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

function u64(value: Uint8Array | undefined, offset: number): number {
  if (value === undefined) return -1;
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(offset, true));
}
