/** Programs, maps and attachments with their owners: rows of `rootlet ps`. */

import { dirname } from 'node:path';
import { counted, quote } from '../../src/diag/index.ts';
import { type EntrySetting, entrySettings } from '../../src/dynamic/index.ts';
import { HOOK_LINK, type HookState, linkState, linkTypeName } from '../../src/hooks/index.ts';
import type { Census, Holder, StoreEntry } from '../../src/store/index.ts';
import { mapTypeName, progTypeName } from '../../src/uapi/index.ts';
import { programDetail } from './entry.ts';

export interface Row {
  readonly kind: 'program' | 'map' | 'attachment' | 'setting';
  /** Null for TC filters and settings, which have none. */
  readonly id: number | null;
  readonly name: string;
  /** Name of the type in the kernel. */
  readonly type: string;
  readonly owners: readonly Owner[];
  readonly detail: string;
}

export interface EntryOwner {
  readonly kind: 'object' | 'hook';
  readonly name: string;
}

export type Owner = EntryOwner | Holder;

/** Info from the kernel; undefined if it is gone. */
export interface Lookup {
  readonly map: (
    entry: StoreEntry,
    name: string,
  ) => { readonly type: number; readonly detail: string } | undefined;
  /** By its name in the entry. */
  readonly link: (entry: StoreEntry, name: string) => HookState | undefined;
  /** Of an entry whose hook has no link (a TC filter, XDP over netlink). */
  readonly recorded: (entry: StoreEntry) => HookState | undefined;
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
        detail: programDetail(entry, name, tag),
      }),
    ),
    ...maps.map(({ id, name }): Row => {
      const map = lookup.map(entry, name);
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
      const link = lookup.link(entry, name);
      const type = link?.linkType === undefined ? '?' : linkTypeName(link.linkType);
      const called = name === HOOK_LINK ? entry.name : name;
      return {
        kind: 'attachment',
        id,
        name: called,
        type,
        owners,
        detail: `${link?.place ?? place}, ${link?.state ?? 'gone'}`,
      };
    }),
    ...recordedRows(entry, owners, lookup),
    ...entrySettings(entry).map((setting): Row => settingRow(setting, owners)),
  ];
}

function settingRow({ component, kind, name, value }: EntrySetting, owners: readonly Owner[]): Row {
  const named = component === null ? name : `${component}:${name}`;
  return { kind: 'setting', id: null, name: named, type: kind, owners, detail: settingText(value) };
}

/** A value of a setting, as it is given on the command line. */
export function settingText(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)) ?? '';
}

/** What belongs to an interface has no id. */
function recordedRows(entry: StoreEntry, owners: readonly Owner[], lookup: Lookup): Row[] {
  const found = lookup.recorded(entry);
  if (found === undefined) return [];
  const type = Object.hasOwn(entry.record.data, 'filter') ? 'clsact' : 'xdp';
  return [
    {
      kind: 'attachment',
      id: null,
      name: entry.name,
      type,
      owners,
      detail: `${found.place}, ${found.state}`,
    },
  ];
}

export function sizesOf(map: {
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}): string {
  return `key ${map.keySize}, value ${map.valueSize}, ${counted(map.maxEntries, 'entry')}`;
}

/** All that is in the kernel; pins of the store represent their entries. */
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
