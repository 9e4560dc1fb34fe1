/** What tests that need the real kernel share. Not exported from the package. */

import { readdirSync } from 'node:fs';
import { RootletError } from '../diag/problem.ts';
import { openSys } from './open/koffi.ts';
import type { Sys } from './sys/sys.ts';

export type KernelForTests =
  | { readonly sys: Sys; readonly reason: undefined }
  | { readonly sys: undefined; readonly reason: string };

/** The kernel, or why these tests cannot use it. */
export function kernelForTests(): KernelForTests {
  try {
    return { sys: openSys(), reason: undefined };
  } catch (error) {
    if (error instanceof RootletError) return { sys: undefined, reason: error.message };
    throw error;
  }
}

/** Open file descriptors of this process. */
export function countFds(): number {
  return readdirSync('/proc/self/fd').length;
}
