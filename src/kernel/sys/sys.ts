/**
 * The port to the operating system: all system calls go through `Sys`.
 *
 * It is as small as system calls allow, so that a test can replace the kernel (`sys-fake.ts`) and another way
 * to make system calls can replace koffi (`sys-koffi.ts`).
 */

import { argumentError } from '../../diag/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

/** System calls that are made anywhere in this project. */
export type SyscallName =
  | 'bind'
  | 'bpf'
  | 'close'
  | 'fcntl'
  | 'flock'
  | 'getsockname'
  | 'ioctl'
  | 'membarrier'
  | 'mmap'
  | 'mremap'
  | 'munmap'
  | 'perf_event_open'
  | 'prlimit64'
  | 'read'
  | 'recvfrom'
  | 'sendto'
  | 'setns'
  | 'setsockopt'
  | 'socket';

/** Bytes are passed as their address. */
export type SyscallArgument = number | bigint | Uint8Array;

export interface PollHandle {
  close(): void;
}

/** Access to the kernel: what `openSys()` returns and every function of the kernel takes. */
export interface Sys {
  /**
   * Result of the call, or minus errno. At most six arguments.
   * @internal
   */
  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number;
  /**
   * Address of the bytes' memory, for pointers inside structures. Valid while something holds `bytes`.
   * @internal
   */
  addressOf(bytes: Uint8Array): bigint;
  /**
   * Memory that a call mapped into the process. Using it after `munmap` kills the process.
   * @internal
   */
  view(address: number, length: number): Uint8Array;
  /**
   * Calls back on the event loop whenever `fd` is readable, until closed.
   * @internal
   */
  poll(fd: number, onReadable: () => void): PollHandle;
}

/** Throws a `TypeError` unless `value` is a `Sys`. `place` is function and argument. */
export function requireSys(place: string, value: unknown): asserts value is Sys {
  if (typeof value !== 'object' || value === null || !('syscall' in value))
    throw argumentError(place, 'what openSys() returns', value);
}

/** Holds the buffers of the running call, so that none is collected while the kernel has only its address. */
let inFlight: readonly Uint8Array[] = [];

/**
 * bpf(2). Result, or minus errno. `buffers` are those whose addresses are in `attr`; the kernel writes
 * results into them and into `attr`.
 */
export function bpf(
  sys: Sys,
  command: number,
  attr: Uint8Array,
  buffers: readonly Uint8Array[] = [],
): number {
  return holding(buffers, () => sys.syscall('bpf', command, attr, attr.length));
}

/** Makes a call for which `buffers` must stay where they are, because other bytes hold their addresses. */
export function holding(buffers: readonly Uint8Array[], call: () => number): number {
  inFlight = buffers;
  const result = call();
  inFlight = [];
  return result;
}

/** What is being held for the kernel just now; only tests look. */
export function buffersInFlight(): number {
  return inFlight.length;
}

/** Text as a C string. */
export function cText(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** Numbers as the kernel's `u32[]`. */
export function encodeU32s(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, HOST_ORDER === 'little');
  });
  return bytes;
}

/** `bytes` as the kernel's `u32[]`. */
export function decodeU32s(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) =>
    view.getUint32(index * 4, HOST_ORDER === 'little'),
  );
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED_NOREPLACE = 0x100000;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;

/** Pages of a file descriptor, mapped into this process. `bytes` is empty after `close()`. */
export class Mapping {
  readonly #sys: Sys;
  readonly #address: number;
  readonly #length: number;
  #bytes: Uint8Array;
  #closed = false;

  private constructor(sys: Sys, address: number, length: number, visible: number) {
    this.#sys = sys;
    this.#address = address;
    this.#length = length;
    this.#bytes = visible === 0 ? new Uint8Array(0) : sys.view(address, visible);
  }

  /**
   * Maps `length` bytes (a multiple of the page size) shared, or to be read by this process alone; returns
   * minus errno when the kernel refuses. `place`: at which address (0: any free one), and how many of the
   * bytes are looked at.
   * @internal
   */
  static map(
    sys: Sys,
    fd: number,
    length: number,
    access: 'read' | 'read-write' | 'private',
    offset = 0,
    place: { readonly address: bigint; readonly visible: number } = { address: 0n, visible: length },
  ): Mapping | number {
    const protection = access === 'read-write' ? PROT_READ | PROT_WRITE : PROT_READ;
    const sharing = access === 'private' ? MAP_PRIVATE : MAP_SHARED;
    const flags = place.address === 0n ? sharing : sharing | MAP_FIXED_NOREPLACE;
    const address = sys.syscall('mmap', place.address, length, protection, flags, fd, offset);
    return address < 0 ? address : new Mapping(sys, address, length, place.visible);
  }

  /** Never keep what this returns beyond `close()`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Moves the mapping to an address, in place of what is mapped there, and no longer owns it. Nothing has changed when
   * this returns false.
   * @internal
   */
  moveTo(address: bigint): boolean {
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    const result = this.#sys.syscall('mremap', this.#address, this.#length, this.#length, flags, address);
    if (result < 0) return false;
    this.#closed = true;
    this.#bytes = new Uint8Array(0);
    return true;
  }

  /** Unmaps the memory; doing it twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bytes = new Uint8Array(0);
    this.#sys.syscall('munmap', this.#address, this.#length);
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
