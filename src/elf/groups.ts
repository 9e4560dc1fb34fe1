/**
 * Section groups: what C++ and Rust compilers make of templates and inline functions, one copy in each file.
 *
 * The section holds a word of flags and the indexes of its members; its symbol is the signature, by which a
 * link recognizes copies.
 */

import { elementAt, viewOf } from '../bytes/index.ts';
import { SHT_GROUP } from './constants.ts';
import { type ElfInput, sectionError } from './header.ts';
import type { ElfGroup, ElfSection, ElfSymbol } from './model.ts';

const WORD = 4;
const GRP_COMDAT = 1;

/** All groups in file order. Throws `elf-group` for one that cannot be read. */
export function readGroups(
  input: ElfInput,
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
): readonly ElfGroup[] {
  const taken = new Set<number>();
  return sections.flatMap(section =>
    section.type === SHT_GROUP ? [readGroup(input, section, sections, symbols, taken)] : [],
  );
}

function readGroup(
  input: ElfInput,
  section: ElfSection,
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
  taken: Set<number>,
): ElfGroup {
  const view = viewOf(section.bytes);
  const little = input.byteOrder === 'little';
  if (section.bytes.length < WORD || section.bytes.length % WORD !== 0)
    throw groupError(input, section, `has ${section.bytes.length} bytes, not a flag and section indexes`);
  const symbol = section.info === 0 ? undefined : symbols[section.info];
  if (symbol === undefined)
    throw groupError(input, section, `has symbol ${section.info} as its signature, which does not exist`);
  const members: number[] = [];
  for (let at = WORD; at < section.bytes.length; at += WORD) {
    const index = view.getUint32(at, little);
    if (index === 0 || index >= sections.length)
      throw groupError(input, section, `contains section ${index}, which does not exist`);
    if (taken.has(index))
      throw groupError(input, section, `contains section ${index}, which is in a group already`);
    taken.add(index);
    members.push(index);
  }
  const signature = symbol.name === '' ? elementAt(sections, symbol.section).name : symbol.name;
  return { signature, comdat: (view.getUint32(0, little) & GRP_COMDAT) !== 0, sections: members };
}

function groupError(input: ElfInput, section: ElfSection, message: string): Error {
  return sectionError(input, section, 'elf-group', message);
}
