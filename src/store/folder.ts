/** Files and folders of a bpf file system, with errors that say what to do; what a pin holds. */

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { platformError, quote, type RootletError } from '../diag/index.ts';
import { EACCES, ENOENT, EPERM, syscallError } from '../kernel/errno.ts';
import type { Fd } from '../kernel/fd.ts';
import { openPinned } from '../kernel/pin.ts';
import type { Sys } from '../kernel/sys.ts';

const BPF_FS_MAGIC = 0xcafe4a11;

/** Runs file operations; what they throw becomes `store-file`, with `what` and the path. */
export function onFile<T>(what: string, path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw fileError(what, path, errnoOf(error));
  }
}

export function errnoOf(error: unknown): number {
  return error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0;
}

function fileError(what: string, path: string, errno: number): RootletError {
  const denied = errno === EACCES || errno === EPERM;
  return syscallError('store-file', [], `${what} ${quote(path)}`, -errno, {
    ...(denied
      ? { hint: 'the bpf file system belongs to root: run as root, or mount one that this user may write to' }
      : {}),
  });
}

/** Throws `store-no-bpffs` unless `path`, or the nearest folder above it that exists, is on a bpf file system. */
export function requireBpffs(path: string): void {
  let nearest = resolve(path);
  while (!exists(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const type = onFile('looking at', nearest, () => statfsSync(nearest).type);
  if (type === BPF_FS_MAGIC) return;
  throw platformError('store-no-bpffs', [], `${quote(path)} is not on a bpf file system`, {
    hint: 'mount -t bpf bpf /sys/fs/bpf, or name a folder on one that is mounted already (--bpffs)',
  });
}

/** The folder that the bpf file system of `path` is mounted on. `path` must be on one (`requireBpffs`). */
export function bpffsMountOf(path: string): string {
  let nearest = resolve(path);
  while (!exists(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const device = onFile('looking at', nearest, () => statSync(nearest).dev);
  for (let parent = dirname(nearest); parent !== nearest; parent = dirname(nearest)) {
    if (onFile('looking at', parent, () => statSync(parent).dev) !== device) return nearest;
    nearest = parent;
  }
  return nearest;
}

export function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT) return false;
    throw fileError('looking at', path, errno);
  }
}

/** Names in a folder, sorted; none when it is not there. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT) return [];
    throw fileError('listing', path, errno);
  }
}

export function makeFolder(path: string): void {
  onFile('making folder', path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
}

/** Where a symbolic link points; undefined when there is none. */
export function readPointer(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Points `folder/name` to `target` as one step. */
export function swapPointer(folder: string, name: string, target: string): void {
  const fresh = join(folder, 'next');
  removeFile(fresh);
  onFile('making', fresh, () => symlinkSync(target, fresh));
  onFile('switching', join(folder, name), () => renameSync(fresh, join(folder, name)));
}

/** Removes a file; one that is gone already is fine. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== ENOENT) throw fileError('removing', path, errno);
  }
}

/**
 * Removes a folder of pins. Descriptors are kept while the pins go, and closed last: attachments then end together, and
 * after their programs have lost their other names.
 */
export function removePins(sys: Sys, folder: string): void {
  const held: Fd[] = [];
  try {
    for (const name of listFolder(folder)) {
      const fd = openQuietly(sys, join(folder, name));
      if (fd !== undefined) held.push(fd);
      removeFile(join(folder, name));
    }
    removeFolder(folder);
  } finally {
    for (const fd of held) fd.close();
  }
}

/** Removes an empty folder; one that is gone already is fine. */
export function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== ENOENT) throw fileError('removing folder', path, errno);
  }
}

function openQuietly(sys: Sys, path: string): Fd | undefined {
  try {
    return openPinned(sys, path);
  } catch {
    return undefined; // removing it does not need it
  }
}

export type PinnedKind = 'program' | 'map' | 'link';

const DESCRIPTOR_KINDS: ReadonlyMap<string, PinnedKind> = new Map([
  ['anon_inode:bpf-prog', 'program'],
  ['anon_inode:bpf-map', 'map'],
  ['anon_inode:bpf_link', 'link'],
  ['anon_inode:bpf-link', 'link'],
]);

/** What a descriptor is of; the kernel answers questions about one kind with the bytes of another. */
export function kindOfFd(fd: number): PinnedKind | undefined {
  const text = readPointer(`/proc/self/fd/${fd}`) ?? '';
  return DESCRIPTOR_KINDS.get(text.replace('[', '').replace(']', ''));
}

/** The pin at `path`, owned by the caller. Throws `store-pin` when it is missing or of another kind. */
export function openPin(sys: Sys, path: string, kind: PinnedKind): Fd {
  const fd = openPinned(sys, path);
  if (fd !== undefined && kindOfFd(fd.number) === kind) return fd;
  fd?.close();
  const found = fd === undefined ? 'is not there' : `is no ${kind}`;
  throw platformError('store-pin', [], `the pin ${quote(path)} ${found}`, {
    hint: 'somebody removed or replaced it; "rootlet unload --force" removes the rest',
  });
}
