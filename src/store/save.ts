/**
 * Building one generation of an entry: pins, record, switch. Every step but the last one can be taken back.
 */

import { join } from 'node:path';
import { valueAt } from '../bytes/index.ts';
import { bugError, quote } from '../diag/index.ts';
import { type Attachment, type BpfMap, type BpfProgram, type Sys, typesToKeep } from '../kernel/index.ts';
import type { Directory } from './directory.ts';
import type { JsonObject } from './fields.ts';
import { CURRENT, linkComponents, NEXT, RECORD } from './layout.ts';
import { fileKeys, type MapPlace, mapPin, pinName } from './names.ts';
import {
  type EntryKind,
  encodeRecord,
  type MapRecord,
  type RecordFiles,
  type StoreRecord,
} from './record.ts';
import { createRecordMap } from './record-map.ts';

/** What an entry holds, by names in the object. */
export interface Contents {
  /** File that it was made from, as given. */
  readonly source: string;
  /** Seconds since 1970. */
  readonly time?: number | null;
  readonly programs?: ReadonlyMap<string, BpfProgram>;
  readonly maps?: ReadonlyMap<string, BpfMap>;
  /**
   * Maps that belong to components, by their keys in `maps`. No two have one place.
   * @internal
   */
  readonly places?: ReadonlyMap<string, MapPlace>;
  readonly links?: ReadonlyMap<string, Attachment>;
  /**
   * Programs that are not given the map of the record, by name: other tools count their maps.
   * @internal
   */
  readonly unbound?: ReadonlySet<string>;
  readonly files?: RecordFiles;
  readonly data?: JsonObject;
}

/** Places of an entry's maps, for `Contents`, to save it again. */
export function placesOf(record: StoreRecord): ReadonlyMap<string, MapPlace> {
  return new Map(
    record.maps.flatMap(({ name, component, map, previous }) =>
      component === null ? [] : [[name, { component, map, previous }] as const],
    ),
  );
}

/** Steps of a save in their order. */
export const SAVE_STEPS = [
  'directory',
  'links',
  'programs',
  'maps',
  'component-directories',
  'component-maps',
  'record',
  'bind',
  'components-link',
  'switch',
  'remove-old',
] as const;
export type SaveStep = (typeof SAVE_STEPS)[number];
export type StepHook = (step: SaveStep) => void;

export interface Build {
  readonly kind: EntryKind;
  readonly name: string;
  /** Of the entry. */
  readonly directory: Directory;
  readonly generation: number;
  readonly contents: Contents;
  readonly onStep: StepHook;
  /** Runs when everything is pinned, right before the generation counts. */
  readonly commit: () => void;
  /**
   * Asked when something fails: whether the change has happened, and is not taken back. The generation stays then, for
   * recovery to complete.
   */
  readonly hasChanged: () => boolean;
}

/** Makes the generation current. On failure nothing of it remains, unless its change has happened. */
export function buildGeneration(sys: Sys, build: Build): StoreRecord {
  const record = recordOf(build);
  const name = String(build.generation);
  build.onStep('directory');
  using path = build.directory.make(name);
  try {
    pinAll(build, record, path);
    bindRecord(sys, build, record, path);
    build.onStep('components-link');
    if (componentMaps(record).length > 0) linkComponents(build.directory);
    build.commit();
    build.onStep('switch');
    build.directory.swapLink(CURRENT, NEXT, name);
    return record;
  } catch (error) {
    if (!build.hasChanged()) discard(record, path, build.directory, name);
    throw error;
  }
}

/** By known names: a process that has run out of descriptors cannot list a directory. */
function discard(record: StoreRecord, path: Directory, entry: Directory, name: string): void {
  try {
    const pins = [...record.links, ...record.programs, ...record.maps].map(({ pin }) => pin.split('/'));
    for (const pin of [...pins, [RECORD]]) path.removeFile(...pin);
    for (const directory of componentDirectories(record).reverse()) path.removeDirectory(...directory);
    entry.removeDirectory(name);
  } catch {
    // the error that led here matters more, and the next command that opens the store tries again
  }
}

/** Attachments first: what they need is reachable through them from then on. */
function pinAll({ contents, onStep }: Build, record: StoreRecord, path: Directory): void {
  onStep('links');
  for (const { name, pin } of record.links) pinAt(path, pin, contents.links?.get(name));
  onStep('programs');
  for (const { name, pin } of record.programs) pinAt(path, pin, contents.programs?.get(name));
  onStep('maps');
  for (const { name, pin, component } of record.maps)
    if (component === null) pinAt(path, pin, contents.maps?.get(name));
  onStep('component-directories');
  for (const directory of componentDirectories(record)) makeBelow(path, directory);
  onStep('component-maps');
  for (const { name, pin } of componentMaps(record)) pinAt(path, pin, contents.maps?.get(name));
}

function pinAt(
  path: Directory,
  pin: string,
  thing: { pin(path: string, shown: string): void } | undefined,
): void {
  thing?.pin(path.at(...pin.split('/')), join(path.path, pin));
}

function componentMaps(record: StoreRecord): MapRecord[] {
  return record.maps.filter(({ component }) => component !== null);
}

/** Directories of the pins of components below the generation, from the outside in. */
function componentDirectories(record: StoreRecord): string[][] {
  const paths = new Map<string, string[]>();
  for (const { pin } of componentMaps(record)) {
    const parts = pin.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const directory = parts.slice(0, depth);
      paths.set(directory.join('/'), directory);
    }
  }
  return [...paths.values()].sort((a, b) => a.length - b.length);
}

function makeBelow(path: Directory, [first, ...rest]: readonly string[]): void {
  if (first === undefined) return;
  using inner = path.make(first);
  makeBelow(inner, rest);
}

/**
 * Programs hold the record too, so that it is found from them without the pins; kernels before 5.10 cannot.
 */
function bindRecord(sys: Sys, build: Build, record: StoreRecord, path: Directory): void {
  build.onStep('record');
  const { files = new Map(), ...contents } = build.contents;
  const types = typesToKeep(sys, () => typeIdsOf(contents));
  const map = createRecordMap(sys, encodeRecord(record, files, types));
  try {
    pinAt(path, RECORD, map);
    build.onStep('bind');
    const { programs, unbound } = build.contents;
    for (const [name, program] of programs ?? [])
      if (unbound?.has(name) !== true) program.tryBindMap(map.fd.number);
  } finally {
    map.close();
  }
}

/** Of the BTF objects of what is pinned. */
function typeIdsOf({ programs = new Map(), maps = new Map() }: Omit<Contents, 'files'>): number[] {
  return [...programs.values(), ...maps.values()].map(one => one.info().btfId);
}

function recordOf({ kind, name, contents }: Build): StoreRecord {
  const { programs = new Map<string, BpfProgram>(), links = new Map<string, Attachment>() } = contents;
  return {
    version: 1,
    kind,
    name,
    source: contents.source,
    time: contents.time ?? null,
    programs: [...programs].map(([program, loaded], index) => {
      const { id, tag, type } = loaded.info();
      return { name: program, pin: pinName('prog', program, index), id, tag, type };
    }),
    maps: mapRecords(contents),
    links: [...links].map(([link, attached], index) => {
      const pin = pinName('link', link, index);
      return { name: link, pin, id: attached.info().id, place: attached.place };
    }),
    data: contents.data ?? {},
  };
}

function mapRecords({ maps = new Map<string, BpfMap>(), places = new Map() }: Contents): MapRecord[] {
  const pins = placePins(places);
  return [...maps].map(([name, map], index) => {
    const { id } = map.info();
    const place = places.get(name);
    const pin = pins.get(name);
    if (place === undefined || pin === undefined)
      return { name, pin: pinName('map', name, index), id, component: null, map: name, previous: false };
    return { name, pin, id, component: place.component, map: place.map, previous: place.previous ?? false };
  });
}

/**
 * Pins by keys of `places`. File names depend on the other maps of the component only where names are cut.
 */
function placePins(places: ReadonlyMap<string, MapPlace>): Map<string, string> {
  const components = fileKeys([...places.values()].map(({ component }) => component));
  const maps = mapKeys(places);
  const pins = new Map<string, string>();
  const taken = new Set<string>();
  for (const [key, place] of places) {
    const component = valueAt(components, place.component);
    const pin = mapPin(component, valueAt(maps, key), place.previous ?? false);
    if (place.component === '' || place.map === '' || taken.has(pin))
      throw bugError([`map ${quote(key)}`], `its place ${quote(pin)} is incomplete, or that of another map`);
    taken.add(pin);
    pins.set(key, pin);
  }
  return pins;
}

/** File names of maps in their directories, by keys of `places`. */
function mapKeys(places: ReadonlyMap<string, MapPlace>): Map<string, string> {
  const directoryOf = (place: MapPlace) => `${place.previous ?? false} ${place.component}`;
  const names = new Map<string, string[]>();
  for (const place of places.values())
    names.set(directoryOf(place), [...(names.get(directoryOf(place)) ?? []), place.map]);
  const keys = new Map([...names].map(([directory, list]) => [directory, fileKeys(list)]));
  return new Map(
    [...places].map(([key, place]) => [key, valueAt(valueAt(keys, directoryOf(place)), place.map)]),
  );
}
