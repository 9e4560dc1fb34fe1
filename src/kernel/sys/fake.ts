/**
 * A stand-in for the kernel in unit tests: hands out descriptors, remembers what is open, and fails on demand.
 *
 * It checks nothing that the real kernel checks; it is there to see what is asked in which order, and that nothing
 * stays open when the n-th request fails.
 */

import * as commands from '../../uapi/commands.ts';
import { EBADF, EINVAL, EPERM } from '../../uapi/index.ts';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from './sys.ts';

export interface FakeCall {
  readonly name: SyscallName;
  /** Command of bpf(2), else -1. */
  readonly command: number;
  /** Attribute of bpf(2) as it was when the call came, else empty. */
  readonly attr: Uint8Array;
}

/** Answers a call: a result, minus errno, or undefined for the stand-in's own answer. */
export type FakeAnswer = (call: FakeCall, sys: FakeSys) => number | undefined;

/** bpf(2) commands whose result is a new descriptor. */
const MAKES_FD = new Set<number>([
  commands.BPF_MAP_CREATE,
  commands.BPF_PROG_LOAD,
  commands.BPF_BTF_LOAD,
  commands.BPF_OBJ_GET,
  commands.BPF_LINK_CREATE,
  commands.BPF_RAW_TRACEPOINT_OPEN,
  commands.BPF_ITER_CREATE,
]);

const FIRST_ADDRESS = 0x10000;
const PAGE = 4096;

export class FakeSys implements Sys {
  readonly calls: FakeCall[] = [];
  readonly openFds = new Set<number>();
  readonly #answer: FakeAnswer;
  readonly #memory = new Map<number, Uint8Array>();
  readonly #addresses = new WeakMap<Uint8Array, number>();
  #nextFd: number;
  #nextAddress = FIRST_ADDRESS;

  /** `firstFd` below 3 shows what happens when standard input is closed. */
  constructor(answer: FakeAnswer = () => undefined, firstFd = 10) {
    this.#answer = answer;
    this.#nextFd = firstFd;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const command = name === 'bpf' ? Number(args[0]) : -1;
    const attr = args[1] instanceof Uint8Array ? args[1] : new Uint8Array(0);
    const call = { name, command, attr: attr.slice() };
    this.calls.push(call);
    return this.#answer(call, this) ?? this.#defaultAnswer(name, command, args);
  }

  addressOf(bytes: Uint8Array): bigint {
    if (bytes.length === 0) return 0n;
    const known = this.#addresses.get(bytes);
    if (known !== undefined) return BigInt(known);
    const address = this.#nextAddress;
    this.#nextAddress += Math.ceil(bytes.length / PAGE + 1) * PAGE;
    this.#addresses.set(bytes, address);
    this.#memory.set(address, bytes);
    return BigInt(address);
  }

  /** The bytes whose address was asked for before. */
  memory(address: bigint): Uint8Array {
    return this.#memory.get(Number(address)) ?? new Uint8Array(0);
  }

  view(_address: number, length: number): Uint8Array {
    return new Uint8Array(length);
  }

  poll(): PollHandle {
    return { close() {} };
  }

  /** bpf(2) commands so far, in order. */
  commands(): number[] {
    return this.calls.filter(call => call.name === 'bpf').map(call => call.command);
  }

  openFd(): number {
    const fd = this.#nextFd;
    this.#nextFd += 1;
    this.openFds.add(fd);
    return fd;
  }

  #defaultAnswer(name: SyscallName, command: number, args: readonly SyscallArgument[]): number {
    switch (name) {
      case 'bpf':
        return MAKES_FD.has(command) ? this.openFd() : 0;
      case 'close':
        return this.openFds.delete(Number(args[0])) ? 0 : -EBADF;
      case 'fcntl':
        this.#nextFd = Math.max(this.#nextFd, Number(args[2]));
        return this.openFd();
      case 'socket':
      case 'perf_event_open':
        return this.openFd();
      case 'mmap':
        return FIRST_ADDRESS;
      case 'munmap':
      case 'flock':
        return 0;
      default:
        return -EINVAL;
    }
  }
}

/** A stand-in whose `n`-th call to bpf(2) (from 0) fails with EPERM. */
export function failingSys(n: number): FakeSys {
  let seen = 0;
  return new FakeSys(call => {
    if (call.name !== 'bpf') return undefined;
    seen += 1;
    return seen === n + 1 ? -EPERM : undefined;
  });
}
