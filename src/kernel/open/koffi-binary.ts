/**
 * Where the binary of koffi is, and whether it may be run: it is code that root loads. Separate from loading it, to be
 * tested with other directories than those of this package.
 */

import { closeSync, lstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTrustedOwner } from '../sys/index.ts';

/** Bits of permission of others than the owner: with those of the group, and without. */
export const BY_OTHERS = 0o022;
export const BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * The file in the first `node_modules` from `start` upwards that has it, and in which no other user could have put it.
 * Undefined where there is none.
 */
export function binaryPath(start = dirname(fileURLToPath(import.meta.url))): string | undefined {
  const libc = libcOfNode();
  if (libc === undefined) return undefined;
  const inPackage = `@koromix/koffi-linux-${process.arch}/${libc}_${process.arch}/koffi.node`;
  let directory = start;
  for (;;) {
    const path = join(directory, 'node_modules', inPackage);
    if (isOwnFile(path, BY_OTHERS)) return realpathSync(path);
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
}

/**
 * Whether it is a file that nobody but root, this user and the owner of this package can have written or replaced: the
 * search ends at `/node_modules`, with directories in between that other users may write to. `mask`: permissions that
 * others must not have; in a directory of which everybody keeps his own (sticky) they may.
 */
export function isOwnFile(path: string, mask: number): boolean {
  try {
    const owner = statSync(fileURLToPath(import.meta.url)).uid;
    const isOwn = ({ uid }: Stats): boolean => isTrustedOwner(uid) || uid === owner;
    const file = statSync(path);
    if (!file.isFile() || (file.mode & mask) !== 0 || !isOwn(file)) return false;
    return (
      above(path).every(each => isOwn(lstatSync(each))) &&
      above(realpathSync(path)).every(each => isKept(lstatSync(each), mask) && isOwn(lstatSync(each)))
    );
  } catch {
    return false; // it is not there
  }
}

function isKept({ mode }: Stats, mask: number): boolean {
  return (mode & mask) === 0 || (mode & STICKY) !== 0;
}

/** The path and all directories above it. */
function above(path: string): string[] {
  const all = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) all.push(dirname(at));
  return all;
}

/** Bytes of an executable that have the name of its dynamic loader. */
const HEAD = 4096;

/** koffi's word for the C library that this Node runs with; one built for another library must not be opened. */
function libcOfNode(): 'linux' | 'musl' | undefined {
  const bytes = new Uint8Array(HEAD);
  const fd = openSync(process.execPath, 'r');
  readSync(fd, bytes);
  closeSync(fd);
  const head = Buffer.from(bytes.buffer).toString('latin1');
  if (head.includes('/ld-musl-')) return 'musl';
  return head.includes('/ld-linux-') ? 'linux' : undefined;
}
