/**
 * Directories of the store, held open. One can only be had by passing the check (`distrust`), and what is in
 * it is reached through its descriptor, so it cannot be replaced between check and use. No operation follows
 * a symbolic link.
 */

import {
  closeSync,
  type Dirent,
  existsSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  bugError,
  type Problem,
  platformError,
  problem,
  quote,
  RootletError,
  shellWord,
} from '../diag/index.ts';
import {
  approach,
  DESCRIPTORS,
  type DirectoryUse,
  distrust,
  errnoOf,
  isTrustedOwner,
  MOUNT_BPFFS,
  makeDirectories,
  makeDirectory,
  openHeld,
  syscallError,
  throughDescriptor,
} from '../kernel/index.ts';
import { EACCES, EINVAL, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EROFS } from '../uapi/index.ts';

/**
 * Runs file operations; what they throw becomes `store-file` or `store-read-only`, with `what` and the path.
 */
export function onFile<T>(what: string, path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RootletError) throw error;
    throw fileError(what, path, errnoOf(error));
  }
}

function fileError(what: string, path: string, errno: number): RootletError {
  const attempt = `${what} ${quote(path)}`;
  if (errno === EROFS) {
    return syscallError('store-read-only', [], attempt, -errno, {
      hint: `make the bpf file system writable (mount -o remount,rw ${shellWord(bpffsOf(path))}), or name a directory on another one (--bpffs)`,
    });
  }
  const denied = errno === EACCES || errno === EPERM;
  return syscallError('store-file', [], attempt, -errno, {
    ...(denied
      ? { hint: 'the bpf file system belongs to root: run as root, or mount one that this user may write to' }
      : {}),
  });
}

/** For a hint: a path that cannot be looked at is named itself. */
function bpffsOf(path: string): string {
  try {
    return bpffsMountOf(path);
  } catch {
    return path;
  }
}

/** Throws `store-untrusted` when other users could change what is reached through `path`. */
export function requireTrusted(path: string, stats: Stats, use: DirectoryUse): void {
  const reason = distrust(path, stats, use);
  if (reason !== undefined) throw untrusted(reason.message, reason.hint);
}

export function untrustedProblem(message: string, hint: string): Problem {
  return problem('store-untrusted', [], message, { hint });
}

function untrusted(message: string, hint: string): RootletError {
  return new RootletError([untrustedProblem(message, hint)]);
}

const checkAbove = (path: string, stats: Stats) => requireTrusted(path, stats, 'above');

/**
 * Throws `store-no-bpffs` unless `path`, or the nearest directory above it that exists, is on a bpf file
 * system, and `store-untrusted` when a directory on the way can be changed by other users.
 */
export function requireBpffs(path: string): void {
  const { onBpffs } = onFile('inspecting', path, () => approach(path, checkAbove));
  if (onBpffs) return;
  throw platformError('store-no-bpffs', [], `${quote(path)} is not on a bpf file system`, {
    hint: `${MOUNT_BPFFS}, or name a directory on one that is mounted already (--bpffs)`,
  });
}

/** The directory that the bpf file system of `path` is mounted on. `path` must be on one (`requireBpffs`). */
export function bpffsMountOf(path: string): string {
  let nearest = resolve(path);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const deviceOf = (at: string) => onFile('inspecting', at, () => statSync(at).dev);
  const device = deviceOf(nearest);
  for (let parent = dirname(nearest); parent !== nearest; parent = dirname(nearest)) {
    if (deviceOf(parent) !== device) return nearest;
    nearest = parent;
  }
  return nearest;
}

export class Directory {
  /** As it was named, for messages. */
  readonly path: string;
  /** Equal for two handles of the same directory. */
  readonly identity: string;
  #fd: number;

  private constructor(path: string, identity: string, fd: number) {
    this.path = path;
    this.identity = identity;
    this.#fd = fd;
  }

  /**
   * The directory at any path of a bpf file system, with all above it checked; undefined when it does not
   * exist. Throws `store-no-bpffs`, `store-untrusted`, `store-file`.
   */
  static find(path: string, use: DirectoryUse = 'own'): Directory | undefined {
    requireBpffs(path);
    const found = onFile('inspecting', path, () => approach(path, checkAbove));
    return found.missing.length > 0 ? undefined : Directory.#open(found.path, path, use);
  }

  /** The same, made with mode 0700 where it does not exist. */
  static make(path: string, use: DirectoryUse = 'own'): Directory {
    requireBpffs(path);
    const made = onFile('making directory', path, () => makeDirectories(path, checkAbove));
    return present(Directory.#open(made, path, use), path);
  }

  static #open(place: string, path: string, use: DirectoryUse): Directory | undefined {
    const fd = openDirectory(place, path, use);
    if (fd === undefined) return undefined;
    try {
      const stats = onFile('inspecting', path, () => fstatSync(fd));
      requireTrusted(path, stats, use);
      requireDescriptors(fd);
      return new Directory(path, `${stats.dev}:${stats.ino}`, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * Path of what is in it, for system calls. Several names lead further down: they may only be of directories
   * that were opened through this one before, which no other process can have replaced since.
   */
  at(...names: readonly string[]): string {
    for (const name of names) {
      if (name === '' || name === '.' || name === '..' || name.includes('/'))
        throw bugError([this.path], `${quote(name)} is not a file name`);
    }
    return throughDescriptor(this.#number(), ...names);
  }

  /** A directory in it; undefined when there is none. Throws `store-untrusted`. */
  open(name: string): Directory | undefined {
    return Directory.#open(this.at(name), join(this.path, name), 'own');
  }

  /** The same, made where it does not exist; one that cannot be opened then is not left behind. */
  make(name: string): Directory {
    const path = join(this.path, name);
    const made = onFile('making directory', path, () => makeDirectory(this.at(name)));
    try {
      return present(this.open(name), path);
    } catch (error) {
      if (made) this.removeDirectory(name);
      throw error;
    }
  }

  /** What is in it, by name; nothing once it was removed. */
  entries(): Dirent[] {
    try {
      const entries = readdirSync(this.at(), { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ENOENT) return [];
      throw fileError('listing', this.path, errno);
    }
  }

  names(): string[] {
    return this.entries().map(({ name }) => name);
  }

  /** Whether something is there, of whatever kind. */
  has(name: string): boolean {
    const path = join(this.path, name);
    return (
      onFile('inspecting', path, () => lstatSync(this.at(name), { throwIfNoEntry: false })) !== undefined
    );
  }

  /**
   * Whether a pin may be opened there: a file of root or the effective user. Throws `store-untrusted` for
   * others.
   */
  hasFile(name: string): boolean {
    const path = join(this.path, name);
    const stats = onFile('inspecting', path, () => lstatSync(this.at(name), { throwIfNoEntry: false }));
    if (stats === undefined) return false;
    if (stats.isFile() && isTrustedOwner(stats.uid)) return true;
    const reason = stats.isFile() ? `belongs to user ${stats.uid}` : 'is not a pin';
    throw untrusted(
      `${quote(path)} cannot be trusted: it ${reason}`,
      `inspect it with "ls -la ${shellWord(path)}", and remove it`,
    );
  }

  /** Target of a symbolic link; undefined when there is none. */
  link(name: string): string | undefined {
    try {
      return readlinkSync(this.at(name));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ENOENT || errno === EINVAL) return undefined;
      throw fileError('reading the link', join(this.path, name), errno);
    }
  }

  makeLink(name: string, target: string): void {
    onFile('making', join(this.path, name), () => symlinkSync(target, this.at(name)));
  }

  /** Points `name` to `target` in one step; `spare` is the name of the link until then. */
  swapLink(name: string, spare: string, target: string): void {
    this.removeLink(spare);
    this.makeLink(spare, target);
    onFile('switching', join(this.path, name), () => renameSync(this.at(spare), this.at(name)));
  }

  /** Removes a symbolic link; what is none is left. */
  removeLink(name: string): void {
    if (this.link(name) !== undefined) this.removeFile(name);
  }

  /** Removes a file; one that is gone already is fine. For several names see `at`. */
  removeFile(...names: readonly string[]): void {
    try {
      unlinkSync(this.at(...names));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== ENOENT) throw fileError('removing', join(this.path, ...names), errno);
    }
  }

  /** Removes a directory if it is empty; one that is gone already is fine. False when something is in it. */
  removeDirectory(...names: readonly string[]): boolean {
    try {
      rmdirSync(this.at(...names));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ENOTEMPTY) return false;
      if (errno !== ENOENT) throw fileError('removing directory', join(this.path, ...names), errno);
    }
    return true;
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #number(): number {
    if (this.#fd < 0) throw bugError([this.path], 'this directory is already closed');
    return this.#fd;
  }
}

function openDirectory(place: string, path: string, use: DirectoryUse): number | undefined {
  try {
    return openHeld(place);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT) return undefined;
    // The kernel refuses links and files itself; the check finds the message.
    if (errno === ENOTDIR || errno === ELOOP)
      requireTrusted(
        path,
        onFile('inspecting', path, () => lstatSync(place)),
        use,
      );
    throw fileError('opening', path, errno);
  }
}

/** Without /proc everything in a directory would seem to be missing. */
function requireDescriptors(fd: number): void {
  if (existsSync(throughDescriptor(fd))) return;
  throw platformError('store-file', [], `${quote(DESCRIPTORS)} cannot be used`, {
    hint: 'mount -t proc proc /proc',
  });
}

function present(directory: Directory | undefined, path: string): Directory {
  if (directory !== undefined) return directory;
  throw fileError('opening', path, ENOENT);
}
