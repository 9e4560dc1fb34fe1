/** Working in another network namespace: interfaces, netlink and attachments are those of the calling thread's. */

import { closeSync, openSync } from 'node:fs';
import { quote } from '../diag/index.ts';
import { syscallError } from './errno.ts';
import type { Sys } from './sys.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Runs `body` in the network namespace at `path` (`/run/netns/NAME`, `/proc/PID/ns/net`) and goes back. `body` must
 * not be asynchronous: other code of this thread would see the other namespace. Throws `kernel-netns`.
 */
export function inNetns<T>(sys: Sys, path: string, body: () => T): T {
  const home = openNamespace('/proc/thread-self/ns/net');
  try {
    const away = openNamespace(path);
    try {
      enter(sys, away, path);
    } finally {
      closeSync(away);
    }
    try {
      return body();
    } finally {
      enter(sys, home, 'the own one');
    }
  } finally {
    closeSync(home);
  }
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : -2;
    throw syscallError('kernel-netns', [], `opening network namespace ${quote(path)}`, errno);
  }
}

function enter(sys: Sys, fd: number, path: string): void {
  const result = sys.syscall('setns', fd, CLONE_NEWNET);
  if (result < 0) throw syscallError('kernel-netns', [], `entering network namespace ${quote(path)}`, result);
}
