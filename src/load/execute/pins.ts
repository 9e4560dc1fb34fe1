/**
 * Pins by name: found, made, and removed where no other user can have put something in their place.
 *
 * A directory is reached by a path that is checked, and then used through a descriptor, so that it is the one that was
 * checked. A pin is removed only if it is the file that this process made: its path may lead elsewhere by then.
 */

import { closeSync, fstatSync, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { platformError, quote, RootletError } from '../../diag/index.ts';
import {
  approach,
  type BpfMap,
  type DirectoryStats,
  distrust,
  errnoOf,
  type Fd,
  isOnBpffs,
  isTrustedOwner,
  makeDirectories,
  openHeld,
  openPinned,
  type Sys,
  syscallError,
  throughDescriptor,
} from '../../kernel/index.ts';
import { ENOENT } from '../../uapi/index.ts';

/**
 * What is pinned at `path`; undefined where nothing is. Throws `load-pin-untrusted` where another user made it, or could
 * have, and `kernel-pin`.
 */
export function openPinAt(sys: Sys, path: string): Fd | undefined {
  const attempt = `opening the pin ${quote(path)}`;
  return inDirectory(attempt, path, existing, ({ pin, onBpffs }) => {
    const stats = statsOf(pin);
    if (stats === undefined) return undefined;
    if (onBpffs && !isTrustedOwner(stats.uid)) throw foreignPin(path, stats);
    return openPinned(sys, pin, path);
  });
}

/** Whether something is pinned at `path`. Throws what `openPinAt` throws. */
export function isPinned(sys: Sys, path: string): boolean {
  const fd = openPinAt(sys, path);
  fd?.close();
  return fd !== undefined;
}

/**
 * Pins a map, and makes the directories that lack. Returns what removes the pin again. Throws `load-pin-untrusted` for a
 * directory that another user could replace.
 */
export function pinMap(map: BpfMap, path: string): () => void {
  const attempt = `making the directory of pin ${quote(path)}`;
  const made = inDirectory(
    attempt,
    path,
    made => makeDirectories(made, requireSafe),
    ({ pin, directory }) => {
      map.pin(pin, path);
      return { directory, file: identityOf(statsOf(pin)) };
    },
  );
  return () => {
    if (made !== undefined) removeMade(path, made);
  };
}

/** A directory and a file in it, by what their file system distinguishes them by. */
interface Made {
  readonly directory: string;
  readonly file: string | undefined;
}

/** Also where the directory cannot be trusted any more: what it holds is compared. What cannot be removed stays. */
function removeMade(path: string, made: Made): void {
  try {
    inDirectory('', path, anyway, ({ pin, directory }) => {
      const file = identityOf(statsOf(pin));
      if (file !== undefined && directory === made.directory && file === made.file) unlinkSync(pin);
    });
  } catch {
    // the failure that led here is reported
  }
}

// --- directories --------------------------------------------------------------------------------------------------

interface HeldDirectory {
  /** Path of the pin, through the descriptor. */
  readonly pin: string;
  readonly directory: string;
  readonly onBpffs: boolean;
}

/** Real path of a directory that is to be used; undefined where it does not exist. */
type FindDirectory = (path: string) => string | undefined;

const existing: FindDirectory = path => found(path, requireSafe);
const anyway: FindDirectory = path => found(path, () => {});

function found(path: string, check: (path: string, stats: Stats) => void): string | undefined {
  const { path: real, missing } = approach(path, check);
  return missing.length > 0 ? undefined : real;
}

/** Runs `body` with the directory of a pin held open. `attempt`: words for a failure of the file system. */
function inDirectory<T>(
  attempt: string,
  path: string,
  find: FindDirectory,
  body: (held: HeldDirectory) => T,
): T | undefined {
  let fd: number | undefined;
  try {
    const place = find(dirname(path));
    if (place === undefined) return undefined;
    fd = openHeld(place);
    const pin = throughDescriptor(fd, basename(path));
    return body({ pin, directory: identityOf(fstatSync(fd)), onBpffs: isOnBpffs(throughDescriptor(fd)) });
  } catch (error) {
    if (error instanceof RootletError) throw error;
    throw syscallError('kernel-pin', [], attempt, -errnoOf(error));
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function requireSafe(path: string, stats: DirectoryStats): void {
  const reason = distrust(path, stats, 'above');
  if (reason !== undefined)
    throw platformError('load-pin-untrusted', [], reason.message, { hint: reason.hint });
}

function foreignPin(path: string, { uid }: Stats): RootletError {
  const what = `the pin ${quote(path)} cannot be trusted: it belongs to user ${uid}`;
  return platformError('load-pin-untrusted', [], what, {
    hint: `inspect it with "ls -la ${path}", and remove it, or take it over with "chown"`,
  });
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === ENOENT) return undefined;
    throw error;
  }
}

function identityOf(stats: Stats): string;
function identityOf(stats: Stats | undefined): string | undefined;
function identityOf(stats: Stats | undefined): string | undefined {
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}
