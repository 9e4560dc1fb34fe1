/**
 * An untrusted file to rows of SECTION and SYMBOL.
 *
 * Checks everything that can be checked without knowing instructions or BTF, so that later kernels can index
 * freely. The first violation is the only fault, always the same one for the same bytes.
 */

import { placeContents } from './contents.kernel.ts';
import { readGroups } from './groups.kernel.ts';
import { nameTableIndex, openFile } from './header.kernel.ts';
import { readRelocations } from './relocations.kernel.ts';
import { checkSections } from './rules.kernel.ts';
import { readSections } from './sections.kernel.ts';
import { readSymbols } from './symbols.kernel.ts';

/** Reads the file of a unit, whose `at` and `size` are set. 0 after a fault. `keepDebug`: DWARF is not ignored. */
export function scanFile(unit: number, keepDebug: number): number {
  const header = openFile(unit);
  if (header === 0) return 0;
  if (readSections(unit, nameTableIndex(unit, header), keepDebug) === 0) return 0;
  if (checkSections(unit) === 0) return 0;
  placeContents(unit);
  if (readSymbols(unit) === 0) return 0;
  return readRelocations(unit) === 0 ? 0 : readGroups(unit);
}
