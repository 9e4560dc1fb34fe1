/** Who holds a lock of flock(2), from /proc/locks: for messages only, as it may be released at any moment. */

import { type BigIntStats, readFileSync } from 'node:fs';
import { printable } from '../../diag/index.ts';

export interface LockHolder {
  readonly pid: number;
  /** Its command line, at most 80 characters; '' when it cannot be read. */
  readonly command: string;
}

/** What identifies a file in /proc/locks. */
export type LockedFile = Pick<BigIntStats, 'dev' | 'ino'>;

/** Processes that hold a lock of flock(2) on the file; those of other PID namespaces are not listed. */
export function lockHolders(file: LockedFile): readonly LockHolder[] {
  return holdersIn(textOf('/proc/locks'), file).map(pid => ({ pid, command: commandOf(pid) }));
}

/**
 * Process numbers in the text of /proc/locks: `1: FLOCK  ADVISORY  WRITE 707 00:2d:12 0 EOF`. Lines with `->` wait for
 * the lock. Source: proc_locks(5).
 */
export function holdersIn(text: string, { dev, ino }: LockedFile): readonly number[] {
  const id = `${hex(major(dev))}:${hex(minor(dev))}:${ino}`;
  const found = text.split('\n').flatMap(line => {
    const [, , type, , , pid, place] = /^(\d+): +(\S+) +(\S+) +(\S+) +(\d+) +(\S+)/.exec(line) ?? [];
    return type === undefined || place !== id ? [] : [Number(pid)];
  });
  return [...new Set(found)].filter(pid => pid > 0);
}
