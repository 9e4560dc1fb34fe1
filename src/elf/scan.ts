/**
 * ELF objects into the image: the way from files to columns. `kernels/` reads and checks, this makes problems
 * of what is refused.
 */

import { limitOf, within } from '../diag/index.ts';
import { FAULT, HEADER, type Image, UNIT } from '../image/index.ts';
import { explainElf } from './explain.ts';
import * as kernels from './kernels/scan.kernel.ts';

/** A file that is in the image already. At least one NUL follows it there. */
export interface PlacedFile {
  readonly name: string;
  /** Byte address. */
  readonly at: number;
  readonly size: number;
}

/** A file for `scanElf`: bytes, or where they are in the image. */
export type ScanFile = { readonly name: string; readonly bytes: Uint8Array } | PlacedFile;

/**
 * Reads a 64-bit relocatable BPF object of either byte order into UNIT, SECTION and SYMBOL; returns the row of
 * UNIT. Its name is first in every message. Throws `RootletError` with a code `elf-...` for the first problem.
 * `keepDebug`: DWARF (`.debug_*`) is not ignored; default false.
 */
export function scanElf(
  image: Image,
  file: ScanFile,
  options: { readonly keepDebug?: boolean } = {},
): number {
  const unit = image.addUnit(file.name);
  const inside = 'at' in file;
  image.set(UNIT.at, unit, inside ? file.at : image.addContents(file.name, file.bytes));
  image.set(UNIT.size, unit, inside ? file.size : file.bytes.length);
  image.words[HEADER.fileNames] = namesOf(image, image.get(UNIT.size, unit));
  const keepDebug = options.keepDebug === true ? 1 : 0;
  if (within(file.name, () => image.run(kernels).scanFile(unit, keepDebug)) === 1) return unit;
  throw explainElf(image, file.name, image.count(FAULT) - 1);
}

/** Tail sharing lets names add up to more than their table; compilers stay far below this multiple. */
const NAMES_BASE = 0x1000;
const MOST_NAMES = 0x7fffffff;

/** Bytes that names of one string table of a file may have together. */
function namesOf({ limits }: Image, file: number): number {
  return Math.min(limitOf(limits, 'names') * file + NAMES_BASE, MOST_NAMES);
}
