/** Equal strings of mergeable sections (`.rodata.str1.1`) become one. */

import { SHF_STRINGS } from '../../elf/index.ts';
import { type BpfObject, type SymbolIndex, sectionAt } from '../../object/index.ts';

/**
 * Duplicate string → the first equal one of the same alignment. Only anonymous pieces of sections that allow
 * merging are considered.
 */
export function duplicateStrings(object: BpfObject): Map<SymbolIndex, SymbolIndex> {
  const first = new Map<string, SymbolIndex>();
  const duplicates = new Map<SymbolIndex, SymbolIndex>();
  object.symbols.forEach((symbol, index) => {
    if (
      symbol.kind !== 'variable' ||
      symbol.name !== '' ||
      symbol.bytes === null ||
      symbol.references.length > 0
    )
      return;
    if ((sectionAt(object, symbol.section).flags & SHF_STRINGS) === 0) return;
    const key = `${symbol.section}:${symbol.align}:${contentKey(symbol.bytes)}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, index);
    else duplicates.set(index, known);
  });
  return duplicates;
}

function contentKey(bytes: Uint8Array): string {
  let key = '';
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}
