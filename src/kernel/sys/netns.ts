/**
 * Working in another network namespace: interfaces, netlink and attachments are those of the calling
 * thread's.
 */

import { closeSync, openSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { quote } from '../../diag/index.ts';
import { errnoOf, syscallError } from './errno.ts';
import type { Sys } from './sys.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Runs `body` in the network namespace at `path` (`/run/netns/NAME`, `/proc/PID/ns/net`) and goes back.
 * `body` must not be asynchronous: other code of this thread would see the other namespace. Throws
 * `kernel-netns`.
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
    throw syscallError('kernel-netns', [], `opening network namespace ${quote(path)}`, -errnoOf(error));
  }
}

function enter(sys: Sys, fd: number, path: string): void {
  const result = sys.syscall('setns', fd, CLONE_NEWNET);
  if (result < 0) throw syscallError('kernel-netns', [], `entering network namespace ${quote(path)}`, result);
}

/** A network namespace by its inode, as `net:[4026531840]`, and a file that leads to it. */
export interface Netns {
  readonly name: string;
  readonly path: string;
}

/** Name of the network namespace that the calling thread is in. */
export function currentNetns(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}

const NAMED = '/run/netns';

/** All network namespaces that this process finds: those with names (`ip netns`), then those of processes. */
export function listNetns(): Netns[] {
  const found = new Map<string, Netns>();
  const add = (name: string | undefined, path: string) => {
    if (name !== undefined && !found.has(name)) found.set(name, { name, path });
  };
  const { dev } = statSync('/proc/thread-self/ns/net');
  for (const file of listFiles(NAMED)) add(namespaceAt(join(NAMED, file), dev), join(NAMED, file));
  for (const process of listFiles('/proc')) {
    if (!/^\d+$/.test(process)) continue;
    const path = `/proc/${process}/ns/net`;
    add(namespaceAt(path, dev), path);
  }
  return [...found.values()];
}

function listFiles(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // no such directory, or not for this user
  }
}

/** A file that is not on the namespace file system is not a namespace. */
function namespaceAt(path: string, dev: number): string | undefined {
  try {
    const file = statSync(path);
    return file.dev === dev ? `net:[${file.ino}]` : undefined;
  } catch {
    return undefined; // gone meanwhile, or not for this user
  }
}
