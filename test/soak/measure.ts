/**
 * What the soak test measures: everything of this process and of the kernel that a cycle could leave behind.
 *
 * Other processes use the same kernel. Programs are those of this process by their names, links those of these
 * programs; of maps and BTF objects there is only the number in the whole kernel, whose limit leaves room for others.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { listIds, openById, readLinkInfo } from '../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../src/kernel/objects/program.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { countFds } from '../../src/kernel/testing.ts';
import type { Rule } from './growth.ts';

const MIB = 2 ** 20;

/** Names of programs of this process begin so; the kernel keeps 15 characters of a name. */
export const PREFIX = `s${process.pid.toString(36)}_`;

export type Measure =
  | 'fds'
  | 'pins'
  | 'programs'
  | 'links'
  | 'kernel maps'
  | 'kernel BTF'
  | 'heap'
  | 'external'
  | 'resident'
  | 'address space';

export const RULES: Readonly<Record<Measure, Rule>> = {
  fds: { kind: 'count', limit: 0 },
  pins: { kind: 'count', limit: 0 },
  programs: { kind: 'count', limit: 0 },
  links: { kind: 'count', limit: 0 },
  'kernel maps': { kind: 'count', limit: 40 },
  'kernel BTF': { kind: 'count', limit: 40 },
  heap: { kind: 'bytes', limit: MIB },
  external: { kind: 'bytes', limit: MIB },
  resident: { kind: 'bytes', limit: 24 * MIB },
  // a memory of WebAssembly takes 10 GiB of addresses
  'address space': { kind: 'bytes', limit: 20 * 1024 * MIB },
};

export type Values = Readonly<Record<Measure, number>>;

/** Measures once. `pins`: the bpf file system that cycles use. `sys`: null where the kernel cannot be asked. */
export async function measure(sys: Sys | null, pins: string | null): Promise<Values> {
  await collect();
  const kernel = sys === null ? NOTHING : kernelObjects(sys);
  const { heapUsed, external } = process.memoryUsage();
  return {
    fds: countFds(),
    pins: pins === null ? 0 : countFiles(pins),
    ...kernel,
    heap: heapUsed,
    external,
    resident: ofStatus('VmRSS'),
    'address space': ofStatus('VmSize'),
  };
}

/** Most that the process had in memory so far, in bytes. */
export function peakMemory(): number {
  return ofStatus('VmHWM');
}

let collector: ((options?: { readonly type: 'minor' }) => void) | undefined;

/**
 * What is unreachable goes, and what the engine frees only between two jobs. The second, minor collection waits until
 * the memory of the buffers that the first found is given back; another full one would take half the time of a short run.
 */
export async function collect(): Promise<void> {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as NonNullable<typeof collector>; // what the flag defines
  }
  await setImmediate();
  collector();
  await setImmediate();
  collector({ type: 'minor' });
}

const NOTHING = { programs: 0, links: 0, 'kernel maps': 0, 'kernel BTF': 0 };

function kernelObjects(sys: Sys): typeof NOTHING {
  const own = new Set(listIds(sys, 'program').filter(id => nameOf(sys, id).startsWith(PREFIX)));
  return {
    programs: own.size,
    links: listIds(sys, 'link').filter(id => own.has(programOfLink(sys, id))).length,
    'kernel maps': listIds(sys, 'map').length,
    'kernel BTF': listIds(sys, 'btf').length,
  };
}

function nameOf(sys: Sys, id: number): string {
  const fd = openById(sys, 'program', id);
  if (fd === undefined) return '';
  using program = BpfProgram.adopt(sys, fd);
  return program.name;
}

function programOfLink(sys: Sys, id: number): number {
  using fd = openById(sys, 'link', id);
  return fd === undefined ? 0 : readLinkInfo(sys, fd.number).programId;
}

function countFiles(directory: string): number {
  return readdirSync(directory, { withFileTypes: true }).reduce(
    (count, entry) => count + 1 + (entry.isDirectory() ? countFiles(join(directory, entry.name)) : 0),
    0,
  );
}

function ofStatus(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  if (found === null) throw new Error(`/proc/self/status has no ${field}`);
  return Number(found[1]) * 1024;
}
