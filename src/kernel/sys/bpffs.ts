/**
 * Directories of bpf file systems: found and made without following a symbolic link that is on one, and
 * checked for other users' access.
 *
 * A bpf file system is often writable by every user (mode 1777 is the default of its mount), who can then
 * create a link or directory where one is expected. Links outside of it (/run/bpf -> /sys/fs/bpf) belong to
 * the administrator and are followed. Separate because the loader creates directories for pins, and the store
 * for its entries.
 *
 * The check goes from the mount point down. A directory whose ancestors passed it can be renamed or replaced
 * only by root and by the effective user, so that its path leads to it afterwards as well.
 */

import { constants, lstatSync, mkdirSync, openSync, readlinkSync, type Stats, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quote, shellWord } from '../../diag/index.ts';
import { EEXIST, ELOOP, ENOENT, ENOTDIR } from '../../uapi/index.ts';
import { errnoOf } from './errno.ts';

const BPF_FS_MAGIC = 0xcafe4a11;

/** How to mount one that only root can write to; for hints. */
export const MOUNT_BPFFS = 'mount -t bpf -o mode=0700 bpf /sys/fs/bpf';

const MAX_LINKS = 40;
const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * What directories are for: to hold what must not change (`own`), or as an ancestor of such a directory
 * (`above`).
 */
export type DirectoryUse = 'own' | 'above';

/** Why a directory is not safe to use, for the message and the hint of a problem. */
export interface Distrust {
  readonly message: string;
  readonly hint: string;
}

/** The part of `lstat` that the check needs. */
export type DirectoryStats = Pick<Stats, 'isSymbolicLink' | 'isDirectory' | 'uid' | 'mode'>;

/**
 * Why other users can change what is reached through `path`; undefined if they cannot. Safe is a directory
 * that belongs to root or the effective user, and that group and others cannot write to; one above may be
 * sticky instead.
 */
export function distrust(
  path: string,
  stats: DirectoryStats,
  use: DirectoryUse,
  user = effectiveUser(),
): Distrust | undefined {
  const reason = reasonAgainst(stats, use, user);
  if (reason === undefined) return undefined;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  return {
    message: `${quote(path)} cannot be trusted: it ${reason} (owner ${stats.uid}, mode ${mode})`,
    hint: `${remedyFor(path, stats, user)}; give the bpf file system to one user (${MOUNT_BPFFS}), or name another directory (--bpffs)`,
  };
}

function reasonAgainst(stats: DirectoryStats, use: DirectoryUse, user: number): string | undefined {
  if (stats.isSymbolicLink()) return 'is a symbolic link';
  if (!stats.isDirectory()) return 'is not a directory';
  if (!isTrustedOwner(stats.uid, user)) return `belongs to user ${stats.uid}`;
  const sticky = use === 'above' && (stats.mode & STICKY) !== 0;
  return (stats.mode & WRITABLE_BY_OTHERS) === 0 || sticky ? undefined : 'is writable by other users';
}

/** Root, or the effective user of this process. */
export function isTrustedOwner(uid: number, user = effectiveUser()): boolean {
  return uid === 0 || uid === user;
}

function effectiveUser(): number {
  return process.geteuid?.() ?? 0;
}

function remedyFor(path: string, stats: DirectoryStats, user: number): string {
  const inspect = `inspect it with "ls -la ${shellWord(path)}"`;
  if (!stats.isDirectory()) return `${inspect}, and remove it with "rm ${shellWord(path)}"`;
  if (!isTrustedOwner(stats.uid, user))
    return `${inspect}, and remove it, or take it over with "chown ${user} ${shellWord(path)}"`;
  return `${inspect}, and repair it with "chmod go-w ${shellWord(path)}"`;
}

/** Where the existing part of a path ends. */
export interface Approach {
  /** Deepest existing directory, free of links. */
  readonly path: string;
  /** Names below it that do not exist. */
  readonly missing: readonly string[];
  readonly onBpffs: boolean;
}

/** Called with each existing component that is on a bpf file system, from the mount point down. */
export type ComponentCheck = (path: string, stats: Stats) => void;

/**
 * Follows `path` down to what does not exist. Errors are those of `node:fs`; a component that `check` lets
 * pass though it is not a directory is ENOTDIR.
 */
export function approach(path: string, check: ComponentCheck): Approach {
  const pending = namesOf(resolve(path));
  let real = '/';
  let onBpffs = isBpffs(real);
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const next = join(real, name);
    const stats = statsOf(next);
    if (stats === undefined) return { path: real, missing: [name, ...pending], onBpffs };
    if (stats.isSymbolicLink() && !onBpffs) {
      if (++links > MAX_LINKS) throw fsError(ELOOP, next);
      pending.unshift(...namesOf(resolve(real, readlinkSync(next))));
      real = '/';
      onBpffs = isBpffs(real);
      continue;
    }
    if (stats.isDirectory()) onBpffs = isBpffs(next);
    if (onBpffs) check(next, stats);
    if (!stats.isDirectory()) throw fsError(ENOTDIR, next);
    real = next;
  }
  return { path: real, missing: [], onBpffs };
}

/**
 * Creates the missing directories of `path` with mode 0700, and checks them. Returns its path, free of links.
 */
export function makeDirectories(path: string, check: ComponentCheck): string {
  const { path: start, missing } = approach(path, check);
  let at = start;
  for (const name of missing) {
    at = join(at, name);
    makeDirectory(at);
    check(at, lstatSync(at));
  }
  return at;
}

const HELD = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A descriptor of a directory. Errors are those of `node:fs`: ENOTDIR or ELOOP for a file or a link. */
export function openHeld(directory: string): number {
  return openSync(directory, HELD);
}

/** Where Linux shows what a process has open. */
export const DESCRIPTORS = '/proc/self/fd';

/** Path of what is in a directory that is held open, for system calls: the path of the directory does not matter. */
export function throughDescriptor(fd: number, ...names: readonly string[]): string {
  return [DESCRIPTORS, fd, ...names].join('/');
}

/** Makes one directory with mode 0700. False when it exists: it is left as it is, unchecked. */
export function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) !== EEXIST) throw error;
    return false;
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter(name => name !== '');
}

function isBpffs(path: string): boolean {
  return statfsSync(path).type === BPF_FS_MAGIC;
}

/** Whether a directory is on a bpf file system; false for what cannot be looked at. */
export function isOnBpffs(directory: string): boolean {
  try {
    return isBpffs(directory);
  } catch {
    return false;
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === ENOENT) return undefined;
    throw error;
  }
}

function fsError(errno: number, path: string): Error {
  return Object.assign(new Error(`${path}: errno ${errno}`), { errno: -errno, path });
}
