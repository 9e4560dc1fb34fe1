/**
 * Working in another network namespace: interfaces, netlink and attachments are those of the calling
 * thread's.
 */

import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { quote } from '../../diag/index.ts';
import { EACCES, EPERM } from '../../uapi/index.ts';
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
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe in its place is not waited for
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

/**
 * All network namespaces that this process finds: those with names (`ip netns`), then those of mounts,
 * processes, threads and descriptors. One that only a socket keeps is not found.
 */
export function listNetns(): Netns[] {
  return [...eachNetns(new Set())];
}

/** The network namespace of this name (`net:[4026531840]`), if a file leads to it. */
export function findNetns(name: string): Netns | undefined {
  for (const netns of eachNetns(new Set())) if (netns.name === name) return netns;
  return undefined;
}

/** Network namespaces that this process finds, and what it may have missed. */
export interface NetnsSearch {
  readonly found: readonly Netns[];
  /** Processes whose namespaces and descriptors this process may not look at. */
  readonly hidden: readonly number[];
  /** Whether there may be processes that this one does not see at all. */
  readonly outside: boolean;
}

/** As `listNetns`, with what was out of sight. */
export function searchNetns(): NetnsSearch {
  const hidden = new Set<string>();
  const found = [...eachNetns(hidden)];
  return { found, hidden: [...hidden].map(Number).filter(isUserProcess), outside: !seesAllProcesses() };
}

/**
 * What two processes (or threads: `thread-self`) of one network namespace have in common, readable also where
 * the namespace itself may not be looked at; undefined for a process that is gone.
 */
export function netnsIdentity(process: number | 'thread-self'): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${process}/net/dev`);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

const NAMED = '/run/netns';
/** Inode of the first PID namespace, which the kernel fixes (PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

function seesAllProcesses(): boolean {
  return linkText('/proc/self/ns/pid') === INITIAL_PID_NAMESPACE && existsSync('/proc/1');
}

/** Each once, the cheapest ways to find them first. What may not be looked at goes into `hidden`. */
function* eachNetns(hidden: Set<string>): Generator<Netns> {
  const seen = new Set<string>();
  for (const path of eachFile(hidden)) {
    const name = namespaceAt(path, hidden);
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    yield { name, path };
  }
}

/** Files that may lead to namespaces. */
function* eachFile(hidden: Set<string>): Generator<string> {
  yield '/proc/thread-self/ns/net';
  for (const file of listFiles(NAMED)) yield join(NAMED, file);
  yield* mountsIn('/proc/self', '');
  const processes = listFiles('/proc').filter(name => /^\d+$/.test(name));
  for (const process of processes) yield `/proc/${process}/ns/net`;
  const mountNamespaces = new Set([linkText('/proc/self/ns/mnt')]);
  for (const process of processes) {
    const place = `/proc/${process}`;
    for (const thread of listFiles(`${place}/task`))
      if (thread !== process) yield `${place}/task/${thread}/ns/net`;
    for (const fd of listFiles(`${place}/fd`, hidden))
      if (mayBeNamespace(place, fd)) yield `${place}/fd/${fd}`;
    const mounts = linkText(`${place}/ns/mnt`);
    if (mountNamespaces.has(mounts)) continue;
    mountNamespaces.add(mounts);
    yield* mountsIn(place, `${place}/root`);
  }
}

/** Lowest inode of a namespace (PROC_IPC_INIT_INO and the like are fixed, others follow). */
const FIRST_INODE = 0xefffffff - 16;

/**
 * Whether a descriptor can be of a namespace. Its file is not touched, which may be on a file system that
 * does not answer: the inode is in its description (since Linux 5.14).
 */
function mayBeNamespace(process: string, fd: string): boolean {
  const text = linkText(`${process}/fd/${fd}`);
  if (text?.startsWith('net:[') === true) return true;
  if (text?.startsWith('/') !== true) return false;
  const inode = /^ino:\s+(\d+)$/m.exec(textOr(`${process}/fdinfo/${fd}`, ''))?.[1];
  return inode === undefined || Number(inode) >= FIRST_INODE;
}

/** Namespaces that are mounted on files, as a process sees them. */
function mountsIn(process: string, root: string): string[] {
  return textOr(`${process}/mountinfo`, '')
    .split('\n')
    .flatMap(line => {
      const [, , , inner, point] = line.split(' ');
      const isNamespace = line.includes(' - nsfs ') && inner?.startsWith('net:[') === true;
      return isNamespace && point !== undefined ? [`${root}${unescapeMount(point)}`] : [];
    });
}

/** Spaces and the like are octal numbers in tables of mounts. */
function unescapeMount(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function textOr(path: string, absent: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return absent; // gone meanwhile
  }
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // gone meanwhile, or not for this user
  }
}

function listFiles(path: string, hidden?: Set<string>): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    noteHidden(path, error, hidden);
    return [];
  }
}

/** A file that is not on the namespace file system is not a namespace. */
function namespaceAt(path: string, hidden: Set<string>): string | undefined {
  try {
    const { ino, dev } = statSync(path);
    return dev === statSync('/proc/thread-self/ns/net').dev ? `net:[${ino}]` : undefined;
  } catch (error) {
    noteHidden(path, error, hidden);
    return undefined;
  }
}

/** Of `/proc/PID/…` the process. What is gone meanwhile hides nothing. */
function noteHidden(path: string, error: unknown, hidden: Set<string> | undefined): void {
  const errno = errnoOf(error);
  const [, , process] = path.split('/');
  if (process !== undefined && (errno === EACCES || errno === EPERM)) hidden?.add(process);
}

const KERNEL_THREADS = 2;

/** Threads of the kernel have no namespace of their own and no descriptors; all are children of process 2. */
function isUserProcess(process: number): boolean {
  const parent = /^PPid:\s+(\d+)$/m.exec(textOr(`/proc/${process}/status`, ''))?.[1];
  return parent !== undefined && process !== KERNEL_THREADS && Number(parent) !== KERNEL_THREADS;
}
