/**
 * `--pin DIR`: names for programs and maps besides those of the store, as `bpftool prog loadall … pinmaps`
 * makes them.
 */

import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { quote, RootletError, usageError } from '../../src/diag/index.ts';
import { readMapInfo, readProgramInfo, type Sys } from '../../src/kernel/index.ts';
import type { Cleanup, LoadedObject } from '../../src/load/index.ts';
import { Directory, fieldsOf, openPinIn, requireBpffs, type StoreEntry } from '../../src/store/index.ts';

export interface ExtraPin {
  readonly kind: 'program' | 'map';
  readonly id: number;
  readonly path: string;
}

/**
 * Refuses a directory that cannot hold pins, before anything is loaded. Throws `usage-pin`, `store-no-bpffs`,
 * `store-untrusted`.
 */
export function requirePinDirectory(path: string): void {
  if (!existsSync(dirname(path))) {
    throw usageError('usage-pin', `--pin ${quote(path)}: ${quote(dirname(path))} is not there`, {
      hint: 'the directory for the pins is created, its parent must exist',
    });
  }
  requireBpffs(path);
}

/** Pins programs and maps in the directory `root`, by their names with dots as underscores; all or nothing. */
export function pinIn(root: string, loaded: LoadedObject, cleanup: Cleanup): ExtraPin[] {
  const existed = existsSync(root);
  using directory = Directory.make(root, 'above');
  if (!existed) cleanup.defer(() => rmdirSync(root));
  const pins: ExtraPin[] = [];
  const things = [
    ...[...loaded.programs].map(([name, program]) => ({ kind: 'program' as const, name, thing: program })),
    ...[...loaded.maps].map(([name, map]) => ({ kind: 'map' as const, name, thing: map })),
  ];
  for (const { kind, name, thing } of things) {
    const file = name.replaceAll('.', '_');
    const path = join(root, file);
    if (directory.hasFile(file)) {
      throw usageError('usage-pin', `${quote(path)} exists already`, {
        hint: 'remove it, or pin in another directory',
      });
    }
    thing.pin(directory.at(file), path);
    cleanup.defer(() => rmSync(path, { force: true }));
    pins.push({ kind, id: thing.info().id, path });
  }
  return pins;
}

/** Pins listed in the record of an entry. */
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

/**
 * Removes those that still hold what they were made for, and their directory when that leaves it empty.
 * Directories that another user could have replaced are not touched.
 */
export function removeExtraPins(sys: Sys, pins: readonly ExtraPin[]): void {
  for (const path of new Set(pins.map(pin => dirname(pin.path)))) {
    try {
      using directory = Directory.find(path, 'above');
      if (directory === undefined) continue;
      for (const pin of pins)
        if (dirname(pin.path) === path && holds(sys, directory, pin))
          directory.removeFile(basename(pin.path));
      rmdirSync(path);
    } catch (error) {
      // others use it
      if (!(error instanceof RootletError) && !(error instanceof Error && 'errno' in error)) throw error;
    }
  }
}

function holds(sys: Sys, directory: Directory, pin: ExtraPin): boolean {
  try {
    using fd = openPinIn(sys, directory, pin.path, pin.kind);
    const read = pin.kind === 'program' ? readProgramInfo : readMapInfo;
    return read(sys, fd.number).id === pin.id;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}
