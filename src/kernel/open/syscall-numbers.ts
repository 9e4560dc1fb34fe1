/** System call numbers. x86-64 has its own; arm64, riscv64 and loongarch64 share the generic table. */

import type { SyscallName } from '../sys/index.ts';

type Numbers = Readonly<Record<SyscallName, number>>;

const X64: Numbers = {
  bind: 49,
  bpf: 321,
  close: 3,
  fcntl: 72,
  flock: 73,
  getsockname: 51,
  ioctl: 16,
  membarrier: 324,
  mmap: 9,
  mremap: 25,
  munmap: 11,
  perf_event_open: 298,
  prlimit64: 302,
  read: 0,
  recvfrom: 45,
  sendto: 44,
  setns: 308,
  setsockopt: 54,
  socket: 41,
};

const GENERIC: Numbers = {
  bind: 200,
  bpf: 280,
  close: 57,
  fcntl: 25,
  flock: 32,
  getsockname: 204,
  ioctl: 29,
  membarrier: 283,
  mmap: 222,
  mremap: 216,
  munmap: 215,
  perf_event_open: 241,
  prlimit64: 261,
  read: 63,
  recvfrom: 207,
  sendto: 206,
  setns: 268,
  setsockopt: 208,
  socket: 198,
};

/** Numbers for a `process.arch`, or undefined when they are not known here. */
export function syscallNumbersOf(arch: string): Numbers | undefined {
  if (arch === 'x64') return X64;
  return arch === 'arm64' || arch === 'riscv64' || arch === 'loong64' ? GENERIC : undefined;
}
