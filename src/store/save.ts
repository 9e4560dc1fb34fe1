/** Building one generation of an entry: pins, record, switch. Every step but the last one can be taken back. */

import { join } from 'node:path';
import type { Attachment } from '../kernel/attachment.ts';
import type { BpfMap } from '../kernel/map.ts';
import type { BpfProgram } from '../kernel/program.ts';
import type { Sys } from '../kernel/sys.ts';
import { makeFolder, removeFile, removeFolder, swapPointer } from './folder.ts';
import { pinName } from './names.ts';
import {
  type EntryKind,
  encodeRecord,
  type JsonObject,
  type RecordFiles,
  type StoreRecord,
} from './record.ts';
import { createRecordMap } from './record-map.ts';

/** Symbolic link to the generation that counts. */
export const CURRENT = 'current';

/** What an entry holds, by names in the object. */
export interface Contents {
  /** File that it was made from, as given. */
  readonly source: string;
  /** Seconds since 1970. */
  readonly time?: number | null;
  readonly programs?: ReadonlyMap<string, BpfProgram>;
  readonly maps?: ReadonlyMap<string, BpfMap>;
  readonly links?: ReadonlyMap<string, Attachment>;
  readonly files?: RecordFiles;
  readonly data?: JsonObject;
}

/** Steps of a save in their order. */
export const SAVE_STEPS = [
  'folder',
  'links',
  'programs',
  'maps',
  'record',
  'bind',
  'switch',
  'remove-old',
] as const;
export type SaveStep = (typeof SAVE_STEPS)[number];
export type StepHook = (step: SaveStep) => void;

export interface Build {
  readonly kind: EntryKind;
  readonly name: string;
  /** Of the entry. */
  readonly folder: string;
  readonly generation: number;
  readonly contents: Contents;
  readonly onStep: StepHook;
  /** Runs when everything is pinned, right before the generation counts. */
  readonly commit: () => void;
}

/** Makes the generation current. On failure nothing of it remains. */
export function buildGeneration(sys: Sys, build: Build): StoreRecord {
  const path = join(build.folder, String(build.generation));
  const record = recordOf(build);
  try {
    pinAll(build, record, path);
    bindRecord(sys, build, record, path);
    build.commit();
    build.onStep('switch');
    swapPointer(build.folder, CURRENT, String(build.generation));
    return record;
  } catch (error) {
    discard(record, path);
    throw error;
  }
}

/** By known names: a process that has run out of descriptors cannot list a folder. */
function discard(record: StoreRecord, path: string): void {
  try {
    const pins = [...record.links, ...record.programs, ...record.maps].map(({ pin }) => pin);
    for (const pin of [...pins, 'record']) removeFile(join(path, pin));
    removeFolder(path);
  } catch {
    // the error that led here matters more, and whoever opens the store next tries again
  }
}

/** Attachments first: what they need is reachable through them from then on. */
function pinAll(build: Build, record: StoreRecord, path: string): void {
  const { contents, onStep } = build;
  onStep('folder');
  makeFolder(path);
  onStep('links');
  for (const { name, pin } of record.links) contents.links?.get(name)?.pin(join(path, pin));
  onStep('programs');
  for (const { name, pin } of record.programs) contents.programs?.get(name)?.pin(join(path, pin));
  onStep('maps');
  for (const { name, pin } of record.maps) contents.maps?.get(name)?.pin(join(path, pin));
}

/** Programs hold the record too, so that it is found from them without the pins; kernels before 5.10 cannot. */
function bindRecord(sys: Sys, build: Build, record: StoreRecord, path: string): void {
  build.onStep('record');
  const map = createRecordMap(sys, encodeRecord(record, build.contents.files ?? new Map()));
  try {
    map.pin(join(path, 'record'));
    build.onStep('bind');
    for (const program of build.contents.programs?.values() ?? []) program.tryBindMap(map.fd.number);
  } finally {
    map.close();
  }
}

function recordOf({ kind, name, contents }: Build): StoreRecord {
  const { programs = new Map<string, BpfProgram>(), maps = new Map<string, BpfMap>() } = contents;
  const { links = new Map<string, Attachment>() } = contents;
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
    maps: [...maps].map(([map, created], index) => {
      return { name: map, pin: pinName('map', map, index), id: created.info().id };
    }),
    links: [...links].map(([link, attached], index) => {
      const pin = pinName('link', link, index);
      return { name: link, pin, id: attached.info().id, place: attached.place };
    }),
    data: contents.data ?? {},
  };
}
