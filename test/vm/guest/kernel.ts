/** The kernel that a test of the virtual machine runs on, and how tests wait for a newer one. */

import { release } from 'node:os';
import { test } from 'vitest';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';

/** Where there is no kernel to ask, the file fails: that is what these tests are for. */
export const sys: Sys = openSys();

/** Whether the running kernel is of this series, such as `6.6`, or a later one. */
export function kernelIs(series: string): boolean {
  return rank(release()) >= rank(series);
}

/** Major and minor number as one: 6.12 is 6012. */
function rank(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(part => Number.parseInt(part, 10));
  return major * 1000 + minor;
}

/** Why the kernel cannot have what came with `series`; undefined when it has. */
export function since(series: string): string | undefined {
  return kernelIs(series) ? undefined : `this kernel is older than ${series}`;
}

/** A test of what came with `series`. */
export function testSince(series: string, name: string, body: () => void | Promise<void>): void {
  const why = since(series);
  test.skipIf(why !== undefined)(why === undefined ? name : `${name} (${why})`, body);
}

/** A test of what is reported where `series` is not there yet; later kernels do not have it. */
export function testBefore(series: string, name: string, body: () => void | Promise<void>): void {
  if (!kernelIs(series)) test(name, body);
}
