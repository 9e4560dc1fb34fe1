/**
 * Whether this user can pin in a directory, found out without making anything: for a diagnosis before the first use.
 */

import { accessSync, constants, lstatSync } from 'node:fs';
import { quote, shellWord } from '../../diag/index.ts';
import { EROFS } from '../../uapi/index.ts';
import { type Approach, approach, distrust, MOUNT_BPFFS } from './bpffs.ts';
import { errnoOf } from './errno.ts';

/** What is in the way of pins, and what to do about it. */
export interface PinObstacle {
  readonly why: string;
  readonly remedy: string;
}

const OWN = `run as root, or name a directory that this user may write to (--bpffs), on a bpf file system ("${MOUNT_BPFFS}")`;

/** Why this user cannot make or use the directory `place` for pins; undefined when it can. */
export function pinObstacle(place: string): PinObstacle | undefined {
  let found: Approach;
  try {
    found = approach(place, () => {});
  } catch {
    return { why: `this user may not look at ${quote(place)}`, remedy: OWN };
  }
  const { path, missing, onBpffs } = found;
  if (!onBpffs) return { why: `${quote(place)} is not on one`, remedy: `needed for pins: ${MOUNT_BPFFS}` };
  const reason = distrust(path, lstatSync(path), missing.length === 0 ? 'own' : 'above');
  return reason === undefined ? accessObstacle(path) : { why: reason.message, remedy: reason.hint };
}

function accessObstacle(path: string): PinObstacle | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) === EROFS
      ? { why: `${quote(path)} is on a read-only mount`, remedy: `mount -o remount,rw ${shellWord(path)}` }
      : { why: `this user may not write to ${quote(path)}`, remedy: OWN };
  }
}
