/** Section contents and relocations: references go back into the bytes that they are in. */

import { elementAt, viewOf } from '../../bytes/index.ts';
import {
  type ElfRelocation,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  SHT_NOBITS,
} from '../../elf/index.ts';
import { CodeView, OP_LD_IMM64 } from '../../isa/index.ts';
import { BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET, INSN_SIZE } from '../../uapi/index.ts';
import type {
  BpfObject,
  BpfSymbol,
  CodeReference,
  DataReference,
  FunctionSymbol,
  MapSymbol,
  ObjectLayout,
  SectionLayout,
  VariableSymbol,
} from '../model/index.ts';
import { symbolOf } from '../model/index.ts';

/** 1-based ELF symbol numbers; 0 where there is none. */
export interface SymbolNumbers {
  readonly ofSection: readonly number[];
  readonly ofSymbol: readonly number[];
}

export interface EncodedSections {
  /** Indexed by section; null for NOBITS. */
  readonly bytes: readonly (Uint8Array | null)[];
  readonly relocations: readonly (readonly ElfRelocation[])[];
}

export function encodeSections(
  object: BpfObject,
  layout: ObjectLayout,
  numbers: SymbolNumbers,
): EncodedSections {
  const bytes: (Uint8Array | null)[] = [];
  const relocations: ElfRelocation[][] = [];
  for (const section of layout.sections) {
    const empty = object.sections[section.section]?.type === SHT_NOBITS;
    const contents = empty ? null : new Uint8Array(section.size);
    const list: ElfRelocation[] = [];
    if (contents !== null) encodeAtoms(object, layout, numbers, section, contents, list);
    bytes.push(contents);
    relocations.push(list);
  }
  return { bytes, relocations };
}

/** The section that is being written. */
interface Context {
  readonly object: BpfObject;
  readonly layout: ObjectLayout;
  readonly numbers: SymbolNumbers;
  readonly contents: Uint8Array;
  /** All of `contents`: instructions are counted from the start of the section. */
  readonly code: CodeView;
  readonly list: ElfRelocation[];
}

function encodeAtoms(
  object: BpfObject,
  layout: ObjectLayout,
  numbers: SymbolNumbers,
  section: SectionLayout,
  contents: Uint8Array,
  list: ElfRelocation[],
): void {
  const code = new CodeView(contents, object.byteOrder);
  const context = { object, layout, numbers, contents, code, list };
  for (const placed of section.atoms) {
    const symbol = object.symbols[placed.symbol];
    if (symbol !== undefined) encodeAtom(context, symbol, placed.offset);
  }
  list.sort((a, b) => a.offset - b.offset);
}

function encodeAtom(context: Context, symbol: BpfSymbol, offset: number): void {
  switch (symbol.kind) {
    case 'extern':
      return;
    case 'function':
      context.contents.set(symbol.code, offset);
      encodeCode(context, symbol, offset / INSN_SIZE);
      return;
    case 'map':
    case 'variable':
      if (symbol.bytes !== null) context.contents.set(symbol.bytes, offset);
      if (symbol.references.length > 0) encodeData(context, symbol, offset);
      return;
  }
}

// --- code ---------------------------------------------------------------------------------------------------------

/** `first` is the function's first instruction, counted from the start of the section. */
function encodeCode(context: Context, symbol: FunctionSymbol, first: number): void {
  const { code } = context;
  for (const reference of symbol.references) {
    const target = symbolOf(context.object, reference.symbol);
    const insn = first + reference.insnIndex;
    if (reference.kind === 'call') encodeCall(context, symbol, insn, reference, target);
    else encodeAddress(context, insn, reference, target);
  }
  for (const record of symbol.coreRecords) {
    if (record.kind !== BPF_CORE_TYPE_ID_LOCAL && record.kind !== BPF_CORE_TYPE_ID_TARGET) continue;
    const insn = first + record.insnIndex;
    if (record.insnIndex * INSN_SIZE < symbol.code.length && code.opcode(insn) === OP_LD_IMM64)
      code.setImm(insn, record.type);
  }
}

/**
 * Local functions of the same section are called pc-relative, as compilers do; all others through a
 * relocation.
 */
function encodeCall(
  context: Context,
  caller: FunctionSymbol,
  insn: number,
  reference: CodeReference,
  target: BpfSymbol,
): void {
  if (target.kind === 'function' && target.binding === 'local' && target.section === caller.section) {
    const address = elementAt(context.layout.offsets, reference.symbol) + reference.addend;
    context.code.setImm(insn, address / INSN_SIZE - insn - 1);
    return;
  }
  const through = symbolFor(context, reference, target);
  context.code.setImm(insn, through.addend / INSN_SIZE - 1);
  context.list.push({ offset: insn * INSN_SIZE, type: R_BPF_64_32, symbol: through.symbol });
}

function encodeAddress(context: Context, insn: number, reference: CodeReference, target: BpfSymbol): void {
  const through = symbolFor(context, reference, target);
  context.code.setImm(insn, through.addend);
  context.list.push({ offset: insn * INSN_SIZE, type: R_BPF_64_64, symbol: through.symbol });
}

interface Through {
  /** 1-based ELF symbol number. */
  readonly symbol: number;
  readonly addend: number;
}

/**
 * Local functions and variables are referred to through their section, as compilers do and loaders expect;
 * maps and everything global by name.
 */
function symbolFor(context: Context, reference: CodeReference | DataReference, target: BpfSymbol): Through {
  const { layout, numbers } = context;
  if (target.kind !== 'extern' && target.kind !== 'map' && target.binding === 'local') {
    const base = elementAt(layout.offsets, reference.symbol);
    return { symbol: elementAt(numbers.ofSection, target.section), addend: base + reference.addend };
  }
  return { symbol: elementAt(numbers.ofSymbol, reference.symbol), addend: reference.addend };
}

// --- data ---------------------------------------------------------------------------------------------------------

function encodeData(context: Context, symbol: VariableSymbol | MapSymbol, offset: number): void {
  const view = viewOf(context.contents);
  const little = context.object.byteOrder === 'little';
  for (const reference of symbol.references) {
    const place = offset + reference.offset;
    const target = symbolOf(context.object, reference.symbol);
    const write = (value: number): void => {
      if (reference.width === 8) view.setBigInt64(place, BigInt(value), little);
      else view.setInt32(place, value, little);
    };
    if (reference.kind === 'code-offset') {
      write(elementAt(context.layout.offsets, reference.symbol) + reference.addend);
      continue;
    }
    const through = symbolFor(context, reference, target);
    write(through.addend);
    const type = reference.width === 8 ? R_BPF_64_ABS64 : R_BPF_64_ABS32;
    context.list.push({ offset: place, type, symbol: through.symbol });
  }
}
