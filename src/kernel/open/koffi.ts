/**
 * `Sys` on koffi: the only file that uses it. koffi is loaded at the first `openSys()`, so linking and the
 * machine never load it.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { elementAt, given } from '../../bytes/index.ts';
import { platformError } from '../../diag/index.ts';
import { BPF_MAP_CREATE, EPERM, errnoText } from '../../uapi/index.ts';
import {
  bpf,
  missingRights,
  type PollHandle,
  type Sys,
  type SyscallArgument,
  type SyscallName,
} from '../sys/index.ts';
import { encodeAttr, MapCreateAttr } from '../uapi/index.ts';
import { BY_ALL, binaryPath, isOwnFile } from './koffi-binary.ts';
import { liftMemlock } from './memlock.ts';
import { syscallNumbersOf } from './syscall-numbers.ts';

/**
 * Access to the kernel. Throws `kernel-not-linux`, `kernel-architecture`, `kernel-no-ffi` or
 * `kernel-no-rights`, each saying what is missing and how to get it. `requireRights`: check that this process
 * may load programs (default true); without it only what needs no rights can be done.
 */
export function openSys(options: { readonly requireRights?: boolean } = {}): Sys {
  if (process.platform !== 'linux') {
    throw platformError(
      'kernel-not-linux',
      [],
      `loading BPF programs needs Linux, this is ${process.platform}`,
      {
        hint: 'linking, inspection and the embedded machine work here',
      },
    );
  }
  const numbers = syscallNumbersOf(process.arch);
  if (numbers === undefined) {
    throw platformError(
      'kernel-architecture',
      [],
      `system call numbers of ${process.arch} are not known; x64, arm64, riscv64 and loong64 are`,
    );
  }
  const sys = new KoffiSys(koffiCalls(), numbers);
  if (options.requireRights === false) return sys;
  requireRights(sys);
  liftMemlock(sys); // maps and programs that are made one by one need it too
  return sys;
}

type Koffi = typeof import('koffi');
type RawSyscall = (number: number, ...args: (number | bigint)[]) => number | bigint;

/** koffi, and the function of the C library that it calls. */
interface KoffiCalls {
  readonly koffi: Koffi;
  readonly syscall: RawSyscall;
}

let calls: KoffiCalls | undefined;

/**
 * The same for every `Sys` of this thread: koffi keeps its types, and what it knows of each function, as long as the
 * process runs, about 20 KiB for each time that it is opened. A failure is not remembered.
 */
function koffiCalls(): KoffiCalls {
  if (calls !== undefined) return calls;
  const koffi = loadKoffi();
  const word = 'int64';
  const words = ['long', word, word, word, word, word, word];
  calls = { koffi, syscall: koffi.load(null).func('syscall', 'long', words) };
  return calls;
}

function loadKoffi(): Koffi {
  const load = createRequire(import.meta.url);
  try {
    // koffi's own types describe what require returns.
    const binary = loadBinary();
    if (binary !== undefined) return binary;
    const path = load.resolve('koffi');
    if (!isOwnFile(path, BY_ALL))
      throw new Error(`other users can write to ${path}, or to a directory above it`);
    return load('koffi') as Koffi;
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === 'ERR_DLOPEN_DISABLED';
    throw platformError(
      'kernel-no-ffi',
      [],
      'the package "koffi", which makes system calls, cannot be loaded',
      {
        hint: isDenied
          ? 'the permission model of Node denies it: node --allow-addons'
          : 'npm install koffi (its binary for this platform comes as an optional dependency)',
        details: [error instanceof Error ? elementAt(error.message.split('\n'), 0) : String(error)],
      },
    );
  }
}

const KOFFI_MAJOR = '3';

/**
 * koffi's binary for this machine, opened by its path: it has all that is used here, and looking for packages and
 * running what koffi puts around it takes three times as long. Undefined where it is not found or does not open, as
 * where packages see only what they depend on themselves.
 */
function loadBinary(): Koffi | undefined {
  try {
    const path = binaryPath();
    if (path === undefined) return undefined;
    const made: { exports: unknown } = { exports: {} };
    process.dlopen(made, path);
    const binary = made.exports as Koffi; // as what require returns
    return binary.version.split('.')[0] === KOFFI_MAJOR ? binary : undefined;
  } catch {
    return undefined;
  }
}

class KoffiSys implements Sys {
  readonly #koffi: Koffi;
  readonly #numbers: Readonly<Record<SyscallName, number>>;
  readonly #syscall: RawSyscall;

  constructor({ koffi, syscall }: KoffiCalls, numbers: Readonly<Record<SyscallName, number>>) {
    this.#koffi = koffi;
    this.#syscall = syscall;
    this.#numbers = numbers;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const words: (number | bigint)[] = [0, 0, 0, 0, 0, 0];
    args.forEach((argument, index) => {
      words[index] = argument instanceof Uint8Array ? this.addressOf(argument) : argument;
    });
    const result = Number(this.#syscall(this.#numbers[name], ...words));
    return result === -1 ? -this.#koffi.errno() : result;
  }

  addressOf(bytes: Uint8Array): bigint {
    return bytes.length === 0 ? 0n : this.#koffi.address(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#koffi.view(BigInt(address), length));
  }

  poll(fd: number, onReadable: () => void): PollHandle {
    // What koffi passes to the callback differs from its types; only being called matters.
    return this.#koffi.node.poll(fd, { readable: true }, () => onReadable());
  }
}

/** Tries the smallest privileged call, and explains a refusal by the missing privileges. */
function requireRights(sys: Sys): void {
  const attr = encodeAttr(MapCreateAttr, { map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });
  const result = bpf(sys, BPF_MAP_CREATE, attr);
  if (result >= 0) {
    sys.syscall('close', result);
    return;
  }
  const { reason, hint } =
    result === -EPERM
      ? missingRights(readText('/proc/self/status'), readText('/proc/sys/kernel/unprivileged_bpf_disabled'))
      : { reason: `bpf(2) does not work here: ${errnoText(-result)}`, hint: undefined };
  throw platformError('kernel-no-rights', [], reason, { errno: -result, ...given({ hint }) });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
