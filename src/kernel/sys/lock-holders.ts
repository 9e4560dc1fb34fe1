/** Who holds a lock of flock(2), from /proc/locks: for messages only, as it may be released at any moment. */

import { readFileSync } from 'node:fs';
import { printable } from '../../diag/index.ts';

export interface LockHolder {
  readonly pid: number;
  /** Its command line, shortened; '' when it cannot be read. */
  readonly command: string;
}

/** A file as stat(2) with 64 bits describes it. */
export interface LockedFile {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Processes that hold a lock of flock(2) on the file; those of other PID namespaces are not listed. */
export function lockHolders(file: LockedFile): readonly LockHolder[] {
  return holdersIn(textOf('/proc/locks'), file).map(pid => ({ pid, command: commandOf(pid) }));
}

/**
 * Process numbers in the text of /proc/locks: `1: FLOCK  ADVISORY  WRITE 707 00:2d:12 0 EOF`. Lines with `->` are of
 * processes that wait. Source: proc_locks(5).
 */
export function holdersIn(text: string, { dev, ino }: LockedFile): readonly number[] {
  const wanted = `${hex(majorOf(dev))}:${hex(minorOf(dev))}:${ino}`;
  const found = text.split('\n').flatMap(line => {
    const match = /^\d+: FLOCK +\S+ +\S+ +(\d+) (\S+) /.exec(line);
    const [pid, file] = [match?.[1], match?.[2]];
    return file === wanted ? [Number(pid)] : [];
  });
  return [...new Set(found)].filter(pid => pid > 0);
}

/** Numbers of a device as Linux packs them into 64 bits: 12 and 8 bits below, the rest above. */
function majorOf(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
}

function minorOf(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
}

function hex(number: bigint): string {
  return number.toString(16).padStart(2, '0');
}

const LONGEST = 80;

/** Its arguments, or the short name of a process that has none. */
function commandOf(pid: number): string {
  const words = textOf(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter(word => word !== '');
  const text = printable(words.join(' ') || textOf(`/proc/${pid}/comm`).trim());
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** '' for what cannot be read, or is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
