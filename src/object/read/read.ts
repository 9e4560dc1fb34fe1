/** BPF object files as `BpfObject`s: ELF into columns, atoms along symbols, an object on demand. */

import { type InputFile, requireFile } from '../../bytes/index.ts';
import { requireOptions, within } from '../../diag/index.ts';
import { type PlacedFile, scanElf } from '../../elf/index.ts';
import { Image } from '../../image/index.ts';
import { type BpfObject, objectOf } from '../model/index.ts';
import type { ReadOptions } from './options.ts';
import { readUnit } from './read-unit.ts';

/**
 * Reads one BPF object. Throws `RootletError` with codes `elf-…`, `btf-…` and `object-…`, whose places start
 * with the file's name, and a `TypeError` for other values.
 */
export function readObject(file: InputFile, options: ReadOptions = {}): BpfObject {
  requireFile('readObject: file', file);
  requireOptions('readObject: options', options);
  return readScanned(options.image ?? new Image(options.limits), file, options);
}

/** The same of a file that is in an image already, as `scanElf` takes it. */
export function readPlaced(image: Image, file: PlacedFile, options: ReadOptions): BpfObject {
  return readScanned(image, file, options);
}

function readScanned(image: Image, file: InputFile | PlacedFile, options: ReadOptions): BpfObject {
  const unit = scanElf(image, file, { keepDebug: options.keepDebug ?? false });
  within(file.name, () => readUnit(image, unit, options));
  return objectOf(image, unit);
}
