/** Locked memory: before Linux 5.11 maps and programs count for RLIMIT_MEMLOCK, which is far too small for them. */

import { mayHave } from './features.ts';
import type { Sys } from './sys.ts';

const RLIMIT_MEMLOCK = 8;
const RLIM_INFINITY = 0xffffffffffffffffn;

/** Lifts the limit where it counts. Whether that worked shows when something is created. */
export function liftMemlock(sys: Sys): void {
  if (mayHave(sys, 'cgroupMemory')) return;
  const limit = new Uint8Array(new BigUint64Array([RLIM_INFINITY, RLIM_INFINITY]).buffer);
  sys.syscall('prlimit64', 0, RLIMIT_MEMLOCK, limit, 0);
}
