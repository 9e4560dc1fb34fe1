/**
 * Where an output goes. Separate from writing it, because other users may have prepared the place: in a directory that
 * everybody can write to (/tmp), a link of another user is not followed, as the kernel does not follow it when
 * `fs.protected_symlinks` is set; and the permissions of another user's file are not taken over.
 */

import { lstatSync, readdirSync, readlinkSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inputError } from '../../src/diag/index.ts';
import { isTrustedOwner } from '../../src/kernel/index.ts';

/** The file that an output replaces. */
export interface Target {
  /** Its last component is not a symbolic link. */
  readonly path: string;
  /** Permissions of the file that is there, and that belongs to this user. */
  readonly mode: number | null;
}

const MAX_LINKS = 40;
const STICKY = 0o1000;
const WRITABLE_BY_ALL = 0o002;
const PERMISSIONS = 0o777;

/** Null for what cannot be replaced: a terminal, a pipe, a device. Throws `file-write` for a link of another user. */
export function targetOf(given: string): Target | null {
  let path = given;
  for (let links = 0; links < MAX_LINKS; links++) {
    const stats = statsOf(path);
    if (stats === undefined) return { path, mode: null }; // it is not there yet
    if (!stats.isSymbolicLink()) return stats.isFile() ? { path, mode: modeOf(stats) } : null;
    requireOwnLink(given, path, stats);
    path = resolve(dirname(path), readlinkSync(path));
  }
  throw inputError('file-write', [given], 'cannot be written: too many symbolic links');
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

function requireOwnLink(given: string, link: string, { uid }: Stats): void {
  const directory = statSync(dirname(link));
  const isShared = (directory.mode & STICKY) !== 0 && (directory.mode & WRITABLE_BY_ALL) !== 0;
  if (!isShared || isTrustedOwner(uid) || uid === directory.uid) return;
  throw inputError('file-write', [given], `cannot be written: it is a symbolic link of user ${uid}`, {
    hint: 'in a directory that every user can write to, links of others are not followed: remove it, or name another file',
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
