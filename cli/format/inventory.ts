/** Programs, maps and attachments with their owners: rows of `rootlet ps`. */

import { dirname } from 'node:path';
import { quote } from '../../src/diag/index.ts';
import type { LinkDescription } from '../../src/kernel/info.ts';
import { mapTypeName, progTypeName } from '../../src/object/uapi.ts';
import type { Census, Holder, StoreEntry } from '../../src/store/index.ts';
import { hookFacts } from '../hook-entry.ts';
import { HOOK_LINK } from '../hook-state.ts';

export interface Row {
  readonly kind: 'program' | 'map' | 'attachment';
  /** Null for TC filters, which have none. */
  readonly id: number | null;
  readonly name: string;
  /** The kernel's word. */
  readonly type: string;
  readonly owners: readonly Owner[];
  readonly detail: string;
}

export interface EntryOwner {
  readonly kind: 'object' | 'hook';
  readonly name: string;
}

export type Owner = EntryOwner | Holder;

/** What the kernel says of it; undefined when it is gone. */
export interface Lookup {
  readonly map: (id: number) => { readonly type: number; readonly detail: string } | undefined;
  readonly link: (id: number) => LinkDescription | undefined;
  /** What the clsact filter of an entry does. */
  readonly filter: (entry: StoreEntry) => string;
}

const LINK_TYPES = [
  'unspecified',
  'raw_tracepoint',
  'tracing',
  'cgroup',
  'iter',
  'netns',
  'xdp',
  'perf_event',
  'kprobe_multi',
  'struct_ops',
  'netfilter',
  'tcx',
  'uprobe_multi',
  'netkit',
  'sockmap',
];
/** Kinds whose first word is an interface, 0 once that is gone. */
const ON_INTERFACE: ReadonlySet<number> = new Set([6, 11, 13]);

/** Their first words are the id of the cgroup (64 bits), and the inode of the namespace. */
const CGROUP = 3;
const NETNS = 5;
/** The first word is the id of the table. */
const STRUCT_OPS = 9;

export function linkTypeName(type: number): string {
  return LINK_TYPES[type] ?? `link type ${type}`;
}

export function rowsOfEntry(entry: StoreEntry, lookup: Lookup): Row[] {
  const owners: Owner[] = [{ kind: entry.kind, name: entry.name }];
  const { programs, maps, links } = entry.record;
  return [
    ...programs.map(
      ({ id, name, type, tag }): Row => ({
        kind: 'program',
        id,
        name,
        type: progTypeName(type),
        owners,
        detail: `tag ${tag}`,
      }),
    ),
    ...maps.map(({ id, name }): Row => {
      const map = lookup.map(id);
      return {
        kind: 'map',
        id,
        name,
        type: map === undefined ? '?' : mapTypeName(map.type),
        owners,
        detail: map?.detail ?? 'gone',
      };
    }),
    ...links.map(({ id, name, place }): Row => {
      const link = lookup.link(id);
      const type = link === undefined ? '?' : linkTypeName(link.type);
      const called = name === HOOK_LINK ? entry.name : name;
      return { kind: 'attachment', id, name: called, type, owners, detail: `${place}, ${linkState(link)}` };
    }),
    ...filterRows(entry, owners, lookup),
  ];
}

/** A clsact filter belongs to its interface. */
function filterRows(entry: StoreEntry, owners: readonly Owner[], lookup: Lookup): Row[] {
  const { filter } = entry.record.data;
  if (filter === undefined) return [];
  const detail = `${hookFacts(entry).place}, ${lookup.filter(entry)}`;
  return [{ kind: 'attachment', id: null, name: entry.name, type: 'clsact', owners, detail }];
}

function linkState(link: LinkDescription | undefined): string {
  if (link === undefined) return 'gone';
  const [first, second] = link.words;
  if (ON_INTERFACE.has(link.type) && first === 0) return 'ended: taken off, or its interface is gone';
  if (link.type === CGROUP && first === 0 && second === 0) return 'ended: taken off, or its cgroup is gone';
  if (link.type === NETNS && first === 0) return 'ended: taken off, or its network namespace is gone';
  return link.type === STRUCT_OPS ? `runs table ${first}` : `runs program ${link.programId}`;
}

export function sizesOf(map: {
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}): string {
  return `key ${map.keySize}, value ${map.valueSize}, ${map.maxEntries} ${map.maxEntries === 1 ? 'entry' : 'entries'}`;
}

/** All that is in the kernel; pins of the store stand for their entries. */
export function rowsOfCensus(census: Census, root: string, entries: readonly StoreEntry[]): Row[] {
  const owners = (holders: readonly Holder[]): Owner[] => {
    const known = holders.flatMap(holder =>
      holder.kind === 'pin' ? (entryAt(holder.path, root, entries) ?? []) : [],
    );
    const others = holders.filter(
      holder => holder.kind !== 'pin' || entryAt(holder.path, root, entries) === undefined,
    );
    const named = new Map(known.map(owner => [`${owner.kind} ${owner.name}`, owner]));
    return [...named.values(), ...others];
  };
  return [
    ...census.programs.map(({ id, description, holders }): Row => {
      const { name, type, tag } = description;
      return {
        kind: 'program',
        id,
        name,
        type: progTypeName(type),
        owners: owners(holders),
        detail: `tag ${tag}`,
      };
    }),
    ...census.maps.map(({ id, description, holders }): Row => {
      const { name, type } = description;
      return {
        kind: 'map',
        id,
        name,
        type: mapTypeName(type),
        owners: owners(holders),
        detail: sizesOf(description),
      };
    }),
    ...census.links.map(({ id, description, holders }): Row => {
      const type = linkTypeName(description.type);
      return {
        kind: 'attachment',
        id,
        name: '',
        type,
        owners: owners(holders),
        detail: linkState(description),
      };
    }),
  ];
}

/** Pins of components are listed beside the generations, by the path that stays. */
function entryAt(path: string, root: string, entries: readonly StoreEntry[]): EntryOwner | undefined {
  if (!path.startsWith(`${root}/`)) return undefined;
  const entry = entries.find(candidate => path.startsWith(`${dirname(candidate.path)}/`));
  return entry === undefined ? undefined : { kind: entry.kind, name: entry.name };
}

export function ownerText(owner: Owner): string {
  switch (owner.kind) {
    case 'object':
    case 'hook':
      return `${owner.kind} ${quote(owner.name)}`;
    case 'process':
      return `process ${owner.pid} (${owner.command})`;
    case 'pin':
      return `pin ${owner.path}`;
  }
}
