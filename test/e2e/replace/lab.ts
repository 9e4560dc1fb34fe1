/**
 * Where tests of `rootlet replace` run the real command: a network namespace with a wire, a bpf file system of their own,
 * objects compiled from C.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { recoverLeft } from '../../../src/dynamic/entries/recover.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { listIds, openById } from '../../../src/kernel/objects/info.ts';
import type { BpfMap } from '../../../src/kernel/objects/map.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { mountBpffs, packet } from '../../../src/load/testing.ts';
import type { EntryKind } from '../../../src/store/record.ts';
import { Store, type StoreEntry } from '../../../src/store/store.ts';
import { compileInto } from '../../support/compile.ts';
import { bundleCommand, type SteppedCommand } from '../../support/stepped-command.ts';
import { kernel, Wire } from '../slots/support.ts';

export interface Run {
  readonly code: number | 'SIGKILL';
  readonly out: string;
  readonly err: string;
}

/** Rows of `state` in the command's JSON. */
export interface StateRow {
  readonly key: string;
  readonly component: string | null;
  readonly map: string;
  readonly kind: string;
  readonly reason: string;
  readonly from: string | null;
  readonly variables: readonly string[];
  readonly lost: readonly { readonly name: string; readonly reason: string }[];
  readonly entries: { readonly carried: number; readonly lost: readonly string[] } | null;
}

export interface SlotRow {
  readonly slot: string;
  readonly component: string | null;
  readonly version: number | null;
  readonly file: string | null;
  readonly program: string | null;
}

/** The command's JSON, as far as tests look at it. */
export interface Replacement {
  readonly ok: boolean;
  readonly kind: string;
  readonly via: string;
  readonly slots: readonly SlotRow[];
  readonly state: readonly StateRow[];
  readonly settings: readonly Readonly<Record<string, unknown>>[];
  readonly droppedSettings: readonly string[];
  readonly consumers: readonly { readonly name: string; readonly how: readonly string[] }[];
}

export class Lab {
  readonly prefix: string;
  readonly wire: Wire;
  readonly command: SteppedCommand;
  /** Temporary files of this lab. */
  readonly directory: string;
  #bpffs: ReturnType<typeof mountBpffs>;
  /** Programs that an interrupted run left. */
  readonly #foreign: ReadonlySet<number>;

  private constructor(prefix: string, command: SteppedCommand) {
    this.prefix = prefix;
    this.command = command;
    this.wire = new Wire(prefix.replaceAll('_', ''));
    this.directory = mkdtempSync(join(tmpdir(), 'rootlet-replace-'));
    this.#bpffs = mountBpffs();
    this.#foreign = new Set(listIds(kernel, 'program'));
  }

  /** `prefix`: of all programs and maps in the sources, at most three characters. */
  static async open(prefix: string): Promise<Lab> {
    return new Lab(prefix, await bundleCommand());
  }

  close(): void {
    this.#bpffs.close();
    this.wire.close();
    rmSync(this.directory, { recursive: true });
    this.command.remove();
  }

  /** An empty store, and nothing on the hooks. What a test left ends with its pins. */
  reset(): void {
    this.#bpffs.close();
    this.#bpffs = mountBpffs();
  }

  // --- objects ----------------------------------------------------------------------------------------------------

  /** Compiles to `NAME.o`; a name may have a directory before it. */
  compile(sources: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(sources)) {
      const directory = join(this.directory, dirname(name));
      mkdirSync(directory, { recursive: true });
      compileInto(directory, { [basename(name)]: text });
    }
  }

  /** Path of an object. */
  file(name: string): string {
    const path = join(this.directory, `${name}.o`);
    if (!existsSync(path)) throw new Error(`${name} was not compiled`);
    return path;
  }

  // --- the command ------------------------------------------------------------------------------------------------

  /** Mount point of the bpf file system. */
  get bpffs(): string {
    return this.#bpffs.path;
  }

  get root(): string {
    return join(this.#bpffs.path, 'store');
  }

  #env(more: Readonly<Record<string, string>> = {}) {
    return { ...process.env, NO_COLOR: '1', ROOTLET_BPFFS: this.root, ...more };
  }

  #argv(words: readonly string[]): readonly [string, readonly string[]] {
    return ['ip', ['netns', 'exec', this.wire.name, process.execPath, this.command.path, ...words]];
  }

  /** Runs the command in the network namespace. `directory`: where it runs, among the objects. */
  run(words: readonly string[], more: Readonly<Record<string, string>> = {}, directory?: string): Run {
    const [file, args] = this.#argv(words);
    const cwd = directory === undefined ? {} : { cwd: join(this.directory, directory) };
    return runOf(spawnSync(file, args, { encoding: 'utf8', env: this.#env(more), ...cwd }));
  }

  /** The same outside of it, where the files of this process are seen. */
  runHere(...words: readonly string[]): Run {
    return runOf(
      spawnSync(process.execPath, [this.command.path, ...words], { encoding: 'utf8', env: this.#env() }),
    );
  }

  /** Output of a run that has to succeed. */
  rootlet(...words: readonly string[]): string {
    const { code, out, err } = this.run(words);
    if (code !== 0) throw new Error(`rootlet ${words.join(' ')}: exit ${code}\n${out}${err}`);
    return out;
  }

  replace(...words: readonly string[]): Replacement {
    return JSON.parse(this.rootlet('replace', ...words, '--json'));
  }

  /** Standard error of a run that has to fail. */
  refused(...words: readonly string[]): string {
    const { code, out, err } = this.run(words);
    if (code === 0) throw new Error(`rootlet ${words.join(' ')} succeeded:\n${out}`);
    return err;
  }

  attach(object: string, ...words: readonly string[]): void {
    this.rootlet('attach', 'xdp', 'va', this.file(object), '--mode', 'generic', '--name', 'R', ...words);
  }

  /** The same for an object of several programs. */
  attachProgram(object: string, program: string, ...words: readonly string[]): void {
    const file = `${this.file(object)}:${program}`;
    this.rootlet('attach', 'xdp', 'va', file, '--mode', 'generic', '--name', 'R', ...words);
  }

  /** A run that is to kill itself before a step. */
  killed(step: number, words: readonly string[]): Promise<Run> {
    const [file, args] = this.#argv(words);
    const child = spawn(file, args, { env: this.#env({ ROOTLET_TEST_KILL: String(step) }) });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      out += String(text);
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      err += String(text);
    });
    return new Promise(resolve => {
      child.once('close', (code, signal) =>
        resolve({ code: signal === 'SIGKILL' ? 'SIGKILL' : (code ?? 1), out, err }),
      );
    });
  }

  // --- what runs --------------------------------------------------------------------------------------------------

  /** Id of the program on the interface; 0 for none. */
  get running(): number {
    return this.wire.inside(() => readInterface(kernel, 'va')).xdp.generic;
  }

  /** Verdict of what is on the interface, for one packet. */
  judge(data: Uint8Array = packet()): number {
    return judgeBy(this.running, data);
  }

  /** As the command opens it. */
  #store(): Store {
    return Store.open(kernel, this.root, { hasHappened: recoverLeft });
  }

  entry(kind: EntryKind = 'hook', name = 'R'): StoreEntry {
    const entry = this.#store().find(kind, name);
    if (entry === undefined) throw new Error(`there is no ${kind} ${name}`);
    return entry;
  }

  /** Names of maps in the record → ids. */
  mapIds(kind: EntryKind = 'hook', name = 'R'): Map<string, number> {
    return new Map(this.entry(kind, name).record.maps.map(({ name: map, id }) => [map, id]));
  }

  programIds(kind: EntryKind = 'hook', name = 'R'): Map<string, number> {
    return new Map(this.entry(kind, name).record.programs.map(({ name: program, id }) => [program, id]));
  }

  /** Uses a map of an entry, by its key in the record. */
  withMap<T>(key: string, use: (map: BpfMap) => T, kind: EntryKind = 'hook', name = 'R'): T {
    const store = this.#store();
    const entry = this.entry(kind, name);
    using map = store.openMap(entry, key);
    return use(map);
  }

  /** A u64 in the first value of an array or data section. */
  word(key: string, offset = 0, kind: EntryKind = 'hook', name = 'R'): number {
    return this.withMap(key, map => u64(map.lookup(new Uint8Array(map.keySize)), offset), kind, name);
  }

  put(key: string, index: number, value: number): void {
    this.withMap(key, map => map.update(bytesOf(index, map.keySize), bytesOf(value, map.valueSize)));
  }

  get(key: string, index: number): number | undefined {
    return this.withMap(key, map => {
      const value = map.lookup(bytesOf(index, map.keySize));
      return value === undefined ? undefined : Number(readLittle(value));
    });
  }

  // --- leftovers --------------------------------------------------------------------------------------------------

  /**
   * Programs in the kernel that are of this lab's sources, and that were not there before it. Not maps: to open an array of programs that is going away
   * keeps it in the kernel for good (prog_array_map_clear takes a reference for work that is queued already).
   */
  programs(): string[] {
    return listIds(kernel, 'program').flatMap(id => {
      const name = this.#foreign.has(id) ? '' : nameOfProgram(id);
      return name.startsWith(this.prefix) ? [`${id} ${name}`] : [];
    });
  }

  /** Everything below the store, with where links point. */
  tree(): string[] {
    return treeOf(this.root).sort();
  }

  /** Directories of generations of an entry. */
  generations(kind: 'hooks' | 'objects' = 'hooks', name = 'R'): string[] {
    return readdirSync(join(this.root, kind, name)).filter(one => /^\d+$/.test(one));
  }
}

function runOf(result: ReturnType<typeof spawnSync>): Run {
  const code = result.signal === 'SIGKILL' ? 'SIGKILL' : (result.status ?? 1);
  return { code, out: String(result.stdout), err: String(result.stderr) };
}

/** Verdict of a program by its id; -1 when there is none. */
export function judgeBy(id: number, data: Uint8Array = packet()): number {
  const fd = id === 0 ? undefined : openById(kernel, 'program', id);
  if (fd === undefined) return -1;
  using program = BpfProgram.adopt(kernel, fd);
  return program.testRun({ data }).verdict;
}

function nameOfProgram(id: number): string {
  const fd = openById(kernel, 'program', id);
  if (fd === undefined) return '';
  using program = BpfProgram.adopt(kernel, fd);
  return program.name;
}

function treeOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap(one => {
    const path = join(directory, one.name);
    if (one.isSymbolicLink()) return [`${path} -> ${readlinkSync(path)}`];
    return one.isDirectory() ? [path, ...treeOf(path)] : [path];
  });
}

export function bytesOf(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, rest = BigInt(value); at < length; at++, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

function readLittle(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function u64(value: Uint8Array | undefined, offset: number): number {
  return value === undefined ? -1 : Number(readLittle(value.subarray(offset, offset + 8)));
}

/** One row of `state`. */
export function rowOf({ state }: Pick<Replacement, 'state'>, key: string): StateRow {
  const row = state.find(one => one.key === key);
  if (row === undefined) throw new Error(`no row ${key} in ${state.map(one => one.key).join(', ')}`);
  return row;
}

/** Kinds of all rows, by key. */
export function kindsOf({ state }: Pick<Replacement, 'state'>): Record<string, string> {
  return Object.fromEntries(state.map(({ key, kind }) => [key, kind]));
}
