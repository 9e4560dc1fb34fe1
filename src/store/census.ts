/**
 * Everything that BPF has in this kernel, and who keeps it there: processes with descriptors, and pins.
 *
 * The kernel does not tell owners of its objects. They are found from the other side, by looking through the descriptors
 * of all processes and through all bpf file systems that this process sees.
 */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { RootletError } from '../diag/index.ts';
import type { Fd } from '../kernel/fd.ts';
import {
  type LinkDescription,
  listIds,
  type MapDescription,
  openById,
  type ProgramDescription,
  readLinkInfo,
  readMapInfo,
  readProgramInfo,
} from '../kernel/info.ts';
import { openPinned } from '../kernel/pin.ts';
import type { Sys } from '../kernel/sys.ts';
import { kindOfFd, type PinnedKind } from './folder.ts';

export type Holder =
  | { readonly kind: 'process'; readonly pid: number; readonly command: string }
  | { readonly kind: 'pin'; readonly path: string };

interface Thing<K extends PinnedKind, D> {
  readonly kind: K;
  readonly id: number;
  readonly description: D;
  /** Processes by number, then pins by path. */
  readonly holders: readonly Holder[];
}

export interface Census {
  readonly programs: readonly Thing<'program', ProgramDescription>[];
  readonly maps: readonly Thing<'map', MapDescription>[];
  readonly links: readonly Thing<'link', LinkDescription>[];
}

/** Looks at everything once; what comes and goes meanwhile may be missing. Needs CAP_SYS_ADMIN. */
export function takeCensus(sys: Sys): Census {
  const holders = new Holders();
  addProcesses(holders);
  for (const mount of bpffsMounts()) addPins(sys, holders, mount);
  return {
    programs: things(sys, 'program', readProgramInfo, holders),
    maps: things(sys, 'map', readMapInfo, holders),
    links: things(sys, 'link', readLinkInfo, holders),
  };
}

class Holders {
  readonly #byThing = new Map<string, Holder[]>();

  add(kind: PinnedKind, id: number, holder: Holder): void {
    const key = `${kind} ${id}`;
    const list = this.#byThing.get(key) ?? [];
    const last = list.at(-1);
    const again = last?.kind === 'process' && holder.kind === 'process' && last.pid === holder.pid;
    if (!again) list.push(holder);
    this.#byThing.set(key, list);
  }

  of(kind: PinnedKind, id: number): readonly Holder[] {
    return this.#byThing.get(`${kind} ${id}`) ?? [];
  }
}

function things<K extends PinnedKind, D>(
  sys: Sys,
  kind: K,
  read: (sys: Sys, fd: number) => D,
  holders: Holders,
): Thing<K, D>[] {
  return listIds(sys, kind).flatMap(id => {
    const fd = openById(sys, kind, id);
    if (fd === undefined) return [];
    try {
      return [{ kind, id, description: read(sys, fd.number), holders: holders.of(kind, id) }];
    } finally {
      fd.close();
    }
  });
}

const ID_FIELDS: readonly (readonly [field: string, kind: PinnedKind])[] = [
  ['prog_id:', 'program'],
  ['map_id:', 'map'],
  ['link_id:', 'link'],
];

function addProcesses(holders: Holders): void {
  const own = String(process.pid);
  for (const pid of namesIn('/proc')
    .filter(name => /^\d+$/.test(name) && name !== own)
    .map(Number)
    .sort((a, b) => a - b)) {
    const descriptors = namesIn(`/proc/${pid}/fd`).filter(fd => isBpf(`/proc/${pid}/fd/${fd}`));
    if (descriptors.length === 0) continue;
    const command = textOf(`/proc/${pid}/comm`).trim();
    for (const fd of descriptors) {
      const thing = describedBy(textOf(`/proc/${pid}/fdinfo/${fd}`));
      if (thing !== undefined) holders.add(thing.kind, thing.id, { kind: 'process', pid, command });
    }
  }
}

function isBpf(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('anon_inode:bpf');
  } catch {
    return false;
  }
}

/** A link's description names its program as well: its own id decides. */
function describedBy(fdinfo: string): { kind: PinnedKind; id: number } | undefined {
  const lines = fdinfo.split('\n');
  for (const [field, kind] of [...ID_FIELDS].reverse()) {
    const line = lines.find(candidate => candidate.startsWith(field));
    const id = line === undefined ? Number.NaN : Number(line.slice(field.length).trim());
    if (Number.isSafeInteger(id)) return { kind, id };
  }
  return undefined;
}

function bpffsMounts(): string[] {
  const mounts = textOf('/proc/self/mounts')
    .split('\n')
    .map(line => line.split(' '));
  const folders = mounts.flatMap(([, folder, type]) =>
    type === 'bpf' && folder !== undefined ? [folder] : [],
  );
  return [
    ...new Set(
      folders.map(folder =>
        folder.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
      ),
    ),
  ];
}

/** More files than anybody pins; a file system that somebody filled does not keep us for ever. */
const MAX_PINS = 100_000;

function addPins(sys: Sys, holders: Holders, mount: string): void {
  const open = [mount];
  let seen = 0;
  for (let folder = open.pop(); folder !== undefined && seen < MAX_PINS; folder = open.pop()) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      seen++;
      if (isFolder(path)) open.push(path);
      else addPin(sys, holders, path);
    }
  }
}

function addPin(sys: Sys, holders: Holders, path: string): void {
  let fd: Fd | undefined;
  try {
    if (lstatSync(path).isFile()) fd = openPinned(sys, path);
    const thing = fd === undefined ? undefined : identify(sys, fd.number);
    if (thing !== undefined) holders.add(thing.kind, thing.id, { kind: 'pin', path });
  } catch (error) {
    if (!(error instanceof RootletError) && !(error instanceof Error && 'errno' in error)) throw error;
  } finally {
    fd?.close();
  }
}

function identify(sys: Sys, fd: number): { kind: PinnedKind; id: number } | undefined {
  switch (kindOfFd(fd)) {
    case 'program':
      return { kind: 'program', id: readProgramInfo(sys, fd).id };
    case 'map':
      return { kind: 'map', id: readMapInfo(sys, fd).id };
    case 'link':
      return { kind: 'link', id: readLinkInfo(sys, fd).id };
    case undefined:
      return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Sorted; none where this process may not look. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
