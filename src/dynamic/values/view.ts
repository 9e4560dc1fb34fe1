/** An entry of the store as its maps and variables, opened, with their types. */

import type { Btf, BtfId } from '../../btf/index.ts';
import type { BpfMap } from '../../kernel/index.ts';
import { Cleanup, globalsKind } from '../../load/index.ts';
import { type MapDefinition, plainDefinition } from '../../object/index.ts';
import type { MapRecord, Store, StoreEntry } from '../../store/index.ts';
import { EntryTypes, type ItemTypes } from './types.ts';

/** A map of an entry. */
export interface EntryMap {
  readonly kind: 'map';
  /** As it is named on the command line: with its component where it has one. */
  readonly name: string;
  readonly record: MapRecord;
  readonly map: BpfMap;
  /** Undefined when nothing is known of them. */
  readonly types: ItemTypes | undefined;
  /** With the types of key and value, as far as they are known. */
  readonly definition: MapDefinition;
  /** Whether its one value holds variables. */
  readonly isSection: boolean;
}

/** A variable of an entry. Offset and size in bytes. */
export interface EntryVariable {
  readonly kind: 'variable';
  /** As it is named on the command line: no other item of the entry has the name. */
  readonly name: string;
  /** As it is declared. */
  readonly variable: string;
  readonly component: string | null;
  /** Name of its section in the file. */
  readonly section: string;
  readonly in: EntryMap;
  readonly offset: number;
  readonly size: number;
  /** 0 where it has none. */
  readonly type: BtfId;
}

export type EntryItem = EntryMap | EntryVariable;

/** Maps of a generation that does not run yet, in records of changes that are under way. */
const NEXT_GENERATION = 'next::';

/** Opened maps of an entry; closing it closes them. */
export class EntryView {
  readonly entry: StoreEntry;
  readonly maps: readonly EntryMap[];
  /** In the order of their maps and places. */
  readonly variables: readonly EntryVariable[];
  /** Whether the kernel has types that this user may not read. */
  readonly typesHidden: boolean;
  readonly #types: EntryTypes;
  readonly #cleanup: Cleanup;

  private constructor(entry: StoreEntry, maps: readonly EntryMap[], types: EntryTypes, cleanup: Cleanup) {
    this.entry = entry;
    this.maps = maps;
    this.variables = named(maps.flatMap(variablesIn), maps);
    this.typesHidden = types.hidden;
    this.#types = types;
    this.#cleanup = cleanup;
  }

  /** Throws `store-pin` for a map that cannot be opened. */
  static open(store: Store, entry: StoreEntry): EntryView {
    const cleanup = new Cleanup();
    const types = new EntryTypes(store, entry);
    return cleanup.guard(() => {
      const records = entry.record.maps.filter(({ name }) => !name.startsWith(NEXT_GENERATION));
      const maps = records.map((record): EntryMap => {
        const map = cleanup.own(store.openMap(entry, record.name));
        return viewOf(record, map, types.of(record, map));
      });
      return new EntryView(entry, maps, types, cleanup);
    });
  }

  /** Types of the file that a map comes from; null where it has none. */
  typesOfFile({ record }: EntryMap): Btf | null {
    return this.#types.ofFile(record);
  }

  close(): void {
    this.#cleanup.undo();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function viewOf(record: MapRecord, map: BpfMap, types: ItemTypes | undefined): EntryMap {
  const { type, keySize, valueSize, maxEntries, flags } = map;
  const sizes = plainDefinition({ name: record.name, type, keySize, valueSize, maxEntries });
  const known = { keyType: types?.key ?? 0, valueType: types?.value ?? 0 };
  return {
    kind: 'map',
    name: record.name,
    record,
    map,
    types,
    definition: { ...sizes, flags, ...known },
    isSection: types?.variables !== undefined || globalsKind(record.map) !== undefined,
  };
}

function variablesIn(map: EntryMap): EntryVariable[] {
  const { component, map: section } = map.record;
  return (map.types?.variables ?? []).map(({ name, ...place }) => ({
    kind: 'variable',
    name,
    variable: name,
    component,
    section,
    in: map,
    ...place,
  }));
}

/**
 * The names by which an item is found, the shortest first: `limit`, `firewall:limit`, `.bss:limit`,
 * `firewall:.bss:limit`; sections also without their dot.
 */
export function namesOf(item: EntryItem): string[] {
  const { component, map: section } = item.kind === 'map' ? item.record : item.in.record;
  const own = item.kind === 'map' ? [section, ...undotted(section)] : [item.variable];
  const inSection = item.kind === 'map' ? [] : [`${section}:${item.variable}`];
  const plain = [...own, ...inSection];
  const byComponent = component === null ? [] : plain.map(name => `${component}:${name}`);
  const known = item.kind === 'map' ? [item.name] : [];
  return [...new Set([...own, ...byComponent.slice(0, own.length), ...inSection, ...byComponent, ...known])];
}

function undotted(name: string): string[] {
  return name.startsWith('.') ? [name.slice(1)] : [];
}

/** Each variable under its shortest name that nothing else has. */
function named(variables: readonly EntryVariable[], maps: readonly EntryMap[]): EntryVariable[] {
  const counts = new Map<string, number>();
  for (const item of [...maps, ...variables])
    for (const name of namesOf(item)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return variables.map(variable => {
    const names = namesOf(variable);
    return { ...variable, name: names.find(name => counts.get(name) === 1) ?? names.at(-1) ?? variable.name };
  });
}
