/**
 * Moves subprograms to `.text`, the only place where libbpf accepts them.
 *
 * Some are subprograms without doubt, and every link moves them (`foldSubprograms`). A project with helpers in
 * other sections (`SEC("lib")`) has to ask for it (`foldText`), because these could be programs whose type
 * is given when loading; sections that name a program type are kept.
 */

import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  isTextSection,
  programTypeOf,
  type SectionShell,
  sectionNameOf,
  staticSubprograms,
} from '../../object/index.ts';
import { mayHaveStrayFunctions } from '../resolve/index.ts';

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
 * Moves the functions of `.text.NAME`, as every linker does, and static functions of program sections that
 * code refers to.
 */
export function foldSubprograms(object: BpfObject): BpfObject {
  if (!mayHaveStrayFunctions(object)) return object;
  const statics = new Set(staticSubprograms(object));
  return moveToText(
    object,
    symbol => statics.has(symbol) || sectionNameOf(object, symbol).startsWith('.text.'),
  );
}

/** Moves every function of a code section outside libbpf's table of program sections to `.text`. */
export function foldText(object: BpfObject): BpfObject {
  return moveToText(object, symbol => {
    const section = sectionNameOf(object, symbol);
    return !isTextSection(section) && programTypeOf(section) === undefined;
  });
}

function moveToText(object: BpfObject, moves: (symbol: FunctionSymbol) => boolean): BpfObject {
  if (!object.symbols.some(symbol => symbol.kind === 'function' && moves(symbol))) return object;
  const { sections, text } = withTextSection(object);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && moves(symbol) ? { ...symbol, section: text } : symbol,
  );
  return { ...object, sections, symbols };
}
