/** The kernel that a test of the virtual machine runs on, and how tests wait for a newer one. */

import { release } from 'node:os';
import { openSys, type Sys } from '../../../src/kernel/index.ts';

/** Where there is no kernel to ask, the file fails: that is what these tests are for. */
export const sys: Sys = openSys();

/** Major and minor number as one: 6.12 is 6012. */
function rank(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  return major * 1000 + Math.floor(minor);
}

/** Whether the running kernel is of this series, such as `6.6`, or a later one. */
export function kernelIs(series: string): boolean {
  return rank(release()) >= rank(series);
}

/** For `describe.skipIf` and `test.skipIf`, and for the names of what they skip. */
export function since(series: string): { readonly tooOld: boolean; readonly why: string } {
  const tooOld = !kernelIs(series);
  return { tooOld, why: tooOld ? ` (this kernel is older than ${series})` : '' };
}
