/**
 * The command in this process, with one call to the kernel that fails: the n-th one, with an errno.
 *
 * Calls are those of `Sys`, and those of `node:fs` on paths that the test names (bpf file systems, /proc). Each run
 * evaluates the bundled command once more, so that it begins as a new process does: nothing is known of earlier runs.
 */

import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getSystemErrorName } from 'node:util';
import vm from 'node:vm';
import { build } from 'esbuild';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from '../../src/kernel/sys/sys.ts';
import * as commands from '../../src/uapi/commands.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'cli/main.ts');
const OPEN = join(ROOT, 'src/kernel/open/koffi.ts');
const MADE = 'new KoffiSys(koffiCalls(), numbers)';

const COMMAND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(commands).map(([name, number]) => [number, name]),
);

/** These never fail in a way that a program can do something about. */
const INFALLIBLE: ReadonlySet<SyscallName> = new Set(['close', 'munmap']);

/** File operations that take a path first. */
const FILE_CALLS = [
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readdirSync',
  'readlinkSync',
  'renameSync',
  'rmdirSync',
  'statfsSync',
  'statSync',
  'symlinkSync',
  'unlinkSync',
] as const;

export interface InjectedRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Calls that were made, in order. */
  readonly calls: readonly string[];
  /** The one that failed; undefined when there were fewer. */
  readonly failed: string | undefined;
}

interface Fault {
  /** Which call fails, from 1; 0 for none. */
  readonly nth: number;
  readonly errno: number;
  /** Calls that count; default all. Of other processes' objects more or fewer may be looked at in each run. */
  readonly of?: RegExp | undefined;
}

const NO_FAULT: Fault = { nth: 0, errno: 0 };

export class Injector {
  readonly #script: vm.Script;
  readonly #prefixes: readonly string[];
  #calls: string[] = [];
  #counted = 0;
  #failed: string | undefined;
  #fault: Fault = NO_FAULT;
  #opened: Sys | undefined;

  private constructor(text: string, prefixes: readonly string[]) {
    this.#script = new vm.Script(`(function (exports, require, module) {${text}\n})`);
    this.#prefixes = prefixes;
  }

  /** `prefixes`: of paths whose file operations count. */
  static async make(prefixes: readonly string[]): Promise<Injector> {
    return new Injector(await bundle(), prefixes);
  }

  async run(words: readonly string[], fault: Fault = NO_FAULT): Promise<InjectedRun> {
    const [out, err]: [string[], string[]] = [[], []];
    const streams = {
      stdout: { write: (text: string) => void out.push(text) },
      stderr: { write: (text: string) => void err.push(text) },
    };
    const main = this.#evaluate();
    this.#calls = [];
    this.#counted = 0;
    this.#failed = undefined;
    this.#fault = fault;
    const restore = this.#watchFiles();
    try {
      await main(words, streams);
    } finally {
      restore();
      this.#fault = NO_FAULT;
    }
    const code = Number(process.exitCode ?? 0);
    process.exitCode = undefined;
    return {
      code,
      out: out.join(''),
      err: err.join(''),
      calls: this.#calls,
      failed: this.#failed,
    };
  }

  #evaluate(): typeof import('../../cli/main.ts').main {
    Object.assign(globalThis, { rootletOpen: (make: () => Sys) => this.#wrap(make) });
    const made = { exports: {} as { main: typeof import('../../cli/main.ts').main } };
    this.#script.runInThisContext()(made.exports, createRequire(MAIN), made);
    return made.exports.main;
  }

  #wrap(make: () => Sys): Sys {
    this.#opened ??= make();
    return new FaultySys(this.#opened, call => this.#strike(call));
  }

  /** The errno that a call fails with; 0: it is made. */
  #strike(call: string): number {
    this.#calls.push(call);
    const { nth, errno, of } = this.#fault;
    if (of?.test(call) !== false) this.#counted++;
    if (of?.test(call) === false || this.#counted !== nth) return 0;
    this.#failed = call;
    return errno;
  }

  #watchFiles(): () => void {
    const originals = FILE_CALLS.map(name => [name, fs[name]] as const);
    for (const [name, original] of originals) {
      const call = original as (...args: readonly unknown[]) => unknown; // called with what it is given
      const watched = (...args: readonly unknown[]) => {
        this.#strikeFile(name.slice(0, -'Sync'.length), String(args[name === 'symlinkSync' ? 1 : 0]));
        return call(...args);
      };
      Object.assign(fs, { [name]: watched });
    }
    syncBuiltinESMExports();
    return () => {
      for (const [name, original] of originals) Object.assign(fs, { [name]: original });
      syncBuiltinESMExports();
    };
  }

  #strikeFile(call: string, path: string): void {
    if (!this.#prefixes.some(prefix => path.startsWith(prefix))) return;
    const errno = this.#strike(`${call} ${path}`);
    if (errno === 0) return;
    const code = getSystemErrorName(-errno);
    throw Object.assign(new Error(`${code}: injected, ${call} '${path}'`), { code, errno: -errno, path });
  }
}

/** The command as one script that opens the kernel by `globalThis.rootletOpen`. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [MAIN],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(MAIN).href) },
    plugins: [
      {
        name: 'open',
        setup(made) {
          made.onLoad({ filter: /kernel\/open\/koffi\.ts$/ }, () => ({ contents: opening(), loader: 'ts' }));
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

function opening(): string {
  const text = fs.readFileSync(OPEN, 'utf8');
  if (!text.includes(MADE)) throw new Error(`${OPEN} no longer has ${MADE}`);
  return text.replace(MADE, `(globalThis as any).rootletOpen(() => ${MADE})`);
}

/** Calls of `Sys`, each of which may fail instead of being made. */
export class FaultySys implements Sys {
  readonly #sys: Sys;
  readonly #strike: (call: string) => number;

  constructor(sys: Sys, strike: (call: string) => number) {
    this.#sys = sys;
    this.#strike = strike;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const errno = INFALLIBLE.has(name) ? 0 : this.#strike(describeCall(name, args));
    return errno > 0 ? -errno : this.#sys.syscall(name, ...args);
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#sys.addressOf(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return this.#sys.view(address, length);
  }

  poll(fd: number, onReadable: () => void): PollHandle {
    return this.#sys.poll(fd, onReadable);
  }
}

function describeCall(name: SyscallName, [first]: readonly SyscallArgument[]): string {
  return name === 'bpf' ? (COMMAND_NAMES.get(Number(first)) ?? `bpf ${String(first)}`) : name;
}
