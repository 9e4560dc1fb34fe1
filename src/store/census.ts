/**
 * All BPF objects in this kernel and their owners: processes with descriptors, and pins.
 *
 * The kernel does not report the owners of its objects. They are found in the descriptors of all
 * processes and in all bpf file systems that this process sees. No link is followed, so that each pin is
 * listed once.
 */

import {
  closeSync,
  constants,
  type Dirent,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { RootletError } from '../diag/index.ts';
import {
  type Fd,
  isNotVisible,
  type LinkDescription,
  listIds,
  type MapDescription,
  openById,
  openPinned,
  type ProgramDescription,
  readLinkInfo,
  readMapInfo,
  readProgramInfo,
  type Sys,
} from '../kernel/index.ts';
import { COMPONENTS_TARGET, CURRENT } from './layout.ts';
import { COMPONENTS } from './names.ts';
import { kindOfFd, type PinnedKind } from './pins.ts';

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
  /** Whether these are all; without CAP_SYS_ADMIN they are what has a pin that this process may open. */
  readonly complete: boolean;
}

/** Looks at everything once; what comes and goes at the same time may be missing. */
export function takeCensus(sys: Sys): Census {
  const holders = new Holders();
  addProcesses(holders);
  for (const mount of bpffsMounts()) addPins(sys, holders, mount);
  const complete = mayList(sys);
  const seen: Seen = { sys, holders, complete };
  return {
    programs: things(seen, 'program', readProgramInfo),
    maps: things(seen, 'map', readMapInfo),
    links: things(seen, 'link', readLinkInfo),
    complete,
  };
}

interface Seen {
  readonly sys: Sys;
  readonly holders: Holders;
  readonly complete: boolean;
}

function mayList(sys: Sys): boolean {
  try {
    listIds(sys, 'program');
    return true;
  } catch (error) {
    if (isNotVisible(error)) return false;
    throw error;
  }
}

class Holders {
  readonly #byThing = new Map<string, Holder[]>();
  /** Pins that were opened, by kind and id. */
  readonly #pins = new Map<PinnedKind, Map<number, string>>();

  add(kind: PinnedKind, id: number, holder: Holder): void {
    const key = `${kind} ${id}`;
    const list = this.#byThing.get(key) ?? [];
    const last = list.at(-1);
    const again = last?.kind === 'process' && holder.kind === 'process' && last.pid === holder.pid;
    if (!again) list.push(holder);
    this.#byThing.set(key, list);
  }

  /** `path` is where the pin is, free of links. */
  addPin(kind: PinnedKind, id: number, path: string, shown: string): void {
    this.add(kind, id, { kind: 'pin', path: shown });
    const pins = this.#pins.get(kind) ?? new Map<number, string>();
    pins.set(id, path);
    this.#pins.set(kind, pins);
  }

  /** Ids and paths of what has a pin, by id. */
  pinned(kind: PinnedKind): readonly (readonly [id: number, path: string])[] {
    return [...(this.#pins.get(kind) ?? new Map<number, string>())].sort(([a], [b]) => a - b);
  }

  of(kind: PinnedKind, id: number): readonly Holder[] {
    return this.#byThing.get(`${kind} ${id}`) ?? [];
  }
}

function things<K extends PinnedKind, D extends { readonly id: number }>(
  { sys, holders, complete }: Seen,
  kind: K,
  read: (sys: Sys, fd: number) => D,
): Thing<K, D>[] {
  const found = complete
    ? listIds(sys, kind).map(id => [id, () => openById(sys, kind, id)] as const)
    : holders.pinned(kind).map(([id, path]) => [id, () => openQuietly(sys, path)] as const);
  return found.flatMap(([id, open]) => {
    const fd = open(); // one at a time: there may be more than a process may have open
    if (fd === undefined) return [];
    try {
      const description = read(sys, fd.number);
      return description.id === id ? [{ kind, id, description, holders: holders.of(kind, id) }] : [];
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
  return linkText(path)?.startsWith('anon_inode:bpf') === true;
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
  const paths = mounts.flatMap(([, path, type]) => (type === 'bpf' && path !== undefined ? [path] : []));
  return [
    ...new Set(
      paths.map(path =>
        path.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
      ),
    ),
  ];
}

/** No real system has more pins; a file system that was filled on purpose must not keep the command busy. */
const MAX_PINS = 100_000;

interface Listed {
  /** Where it is; free of links. */
  readonly path: string;
  /** How it is shown. */
  readonly shown: string;
  /** How its directory `components` is shown: by the path that stays the same in later generations. */
  readonly components?: string;
}

function addPins(sys: Sys, holders: Holders, mount: string): void {
  const open: Listed[] = [{ path: mount, shown: mount }];
  let seen = 0;
  for (let next = open.pop(); next !== undefined && seen < MAX_PINS; next = open.pop()) {
    const fd = openListed(next.path);
    if (fd === undefined) continue;
    try {
      const children = entriesOf(descriptorPath(fd));
      seen += children.length;
      const directories = children.filter(child => child.isDirectory()).map(child => child.name);
      open.push(...directories.map(name => below(next, name, generationThatCounts(fd))));
      for (const child of children)
        if (child.isFile())
          addPin(sys, holders, `${descriptorPath(fd)}/${child.name}`, {
            path: join(next.path, child.name),
            shown: join(next.shown, child.name),
          });
    } finally {
      closeSync(fd);
    }
  }
}

/**
 * Opened without following a link: undefined when the directory is gone, or another one is in its place by
 * now.
 */
function openListed(path: string): number | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (linkText(descriptorPath(fd)) === path) return fd;
    closeSync(fd);
  } catch {
    // removed meanwhile, or not for this user
  }
  return undefined;
}

function below(outer: Listed, name: string, generation: string | undefined): Listed {
  const path = join(outer.path, name);
  const shown = name === COMPONENTS ? (outer.components ?? join(outer.shown, name)) : join(outer.shown, name);
  return name === generation ? { path, shown, components: join(outer.shown, COMPONENTS) } : { path, shown };
}

/** Of an entry of a store, where it has pins of components. */
function generationThatCounts(fd: number): string | undefined {
  const path = descriptorPath(fd);
  const hasComponents = linkText(`${path}/${COMPONENTS}`) === COMPONENTS_TARGET;
  return hasComponents ? linkText(`${path}/${CURRENT}`) : undefined;
}

/** `through` is its path by the descriptor of its directory. */
function addPin(sys: Sys, holders: Holders, through: string, { path, shown }: Listed): void {
  let fd: Fd | undefined;
  try {
    fd = openPinned(sys, through, shown);
    const thing = fd === undefined ? undefined : identify(sys, fd.number);
    if (thing !== undefined) holders.addPin(thing.kind, thing.id, path, shown);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  } finally {
    fd?.close();
  }
}

/** A pin that was found before; undefined when it is gone. */
function openQuietly(sys: Sys, path: string): Fd | undefined {
  try {
    return openPinned(sys, path);
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
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

/** Sorted; none where this process may not look. */
function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function namesIn(path: string): string[] {
  return entriesOf(path).map(({ name }) => name);
}

function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
