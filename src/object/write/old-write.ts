/**
 * Symbolic object → ELF.
 *
 * Lays the atoms out, writes references back as relocations (or, for a call to a local function of the same
 * section, as the pc-relative immediate that compilers write), regenerates every DATASEC from the final
 * positions of atoms, and encodes `.BTF` and `.BTF.ext`. Instruction immediates of CO-RE type-id relocations
 * are written from the record's type, so that they are right after types were renumbered.
 *
 * The result is a function of the object alone; `writeObject(readObject(writeObject(x)))` gives the same
 * bytes.
 */

import { type BtfExt, btfWithExtContents } from '../../btf/index.ts';
import type { Contents } from '../../bytes/index.ts';
import { elementAt } from '../../bytes/index.ts';
import {
  type ElfOutput,
  type ElfRelocation,
  type ElfSectionOutput,
  type ElfSymbolOutput,
  SHN_COMMON,
  SHT_PROGBITS,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
  writeElf,
} from '../../elf/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import {
  aliasesOf,
  type BpfObject,
  type BpfSymbol,
  isCommon,
  layoutSections,
  type ObjectLayout,
  requireObject,
  requireSound,
  type SectionIndex,
  type SymbolIndex,
  sectionAt,
  sizeOfSymbol,
  withDataSections,
} from '../model/index.ts';
import { encodeSections, type SymbolNumbers } from './sections.ts';
import { stripDataSections } from './strip-data-sections.ts';

const BINDING = { local: STB_LOCAL, global: STB_GLOBAL, weak: STB_WEAK } as const;
const VISIBILITY = { default: STV_DEFAULT, hidden: STV_HIDDEN } as const;

/** Encodes the object as an ELF relocatable file. Throws the faults of functions that have any. */
export function writeObject(input: BpfObject): Uint8Array {
  requireObject('writeObject: input', input);
  requireSound(input);
  const object = stripDataSections(input);
  const layout = layoutSections(object, { withoutCommon: true });
  const { positions, shells } = numberSections(object, layout);
  const { symbols, numbers } = buildSymbols(object, layout, positions, shells);
  const encoded = encodeSections(object, layout, numbers);
  const sections: ElfSectionOutput[] = shells.map(index =>
    shellOutput(object, layout, index, encoded.bytes[index] ?? null),
  );
  const relocations = new Map<number, readonly ElfRelocation[]>();
  shells.forEach((index, position) => {
    const list = elementAt(encoded.relocations, index);
    if (list.length > 0) relocations.set(position + 1, list);
  });
  addTypeSections(object, layout, sections);
  const output: ElfOutput = {
    byteOrder: object.byteOrder,
    flags: object.flags,
    sections,
    symbols,
    relocations,
  };
  return writeElf(output);
}

interface SectionNumbers {
  /** Section index → 1-based position in the output; 0 for sections without atoms. */
  readonly positions: readonly number[];
  /** Section indexes in output order. */
  readonly shells: readonly SectionIndex[];
}

/** Sections that hold nothing are left out. */
function numberSections(object: BpfObject, layout: ObjectLayout): SectionNumbers {
  const shells = layout.sections.filter(section => section.atoms.length > 0).map(section => section.section);
  const positions = new Array<number>(object.sections.length).fill(0);
  shells.forEach((section, position) => {
    positions[section] = position + 1;
  });
  return { positions, shells };
}

function shellOutput(
  object: BpfObject,
  layout: ObjectLayout,
  index: SectionIndex,
  bytes: Uint8Array | null,
): ElfSectionOutput {
  const { name, type, flags, entsize } = sectionAt(object, index);
  const { align, size } = elementAt(layout.sections, index);
  return { name, type, flags, align, entsize, bytes, size };
}

interface SymbolTable {
  readonly symbols: readonly ElfSymbolOutput[];
  readonly numbers: SymbolNumbers;
}

/**
 * Local atoms before the others, both by section and offset; what has no place (externs, tentative
 * definitions) last: the order in which they are read again.
 */
function outputOrder(object: BpfObject, layout: ObjectLayout): SymbolIndex[] {
  const locals: SymbolIndex[] = [];
  const others: SymbolIndex[] = [];
  const aliases = aliasesOf(object);
  const add = (symbol: SymbolIndex): void => {
    (object.symbols[symbol]?.binding === 'local' ? locals : others).push(symbol);
  };
  for (const section of layout.sections) {
    for (const { symbol } of section.atoms) {
      add(symbol);
      aliases.get(symbol)?.forEach(add);
    }
  }
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'extern' || isCommon(symbol)) others.push(index);
  });
  return locals.concat(others);
}

/** Section symbols first, then the named atoms. */
function buildSymbols(
  object: BpfObject,
  layout: ObjectLayout,
  positions: readonly number[],
  shells: readonly SectionIndex[],
): SymbolTable {
  const symbols: ElfSymbolOutput[] = [];
  const ofSection = new Array<number>(object.sections.length).fill(0);
  const ofSymbol = new Array<number>(object.symbols.length).fill(0);
  for (const section of shells) {
    symbols.push({
      name: '',
      value: 0,
      size: 0,
      type: STT_SECTION,
      binding: BINDING.local,
      visibility: 0,
      section: elementAt(positions, section),
    });
    ofSection[section] = symbols.length;
  }
  const add = (symbol: BpfSymbol, index: number): void => {
    symbols.push(elfSymbol(symbol, elementAt(layout.offsets, index), positions));
    ofSymbol[index] = symbols.length;
  };
  for (const index of outputOrder(object, layout)) {
    const symbol = object.symbols[index];
    if (symbol !== undefined && symbol.name !== '') add(symbol, index);
  }
  return { symbols, numbers: { ofSection, ofSymbol } };
}

function elfSymbol(symbol: BpfSymbol, offset: number, positions: readonly number[]): ElfSymbolOutput {
  const { name } = symbol;
  const [binding, visibility] = [BINDING[symbol.binding], VISIBILITY[symbol.visibility]];
  const size = sizeOfSymbol(symbol);
  if (symbol.kind === 'extern')
    return { name, value: 0, size, type: STT_NOTYPE, binding, visibility, section: 0 };
  if (isCommon(symbol))
    return { name, value: symbol.align, size, type: STT_OBJECT, binding, visibility, section: SHN_COMMON };
  const type = symbol.kind === 'function' ? STT_FUNC : STT_OBJECT;
  return {
    name,
    value: offset,
    size,
    type,
    binding,
    visibility,
    section: elementAt(positions, symbol.section),
  };
}

// --- types --------------------------------------------------------------------------------------------------------

function addTypeSections(object: BpfObject, layout: ObjectLayout, sections: ElfSectionOutput[]): void {
  if (object.btf === null) return;
  const btf = withDataSections(object, object.btf, layout);
  const contents = btfWithExtContents(btf, collectRecords(object, layout), object.byteOrder);
  sections.push(typeSection('.BTF', contents.btf));
  if (contents.ext !== null) sections.push(typeSection('.BTF.ext', contents.ext));
}

function typeSection(name: string, bytes: Contents): ElfSectionOutput {
  return { name, type: SHT_PROGBITS, flags: 0, align: 8, entsize: 0, bytes, size: bytes.length };
}

/** Records by section, in order of offset: as `.BTF.ext` requires. */
function collectRecords(object: BpfObject, layout: ObjectLayout): BtfExt {
  const funcs: BtfExt['funcs'][number][] = [];
  const lines: BtfExt['lines'][number][] = [];
  const core: BtfExt['core'][number][] = [];
  for (const placedSection of layout.sections) {
    const section = sectionAt(object, placedSection.section).name;
    for (const placed of placedSection.atoms) {
      const symbol = object.symbols[placed.symbol];
      if (symbol?.kind !== 'function') continue;
      if (symbol.btfId !== 0) funcs.push({ section, byteOffset: placed.offset, type: symbol.btfId });
      if (symbol.lines.length > 0) lines.push({ section, byteOffset: placed.offset, lines: symbol.lines });
      for (const { insnIndex, type, access, kind } of symbol.coreRecords)
        core.push({ section, byteOffset: placed.offset + insnIndex * INSN_SIZE, type, access, kind });
    }
  }
  return { funcs, lines, core };
}
