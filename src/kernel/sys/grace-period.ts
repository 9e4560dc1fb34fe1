/** Waiting until every program that was running has ended. */

import type { Sys } from './sys.ts';

/** linux/membarrier.h: returns when every CPU has been through an RCU grace period. */
const MEMBARRIER_CMD_GLOBAL = 1;

/**
 * Returns when no program is running any more that was running before: what it had read until then (a
 * selector, an entry of an array) is no longer used. Sleepable programs are not waited for. Without the call
 * (a kernel without CONFIG_MEMBARRIER, or with CPUs that are never interrupted) it returns at once.
 */
export function waitForPrograms(sys: Sys): void {
  sys.syscall('membarrier', MEMBARRIER_CMD_GLOBAL, 0, 0);
}
