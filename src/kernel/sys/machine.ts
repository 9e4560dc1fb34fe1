/** Facts about the machine that sizes and limits depend on: possible CPUs, pages, NUMA nodes, stack traces. */

import { readFileSync } from 'node:fs';
import { viewOf } from '../../bytes/index.ts';
import { platformError } from '../../diag/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

const SOURCE = '/sys/devices/system/cpu/possible';

let knownCpus: number | undefined;
let knownPage: number | undefined;

/**
 * Number of CPUs that the kernel may ever have, the length of every per-CPU value; read once. Throws
 * `kernel-cpus` if it is unknown.
 */
export function possibleCpus(): number {
  knownCpus ??= cpuCountOf(readFileSync(SOURCE, 'utf8'));
  return knownCpus;
}

/** One more than the highest number in a list such as `0-3,8`. */
export function cpuCountOf(list: string): number {
  const last = list.trim().split(/[,-]/).at(-1) ?? '';
  if (!/^\d{1,5}$/.test(last)) {
    throw platformError('kernel-cpus', [SOURCE], 'does not hold a list of CPUs');
  }
  return Number(last) + 1;
}

/** Numbers of the online CPUs. */
export function onlineCpus(): number[] {
  return cpuListOf(readFileSync('/sys/devices/system/cpu/online', 'utf8'));
}

/** All numbers in a list such as `0-3,8`. */
export function cpuListOf(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap(range => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      return Array.from(
        { length: Math.max(0, Math.min(last - first, 65535) + 1) },
        (_, step) => first + step,
      );
    });
}

/** How many CPUs the kernel is built for (CONFIG_NR_CPUS); as many as are possible where it does not tell. */
export function cpuLimit(): number {
  const highest = readOr('/sys/devices/system/cpu/kernel_max', '');
  return highest === '' ? possibleCpus() : Number(highest) + 1;
}

/** Numbers of the online NUMA nodes; node 0 on kernels without NUMA. */
export function onlineNodes(): number[] {
  return cpuListOf(readOr('/sys/devices/system/node/online', '0'));
}

/** Entries of the longest stack trace: the sysctl `kernel.perf_event_max_stack`, 127 unless changed. */
export function stackDepth(): number {
  return Number(readOr('/proc/sys/kernel/perf_event_max_stack', '127'));
}

function readOr(path: string, absent: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return absent; // a kernel that was built without the feature
  }
}

const AT_PAGESZ = 6n;

/** Bytes of a memory page; read once. 4096 if unknown. */
export function pageSize(): number {
  knownPage ??= readPageSize();
  return knownPage;
}

function readPageSize(): number {
  try {
    return pageSizeOf(readFileSync('/proc/self/auxv')) ?? 4096;
  } catch {
    return 4096;
  }
}

/** AT_PAGESZ in an auxiliary vector of 64-bit words. */
export function pageSizeOf(auxv: Uint8Array): number | undefined {
  const view = viewOf(auxv);
  const little = HOST_ORDER === 'little';
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (view.getBigUint64(at, little) === AT_PAGESZ) return Number(view.getBigUint64(at + 8, little));
  }
  return undefined;
}
