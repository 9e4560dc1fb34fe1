/**
 * Where an output goes. Separate from writing it, because other users may have prepared the place: in a directory that
 * everybody can write to (/tmp), a link of another user is not followed and a pipe of one is not written to, as the kernel
 * refuses when `fs.protected_symlinks` and `fs.protected_fifos` are set; and the permissions of another user's file are
 * not taken over.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inputError } from '../../src/diag/index.ts';
import { isTrustedOwner } from '../../src/kernel/index.ts';
import { codeOf } from './stdio.ts';

/** Where an output goes: a file that it replaces, or what cannot be replaced. */
export type Target = FileTarget | SpecialTarget;

export interface FileTarget {
  readonly kind: 'file';
  /** Its last component is not a symbolic link. */
  readonly path: string;
  /** Permissions of the file that is there, and that belongs to this user. */
  readonly mode: number | null;
}

/** A terminal, a pipe, a device. */
export interface SpecialTarget {
  readonly kind: 'special';
  readonly path: string;
  /** Tells it from what is put in its place before it is opened. */
  readonly identity: string;
}

const MAX_LINKS = 40;
const STICKY = 0o1000;
const WRITABLE_BY_ALL = 0o002;
const PERMISSIONS = 0o777;

/** Throws `file-write` for a link or a pipe of another user, and for a socket. */
export function targetOf(given: string): Target {
  let path = given;
  for (let links = 0; links < MAX_LINKS; links++) {
    const stats = statsOf(path);
    if (stats === undefined) return { kind: 'file', path, mode: null }; // it is not there yet
    if (!stats.isSymbolicLink()) return leafOf(given, path, stats);
    requireOwn(given, path, stats, 'a symbolic link');
    const special = openedFile(path);
    if (special !== undefined) return special;
    path = resolve(dirname(path), readlinkSync(path));
  }
  throw inputError('file-write', [given], 'cannot be written: too many symbolic links');
}

function leafOf(given: string, path: string, stats: Stats): Target {
  if (stats.isFile()) return { kind: 'file', path, mode: modeOf(stats) };
  if (stats.isSocket()) throw inputError('file-write', [given], 'cannot be written: it is a socket');
  if (stats.isFIFO()) requireOwn(given, path, stats, 'a pipe');
  return { kind: 'special', path, identity: identityOf(stats) };
}

const FD_DIRECTORY = /^\/proc\/\d+\/(?:task\/\d+\/)?fd$/;

/** Links below /proc show what a process has open (/dev/stdout, `>(command)`): the texts of those of pipes are not paths. */
function openedFile(link: string): SpecialTarget | undefined {
  if (!FD_DIRECTORY.test(realpathSync(dirname(link)))) return undefined;
  const stats = statSync(link, { throwIfNoEntry: false });
  return stats === undefined || stats.isFile()
    ? undefined
    : { kind: 'special', path: link, identity: identityOf(stats) };
}

/** Milliseconds for a reader of a pipe to come: there may be none. */
const READER_PATIENCE = 5000;
const PAUSE = 20;
const SPECIAL = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * A descriptor of a terminal, device or pipe, if it is the one that was found. Nothing is truncated, and no pipe without
 * a reader is waited for: another user may have put a file, or a pipe, in its place. Errors are those of `node:fs`.
 */
export function openSpecial({ path, identity }: SpecialTarget, patience = READER_PATIENCE): number {
  const fd = openPatiently(path, patience);
  if (identityOf(fstatSync(fd)) === identity) return fd;
  closeSync(fd);
  throw inputError('file-write', [path], 'cannot be written: something else has taken its place');
}

function openPatiently(path: string, patience: number): number {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return openSync(path, SPECIAL);
    } catch (error) {
      if (codeOf(error) !== 'ENXIO' || waited >= patience) throw error;
      Atomics.wait(sleeper, 0, 0, PAUSE);
    }
  }
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function modeOf({ uid, mode }: Stats): number | null {
  return uid === process.geteuid?.() ? mode & PERMISSIONS : null;
}

/** In a directory that everybody can write to: what the kernel refuses with `fs.protected_symlinks` and `protected_fifos`. */
function requireOwn(given: string, path: string, { uid }: Stats, what: string): void {
  const directory = statSync(dirname(path));
  const isShared = (directory.mode & STICKY) !== 0 && (directory.mode & WRITABLE_BY_ALL) !== 0;
  if (!isShared || isTrustedOwner(uid) || uid === directory.uid) return;
  throw inputError('file-write', [given], `cannot be written: it is ${what} of user ${uid}`, {
    hint: 'in a directory that every user can write to, links and pipes of others are not used: remove it, or name another file',
  });
}

const TEMPORARY = /^\.rootlet-(\d+)-\d+\.tmp$/;

/** Short, since the name of the target may be as long as names can be. */
export function temporaryName(target: string, attempt: number): string {
  return join(dirname(target), `.rootlet-${process.pid}-${attempt}.tmp`);
}

/** Removes what killed processes of this user left in the directory of an output. */
export function removeLeft(target: string): void {
  const directory = dirname(target);
  for (const name of namesIn(directory)) {
    const pid = Number(TEMPORARY.exec(name)?.[1] ?? 0);
    if (pid > 0 && pid !== process.pid && !isRunning(pid)) removeOwn(join(directory, name));
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // writing the output finds the reason
  }
}

/** Also one that this user may not signal. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Milliseconds since its last change after which a file is unused: a process of another container is not seen here. */
const STALE = 10_000;

function removeOwn(path: string): void {
  const stats = statsOf(path);
  if (stats?.isFile() !== true || stats.uid !== process.geteuid?.()) return;
  if (Date.now() - stats.mtimeMs < STALE) return;
  try {
    unlinkSync(path);
  } catch {
    // it is gone already
  }
}
