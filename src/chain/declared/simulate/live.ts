/**
 * What the maps and variables of a running chain contain, read only: the machine begins with it. A map that is
 * changed while it is read is seen partly before and partly after.
 */

import { quote, RootletError } from '../../../diag/index.ts';
import { BpfMap, openById, type Sys } from '../../../kernel/index.ts';
import { type BpfObject, layoutSections, sectionNameOf } from '../../../object/index.ts';
import { MapTypes, type PlacedVariable, variablesOf } from '../../../state/index.ts';
import type { Store, StoreEntry } from '../../../store/index.ts';
import type { ChainContext, RunningChain } from '../../engine/index.ts';
import type { DesignMember } from '../../model/index.ts';
import type { VariableBytes } from './initial.ts';

/** Contents of a map in the kernel. */
export interface LiveMap {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Of maps for each CPU: of all CPUs, one after the other. */
  readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
  /** Why they could not be read; null when they were. */
  readonly unread: string | null;
}

/** What one member has in the kernel. */
export interface LiveMember {
  /** By name in its file. */
  readonly maps: ReadonlyMap<string, LiveMap>;
  readonly variables: VariableBytes;
}

/** By name of the member. */
export type LiveState = ReadonlyMap<string, LiveMember>;

/** Reads the maps that the store records for the members of a chain. */
export function readLive(
  { sys, store }: Pick<ChainContext, 'sys' | 'store'>,
  running: RunningChain,
): LiveState {
  const types = new MapTypes();
  return new Map(
    running.design.members.map(member => {
      const maps = new Map<string, LiveMap>();
      const variables = new Map<string, Uint8Array>();
      for (const { id, map: name } of mapsOf(store, running, member)) {
        using map = openMap(sys, id);
        if (map === undefined) continue;
        if (!name.startsWith('.')) maps.set(name, contentsOf(map));
        else
          for (const [key, bytes] of variablesIn(map, name, member.file?.object, types))
            variables.set(key, bytes);
      }
      return [member.name, { maps, variables }] as const;
    }),
  );
}

type MapRecord = StoreEntry['record']['maps'][number];

/** Of the component of the chain's entry, or of the member's own entry. */
function mapsOf(store: Store, { entry }: RunningChain, { name, loaded }: DesignMember): readonly MapRecord[] {
  const ofChain = entry?.record.maps.filter(one => one.component === name && !one.previous);
  if (ofChain !== undefined) return ofChain;
  const own = store
    .list()
    .find(one => one.kind === 'hook' && one.record.programs.some(({ id }) => id === loaded));
  return own?.kind === 'hook' ? own.record.maps.filter(one => one.component === null) : [];
}

function openMap(sys: Sys, id: number): BpfMap | undefined {
  const fd = openById(sys, 'map', id);
  return fd === undefined ? undefined : BpfMap.adopt(sys, fd);
}

function contentsOf(map: BpfMap): LiveMap {
  const { type, keySize, valueSize, maxEntries } = map;
  const base = { type, keySize, valueSize, maxEntries };
  if (keySize === 0) return { ...base, entries: [], unread: 'it cannot be read without changing it' };
  try {
    return { ...base, entries: [...map.entries()], unread: null };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { ...base, entries: [], unread: 'the kernel does not report its contents' };
  }
}

/** By the layout of its file, else by the types that the kernel keeps. */
function variablesIn(
  map: BpfMap,
  section: string,
  object: BpfObject | undefined,
  types: MapTypes,
): [key: string, bytes: Uint8Array][] {
  const value = map.lookup(new Uint8Array(map.keySize));
  if (value === undefined) return [];
  const kept = types.of(map);
  const typed = kept === undefined ? undefined : variablesOf(kept.btf, kept.value);
  const placed = typed ?? (object === undefined ? [] : placedIn(object, section));
  return placed.map(({ name, offset, size }) => [`${section}:${name}`, value.slice(offset, offset + size)]);
}

function placedIn(object: BpfObject, section: string): Omit<PlacedVariable, 'type'>[] {
  const { offsets } = layoutSections(object);
  return object.symbols.flatMap((symbol, at) => {
    const offset = offsets[at];
    if (symbol.kind !== 'variable' || symbol.name === '' || offset === undefined) return [];
    return sectionNameOf(object, symbol) === section
      ? [{ name: symbol.name, offset, size: symbol.size }]
      : [];
  });
}

/** `fw: map "rules"` */
export function mapTitle(member: string, map: string): string {
  return `${member}: map ${quote(map)}`;
}
