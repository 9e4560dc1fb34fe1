/** What a pin holds: the kernel answers questions about one kind of object with the bytes of another. */

import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { platformError, quote } from '../diag/index.ts';
import { errnoOf, type Fd, openPinned, type Sys, syscallError } from '../kernel/index.ts';
import { ENOENT } from '../uapi/index.ts';
import type { Directory } from './directory.ts';

export type PinnedKind = 'program' | 'map' | 'link';

const DESCRIPTOR_KINDS: ReadonlyMap<string, PinnedKind> = new Map([
  ['anon_inode:bpf-prog', 'program'],
  ['anon_inode:bpf-map', 'map'],
  ['anon_inode:bpf_link', 'link'],
  ['anon_inode:bpf-link', 'link'],
]);

/** What a descriptor is of; undefined for what is not of BPF. Throws `store-file` where that cannot be read. */
export function kindOfFd(fd: number): PinnedKind | undefined {
  return DESCRIPTOR_KINDS.get(descriptorText(fd).replace('[', '').replace(']', ''));
}

function descriptorText(fd: number): string {
  const path = `/proc/self/fd/${fd}`;
  try {
    return readlinkSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 0 || errno === ENOENT) return ''; // no /proc
    throw syscallError('store-file', [], `reading the link ${quote(path)}`, -errno);
  }
}

/** The pin at `path`, owned by the caller. Throws `store-pin` when it is missing or of another kind. */
export function openPin(sys: Sys, path: string, kind: PinnedKind): Fd {
  return requireKind(openPinned(sys, path), path, kind);
}

/**
 * The same for a pin in a directory of the store, `path` being its whole path. Throws `store-untrusted` for
 * what is not a file, and `store-pin` where there is no directory.
 */
export function openPinIn(sys: Sys, directory: Directory | undefined, path: string, kind: PinnedKind): Fd {
  const name = basename(path);
  const there = directory?.hasFile(name) === true;
  return requireKind(there ? openPinned(sys, directory.at(name), path) : undefined, path, kind);
}

function requireKind(fd: Fd | undefined, path: string, kind: PinnedKind): Fd {
  if (fd !== undefined && isOfKind(fd, kind)) return fd;
  fd?.close();
  const found = fd === undefined ? 'does not exist' : `is not a ${kind}`;
  throw platformError('store-pin', [], `the pin ${quote(path)} ${found}`, {
    hint: 'another process removed or replaced it; remove the entry (unload --force or detach --force; a chain: "rootlet xdp unload IFACE --all") and load it again',
  });
}

function isOfKind(fd: Fd, kind: PinnedKind): boolean {
  try {
    return kindOfFd(fd.number) === kind;
  } catch (error) {
    fd.close();
    throw error;
  }
}
