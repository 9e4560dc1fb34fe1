/**
 * Symbolic object → ELF. An object that was made of columns is written from them, any other is imported first.
 *
 * The result is a function of the object alone; `writeObject(readObject(writeObject(x)))` gives the same
 * bytes.
 */

import { type Problem, RootletError } from '../../diag/index.ts';
import { Image } from '../../image/index.ts';
import {
  type BpfObject,
  extrasOf,
  requireObject,
  requireSound,
  type UnitPlace,
  unitOf,
} from '../model/index.ts';
import { importObject } from './import.ts';
import { encodeUnit, writeUnit } from './unit.ts';

/** Encodes the object as an ELF relocatable file. Throws the faults of functions that have any. */
export function writeObject(input: BpfObject): Uint8Array {
  requireObject('writeObject: input', input);
  const place = unitOf(input);
  return place === undefined ? writeImported(input) : encodePlaced(place).slice();
}

/** The same bytes, not copied where they are in an image: to be used before anything else is done with the object. */
export function encodeObject(input: BpfObject): Uint8Array {
  const place = unitOf(input);
  return place === undefined ? writeImported(input) : encodePlaced(place);
}

function encodePlaced({ image, unit }: UnitPlace): Uint8Array {
  requireSoundUnit(image, unit);
  const { at, size } = encodeUnit(image, unit);
  return image.bytes.subarray(at, at + size);
}

function writeImported(input: BpfObject): Uint8Array {
  requireSound(input);
  const image = new Image();
  const bytes = writeUnit(image, importObject(image, input));
  image.release();
  return bytes;
}

/** As `requireSound`, without making symbols of columns. */
function requireSoundUnit(image: Image, unit: number): void {
  const { faults, faultsOf } = extrasOf(image, unit);
  const rows = [...faultsOf.keys()].sort((a, b) => a - b);
  const all: Problem[] = [...faults];
  for (const row of rows) all.push(...(faultsOf.get(row) ?? []));
  if (all.length > 0) throw new RootletError(all);
}
