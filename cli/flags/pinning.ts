/**
 * `--pin DIR`: names for programs and maps besides those of the store, as `bpftool prog loadall … pinmaps`
 * makes them.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { elementAt } from '../../src/bytes/index.ts';
import { quote, RootletError, usageError } from '../../src/diag/index.ts';
import { readMapInfo, readProgramInfo, type Sys } from '../../src/kernel/index.ts';
import type { LoadedObject } from '../../src/load/index.ts';
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

/** What of a loaded object is pinned in the directory `root`, by its names with dots as underscores. */
export function plannedPins(root: string, loaded: LoadedObject): readonly ExtraPin[] {
  return pinnable(loaded).map(({ kind, name, thing }) => {
    return { kind, id: thing.info().id, path: join(root, name.replaceAll('.', '_')) };
  });
}

function pinnable(loaded: LoadedObject) {
  return [
    ...[...loaded.programs].map(([name, thing]) => ({ kind: 'program' as const, name, thing })),
    ...[...loaded.maps].map(([name, thing]) => ({ kind: 'map' as const, name, thing })),
  ];
}

/**
 * Makes the pins of `plannedPins`, and the directory where it does not exist; all or nothing. Throws `usage-pin` for a
 * name that is taken.
 */
export function makePins(root: string, loaded: LoadedObject, planned: readonly ExtraPin[]): void {
  const existed = existsSync(root);
  using directory = Directory.make(root, 'above');
  const made: string[] = [];
  try {
    for (const [index, { thing }] of pinnable(loaded).entries())
      made.push(makePin(directory, elementAt(planned, index).path, thing));
  } catch (error) {
    for (const name of made) directory.removeFile(name);
    if (!existed) removeEmpty(root);
    throw error;
  }
}

function makePin(
  directory: Directory,
  path: string,
  thing: { pin(path: string, shown: string): void },
): string {
  const name = basename(path);
  if (directory.hasFile(name)) {
    throw usageError('usage-pin', `${quote(path)} exists already`, {
      hint: 'remove it, or pin in another directory',
    });
  }
  thing.pin(directory.at(name), path);
  return name;
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
 * Removes those that still hold what they were made for, and their directory when that leaves it empty. Returns the
 * paths of what is left: names that hold something else now, and directories that another user could have replaced.
 * Throws `store-file` for a pin that cannot be removed; the next call removes it.
 */
export function removeExtraPins(sys: Sys, pins: readonly ExtraPin[]): readonly string[] {
  const left: string[] = [];
  for (const path of new Set(pins.map(pin => dirname(pin.path)))) {
    const here = pins.filter(pin => dirname(pin.path) === path);
    left.push(...(isTrusted(path) ? removeIn(sys, path, here) : here.map(pin => pin.path)));
  }
  return left;
}

function isTrusted(path: string): boolean {
  try {
    Directory.find(path, 'above')?.close();
    return true;
  } catch (error) {
    if (
      error instanceof RootletError &&
      (error.code === 'store-untrusted' || error.code === 'store-no-bpffs')
    )
      return false;
    throw error;
  }
}

function removeIn(sys: Sys, path: string, pins: readonly ExtraPin[]): string[] {
  using directory = Directory.find(path, 'above');
  if (directory === undefined) return [];
  const there = pins.filter(pin => directory.has(basename(pin.path)));
  const left = there.filter(pin => !holds(sys, directory, pin));
  for (const pin of there) if (!left.includes(pin)) directory.removeFile(basename(pin.path));
  removeEmpty(path);
  return left.map(pin => pin.path);
}

/** Others may use it. */
function removeEmpty(path: string): void {
  using above = Directory.find(dirname(path), 'above');
  above?.removeDirectory(basename(path));
}

/** Throws `kernel-pin` or `kernel-info` where it cannot be looked at. */
function holds(sys: Sys, directory: Directory, pin: ExtraPin): boolean {
  try {
    using fd = openPinIn(sys, directory, pin.path, pin.kind);
    const read = pin.kind === 'program' ? readProgramInfo : readMapInfo;
    return read(sys, fd.number).id === pin.id;
  } catch (error) {
    const isOther =
      error instanceof RootletError && (error.code === 'store-pin' || error.code === 'store-untrusted');
    if (isOther) return false;
    throw error;
  }
}
