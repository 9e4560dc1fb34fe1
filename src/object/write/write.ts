/**
 * Symbolic object → ELF. An object that was made of columns is written from them, any other is imported first.
 *
 * The result is a function of the object alone; `writeObject(readObject(writeObject(x)))` gives the same
 * bytes.
 */

import { type Problem, RootletError } from '../../diag/index.ts';
import { Image } from '../../image/index.ts';
import { type BpfObject, extrasOf, requireObject, requireSound, unitOf } from '../model/index.ts';
import { importObject } from './import.ts';
import { writeUnit } from './unit.ts';

/** Encodes the object as an ELF relocatable file. Throws the faults of functions that have any. */
export function writeObject(input: BpfObject): Uint8Array {
  requireObject('writeObject: input', input);
  const place = unitOf(input);
  if (place !== undefined) {
    requireSoundUnit(place.image, place.unit);
    return writeUnit(place.image, place.unit);
  }
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
