/** `--pin DIR`: names for programs and maps besides those of the store, as `bpftool prog loadall … pinmaps` makes them. */

import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { platformError, quote, RootletError, usageError } from '../src/diag/index.ts';
import { fieldsOf } from '../src/hooks/fields.ts';
import { errnoText, readMapInfo, readProgramInfo } from '../src/kernel/index.ts';
import type { Sys } from '../src/kernel/sys.ts';
import type { Cleanup, LoadedObject } from '../src/load/index.ts';
import { openPin, requireBpffs, type StoreEntry } from '../src/store/index.ts';

export interface ExtraPin {
  readonly kind: 'program' | 'map';
  readonly id: number;
  readonly path: string;
}

/** Refuses a folder that cannot hold pins, before anything is loaded. Throws `usage-pin`, `store-no-bpffs`. */
export function requirePinFolder(folder: string): void {
  if (!existsSync(dirname(folder))) {
    throw usageError('usage-pin', `--pin ${quote(folder)}: ${quote(dirname(folder))} is not there`, {
      hint: 'the folder for the pins is made, those above it must be there',
    });
  }
  requireBpffs(folder);
}

/** Pins programs and maps in `folder`, by their names with dots as underscores; all or nothing. */
export function pinIn(folder: string, loaded: LoadedObject, cleanup: Cleanup): ExtraPin[] {
  makeFolder(folder, cleanup);
  const pins: ExtraPin[] = [];
  const things = [
    ...[...loaded.programs].map(([name, program]) => ({ kind: 'program' as const, name, thing: program })),
    ...[...loaded.maps].map(([name, map]) => ({ kind: 'map' as const, name, thing: map })),
  ];
  for (const { kind, name, thing } of things) {
    const path = join(folder, name.replaceAll('.', '_'));
    if (existsSync(path)) {
      throw usageError('usage-pin', `${quote(path)} is there already`, {
        hint: 'remove it, or pin in another folder',
      });
    }
    thing.pin(path);
    cleanup.defer(() => rmSync(path, { force: true }));
    pins.push({ kind, id: thing.info().id, path });
  }
  return pins;
}

function makeFolder(folder: string, cleanup: Cleanup): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0;
    throw platformError('store-file', [], `making folder ${quote(folder)}: ${errnoText(errno)}`, { errno });
  }
  cleanup.defer(() => rmdirSync(folder));
}

/** Pins that the record of an entry tells of. */
export function extraPinsOf(entry: StoreEntry): ExtraPin[] {
  const { pins } = entry.record.data;
  if (!Array.isArray(pins)) return [];
  return pins.flatMap(pin => {
    const { kind, id, path } = fieldsOf(pin);
    const isPin =
      (kind === 'program' || kind === 'map') && typeof id === 'number' && typeof path === 'string';
    return isPin ? [{ kind, id, path }] : [];
  });
}

/** Removes those that still hold what they were made for, and their folder when that leaves it empty. */
export function removeExtraPins(sys: Sys, pins: readonly ExtraPin[]): void {
  for (const pin of pins) if (holds(sys, pin)) rmSync(pin.path, { force: true });
  for (const folder of new Set(pins.map(pin => dirname(pin.path)))) {
    try {
      rmdirSync(folder);
    } catch {
      // others use it
    }
  }
}

function holds(sys: Sys, pin: ExtraPin): boolean {
  try {
    using fd = openPin(sys, pin.path, pin.kind);
    const read = pin.kind === 'program' ? readProgramInfo : readMapInfo;
    return read(sys, fd.number).id === pin.id;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}
