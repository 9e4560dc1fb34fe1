/**
 * Functions in code sections that are no programs, moved to `.text`.
 *
 * libbpf accepts subprograms only there; a project that put helpers into sections of their own (`SEC("lib")`) links but
 * does not load. Sections that name a program type stay.
 */

import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import { type BpfObject, programTypeOf, type SectionShell } from '../../object/index.ts';

/** Shell of a section for functions that are no programs. */
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
