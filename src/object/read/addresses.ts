/**
 * Places in data that something refers to without a symbol: zeros there are no padding but a constant of the compiler's,
 * such as an initial value.
 */

import { viewOf } from '../../bytes/index.ts';
import {
  type ElfFile,
  type ElfRelocation,
  isIgnoredSection,
  R_BPF_64_64,
  R_BPF_64_ABS64,
  SHF_EXECINSTR,
  STT_SECTION,
} from '../../elf/index.ts';

/** Offsets in data that relocations lead to, by ELF section, sorted. */
export function addressedOffsets(elf: ElfFile): ReadonlyMap<number, readonly number[]> {
  const offsets = new Map<number, number[]>();
  for (const [index, relocations] of elf.relocations) {
    const section = elf.sections[index];
    if (section === undefined || isIgnoredSection(section)) continue;
    const view = viewOf(section.bytes);
    const code = (section.flags & SHF_EXECINSTR) !== 0;
    for (const relocation of relocations) {
      const symbol = elf.symbols[relocation.symbol];
      if (symbol === undefined || isCode(elf, symbol.section)) continue;
      const list = offsets.get(symbol.section);
      const addend = addendAt(view, relocation, code, elf.byteOrder === 'little');
      const offset = symbol.type === STT_SECTION ? addend : symbol.value + addend;
      if (list === undefined) offsets.set(symbol.section, [offset]);
      else list.push(offset);
    }
  }
  for (const list of offsets.values()) list.sort((a, b) => a - b);
  return offsets;
}

function isCode(elf: ElfFile, section: number): boolean {
  return ((elf.sections[section]?.flags ?? 0) & SHF_EXECINSTR) !== 0;
}

/** The parser has seen that the relocated bytes are there. */
function addendAt(view: DataView, { offset, type }: ElfRelocation, code: boolean, little: boolean): number {
  if (code) return view.getInt32(offset + 4, little);
  const wide = type === R_BPF_64_64 || type === R_BPF_64_ABS64;
  return wide ? Number(view.getBigInt64(offset, little)) : view.getInt32(offset, little);
}
