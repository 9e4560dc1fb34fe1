/**
 * Locked memory: before Linux 5.11 maps and programs count for RLIMIT_MEMLOCK, which is far too small for
 * them.
 */

import { release } from 'node:os';
import { mayHave } from '../probes/index.ts';
import type { Sys } from '../sys/index.ts';

const RLIMIT_MEMLOCK = 8;
const RLIM_INFINITY = 0xffffffffffffffffn;

/**
 * Raises the limit where it applies; failure shows when something is created. Kernels that are new by their
 * version are not probed; older ones are, since distributions backported the change.
 */
export function liftMemlock(sys: Sys, kernel: string = release()): void {
  if (isSince511(kernel) || mayHave(sys, 'cgroupMemory')) return;
  const limit = new Uint8Array(new BigUint64Array([RLIM_INFINITY, RLIM_INFINITY]).buffer);
  sys.syscall('prlimit64', 0, RLIMIT_MEMLOCK, limit, 0);
}

function isSince511(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.', 2).map(part => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 11);
}
