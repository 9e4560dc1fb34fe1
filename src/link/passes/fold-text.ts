/**
 * Moves functions in code sections that are not program sections to `.text`. libbpf accepts subprograms only
 * there; a project with helpers in other sections (`SEC("lib")`) links but does not load.
 *
 * Sections that name a program type are kept.
 */

import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  programTypeOf,
  type SectionShell,
  sectionNameOf,
} from '../../object/index.ts';

/** Shell of a section for functions that are not programs. */
export const TEXT_SECTION: SectionShell = {
  name: '.text',
  type: SHT_PROGBITS,
  flags: SHF_ALLOC | SHF_EXECINSTR,
  align: 8,
  entsize: 0,
  role: 'code',
};

/** The object with such a section, and the index of it. */
export function withTextSection(object: BpfObject): {
  readonly sections: readonly SectionShell[];
  readonly text: number;
} {
  const known = object.sections.findIndex(section => section.name === '.text');
  if (known >= 0) return { sections: object.sections, text: known };
  return { sections: [...object.sections, TEXT_SECTION], text: object.sections.length };
}

/**
 * Moves functions of COMDAT groups to `.text`: their sections have names of their own (`.text._Z3addii`) only so
 * that linkers can drop them.
 */
export function foldGroups(object: BpfObject): BpfObject {
  const isGrouped = (symbol: BpfSymbol): boolean =>
    symbol.kind === 'function' &&
    symbol.comdat !== undefined &&
    sectionNameOf(object, symbol).startsWith('.text.');
  if (!object.symbols.some(isGrouped)) return object;
  const { sections, text } = withTextSection(object);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && isGrouped(symbol) ? { ...symbol, section: text } : symbol,
  );
  return { ...object, sections, symbols };
}

/** Moves every function of a code section outside libbpf's table of program sections to `.text`. */
export function foldText(object: BpfObject): BpfObject {
  const foreign = new Set(
    object.sections.flatMap((section, index) =>
      section.role === 'code' && section.name !== '.text' && programTypeOf(section.name) === undefined
        ? [index]
        : [],
    ),
  );
  if (foreign.size === 0) return object;
  const { sections, text } = withTextSection(object);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && foreign.has(symbol.section) ? { ...symbol, section: text } : symbol,
  );
  return { ...object, sections, symbols };
}
