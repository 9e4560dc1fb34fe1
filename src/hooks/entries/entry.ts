/**
 * Attachments as entries of the store: what the record keeps of a hook, and opening the hook again from it.
 */

import { given } from '../../bytes/index.ts';
import { platformError, quote, RootletError } from '../../diag/index.ts';
import {
  Attachment,
  BpfMap,
  BpfProgram,
  currentNetns,
  type Fd,
  openById,
  readInterface,
  type Sys,
  TcFilter,
  type XdpMode,
} from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import {
  type Contents,
  fieldsOf,
  type JsonObject,
  type JsonValue,
  type RecordFiles,
  type Store,
  type StoreEntry,
  textOf,
} from '../../store/index.ts';
import { FilterHook, type Hook, InterfaceSpot, LinkHook, type Occupant, XdpHook } from '../kinds/index.ts';
import type { HookRequest } from '../targets/index.ts';

/** Name of the attachment among the links of its entry. */
export const HOOK_LINK = 'hook';

// --- writing ------------------------------------------------------------------------------------------------------

/** What an entry was made from. */
export interface EntrySource {
  /** File or files, as given. */
  readonly source: string;
  readonly files: RecordFiles;
  /** Seconds since 1970. */
  readonly time: number | null;
}

/** What `Store.save` gets for an attachment. */
export function hookContents(
  from: EntrySource,
  loaded: LoadedObject,
  hook: Hook,
  data: JsonObject,
): Contents {
  return { ...from, programs: loaded.programs, maps: loaded.maps, links: hookLinks(hook), data };
}

/** The links of an entry that keep its hook: one, or none where the hook stays by itself. */
export function hookLinks({ link, place }: Hook): ReadonlyMap<string, Attachment> {
  // the record has the current description of the place
  return link === null ? new Map() : new Map([[HOOK_LINK, new Attachment(link.sys, link.fd, place)]]);
}

/** Data of the record: where the program is, and what the caller requested there. */
export function hookData(hook: Hook, { kind, target, place }: HookRequest, program: string): JsonObject {
  const { mode, direction, priority } = place;
  return {
    attach: { kind, target, program, place: hook.place, ...given({ mode, direction, priority }) },
    ...hook.record,
  };
}

// --- reading ------------------------------------------------------------------------------------------------------

/** The hook in the record of an entry; '' for missing fields. */
export interface HookFacts {
  readonly kind: string;
  readonly target: string;
  /** Name in the entry of the program, or of the struct_ops map. */
  readonly program: string;
  /** Where it was attached, as described at that time. */
  readonly place: string;
}

export function hookFacts(entry: StoreEntry): HookFacts {
  const { attach } = entry.record.data;
  const { kind, target, program, place } = fieldsOf(attach);
  return { kind: textOf(kind), target: textOf(target), program: textOf(program), place: textOf(place) };
}

/**
 * File of the attachment below the entry's directory; reading that of an iterator runs it. '' where there is
 * none.
 */
export function hookPin(entry: StoreEntry): string {
  return entry.record.links.find(({ name }) => name === HOOK_LINK)?.pin ?? '';
}

/**
 * The hook of an entry, owned by the caller. Whether something is attached there is not checked. Throws
 * `store-record`, `store-pin`.
 */
export function openHook(store: Store, entry: StoreEntry): Hook {
  return openRecorded(store, entry) ?? new LinkHook(store.openLink(entry, HOOK_LINK));
}

/** A hook that has no link; undefined for entries with one. Throws `store-record`. */
export function openRecorded(store: Store, entry: StoreEntry): FilterHook | XdpHook | undefined {
  const { filter, xdp } = entry.record.data;
  if (filter !== undefined) return openFilter(store.sys, entry, fieldsOf(filter));
  return xdp === undefined ? undefined : openXdp(store.sys, entry, fieldsOf(xdp));
}

/**
 * The hook of an entry also where its pin was removed but something else keeps the link; undefined when the
 * link is gone. Throws `store-record`, and `store-pin` where this process may not look for it.
 */
export function findHook(store: Store, entry: StoreEntry): Hook | undefined {
  try {
    return openHook(store, entry);
  } catch (error) {
    if (!(error instanceof RootletError) || error.code !== 'store-pin') throw error;
    const link = entry.record.links.find(({ name }) => name === HOOK_LINK);
    if (link === undefined) throw error;
    const fd = openById(store.sys, 'link', link.id);
    return fd === undefined ? undefined : new LinkHook(new Attachment(store.sys, fd, link.place));
  }
}

function openFilter(sys: Sys, entry: StoreEntry, fields: JsonObject): FilterHook {
  const { direction, priority, handle } = fields;
  if (!isCount(priority) || !isCount(handle) || (direction !== 'ingress' && direction !== 'egress'))
    throw damaged(entry, 'where its filter is');
  const spot = spotOf(sys, entry, fields);
  const options = { direction, name: hookFacts(entry).program } as const;
  const filter = TcFilter.at(sys, spot.index, options, { priority, handle });
  return new FilterHook(sys, filter, spot, entry.record.programs);
}

function openXdp(sys: Sys, entry: StoreEntry, fields: JsonObject): XdpHook {
  const { mode } = fields;
  if (mode !== null && !isMode(mode)) throw damaged(entry, 'the mode of its XDP program');
  const { programs } = entry.record;
  const spot = spotOf(sys, entry, fields).following(new Set(programs.map(({ id }) => id)));
  return new XdpHook(sys, spot, mode, programs);
}

function spotOf(sys: Sys, entry: StoreEntry, fields: JsonObject): InterfaceSpot {
  const { ifindex, netns, interface: recorded } = fields;
  const name = textOf(recorded);
  if (name === '' || typeof netns !== 'string') throw damaged(entry, 'its interface');
  const index = isCount(ifindex) ? ifindex : indexOf(sys, name, netns);
  return new InterfaceSpot(sys, index, name, netns);
}

/** Of records before they had the index. An index that no interface has represents one that is gone. */
function indexOf(sys: Sys, name: string, netns: string): number {
  if (netns !== currentNetns()) return NO_INTERFACE;
  try {
    return readInterface(sys, name).index;
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-no-interface') return NO_INTERFACE;
    throw error;
  }
}

const NO_INTERFACE = 0x7fffffff;

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= 0xffffffff;
}

function isMode(value: JsonValue | undefined): value is XdpMode {
  return value === 'native' || value === 'generic' || value === 'offload';
}

function damaged(entry: StoreEntry, what: string): RootletError {
  return platformError('store-record', [`hook ${quote(entry.name)}`], `its record does not contain ${what}`, {
    hint: '"rootlet detach --force" removes the entry',
  });
}

// --- programs -----------------------------------------------------------------------------------------------------

/**
 * What of the entry has this id, owned by the caller: a program, or a struct_ops map. Undefined when it is
 * not the entry's.
 */
export function openOccupant(
  store: Store,
  entry: StoreEntry,
  id: number,
): (Occupant & Disposable) | undefined {
  const program = entry.record.programs.find(candidate => candidate.id === id);
  if (program !== undefined)
    return openOrFind(
      () => store.openProgram(entry, program.name),
      'program',
      fd => BpfProgram.adopt(store.sys, fd),
    );
  const map = entry.record.maps.find(candidate => candidate.id === id);
  if (map === undefined || hookFacts(entry).kind !== 'struct-ops') return undefined;
  return openOrFind(
    () => store.openMap(entry, map.name),
    'map',
    fd => BpfMap.adopt(store.sys, fd),
  );

  /** By its id where its pin was removed. */
  function openOrFind<T>(open: () => T, kind: 'program' | 'map', adopt: (fd: Fd) => T): T | undefined {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof RootletError) || error.code !== 'store-pin') throw error;
      const fd = openById(store.sys, kind, id);
      return fd === undefined ? undefined : adopt(fd);
    }
  }
}
