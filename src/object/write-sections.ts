/** Section contents and relocations: references go back into the bytes that they lie in. */

import { viewOf } from '../bytes/index.ts';
import { bugError } from '../diag/index.ts';
import type { ElfRelocation } from '../elf/index.ts';
import { CodeView, INSN_SIZE, OP_LD_IMM64 } from '../isa/index.ts';
import type { ObjectLayout } from './layout.ts';
import type {
  BpfObject,
  BpfSymbol,
  CodeReference,
  DataReference,
  FunctionSymbol,
  MapSymbol,
  VariableSymbol,
} from './model.ts';

const SHT_NOBITS = 8;
const R_BPF_64_64 = 1;
const R_BPF_64_ABS64 = 2;
const R_BPF_64_ABS32 = 3;
const R_BPF_64_32 = 10;
/** enum bpf_core_relo_kind: the instruction holds a BTF id. */
const CORE_TYPE_ID_LOCAL = 6;
const CORE_TYPE_ID_TARGET = 7;

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

interface Context {
  readonly object: BpfObject;
  readonly layout: ObjectLayout;
  readonly numbers: SymbolNumbers;
}

export function encodeSections(
  object: BpfObject,
  layout: ObjectLayout,
  numbers: SymbolNumbers,
): EncodedSections {
  const context = { object, layout, numbers };
  const bytes: (Uint8Array | null)[] = [];
  const relocations: ElfRelocation[][] = [];
  for (const section of layout.sections) {
    const empty = object.sections[section.section]?.type === SHT_NOBITS;
    const contents = empty ? null : new Uint8Array(section.size);
    const list: ElfRelocation[] = [];
    for (const placed of section.atoms) {
      const symbol = object.symbols[placed.symbol];
      if (contents !== null && symbol !== undefined)
        encodeAtom(context, symbol, placed.offset, contents, list);
    }
    list.sort((a, b) => a.offset - b.offset);
    bytes.push(contents);
    relocations.push(list);
  }
  return { bytes, relocations };
}

function encodeAtom(
  context: Context,
  symbol: BpfSymbol,
  offset: number,
  contents: Uint8Array,
  list: ElfRelocation[],
): void {
  switch (symbol.kind) {
    case 'extern':
      return;
    case 'function':
      contents.set(symbol.code, offset);
      encodeCode(context, symbol, offset, contents, list);
      return;
    case 'map':
    case 'variable':
      if (symbol.bytes !== null) contents.set(symbol.bytes, offset);
      encodeData(context, symbol, offset, contents, list);
      return;
  }
}

// --- code ---------------------------------------------------------------------------------------------------------

function encodeCode(
  context: Context,
  symbol: FunctionSymbol,
  offset: number,
  contents: Uint8Array,
  list: ElfRelocation[],
): void {
  const code = new CodeView(contents.subarray(offset, offset + symbol.code.length), context.object.byteOrder);
  for (const reference of symbol.references) {
    const target = targetOf(context, reference);
    if (reference.kind === 'call') encodeCall(context, symbol, offset, code, reference, target, list);
    else encodeAddress(context, offset, code, reference, target, list);
  }
  for (const record of symbol.coreRecords) {
    if (record.kind !== CORE_TYPE_ID_LOCAL && record.kind !== CORE_TYPE_ID_TARGET) continue;
    if (record.insnIndex < code.length && code.opcode(record.insnIndex) === OP_LD_IMM64)
      code.setImm(record.insnIndex, record.type);
  }
}

function targetOf(context: Context, reference: CodeReference | DataReference): BpfSymbol {
  const target = context.object.symbols[reference.symbol];
  if (target === undefined)
    throw bugError(
      [context.object.name],
      `a reference names symbol ${reference.symbol} of ${context.object.symbols.length}`,
    );
  return target;
}

/** Local functions of the same section are called pc-relative, as compilers do; all others through a relocation. */
function encodeCall(
  context: Context,
  caller: FunctionSymbol,
  offset: number,
  code: CodeView,
  reference: CodeReference,
  target: BpfSymbol,
  list: ElfRelocation[],
): void {
  const { layout } = context;
  const place = offset + reference.insnIndex * INSN_SIZE;
  const address = (layout.offsets[reference.symbol] ?? 0) + reference.addend;
  if (target.kind === 'function' && target.binding === 'local' && target.section === caller.section) {
    code.setImm(reference.insnIndex, (address - place) / INSN_SIZE - 1);
    return;
  }
  const through = symbolFor(context, reference, target);
  code.setImm(reference.insnIndex, through.addend / INSN_SIZE - 1);
  list.push({ offset: place, type: R_BPF_64_32, symbol: through.symbol });
}

function encodeAddress(
  context: Context,
  offset: number,
  code: CodeView,
  reference: CodeReference,
  target: BpfSymbol,
  list: ElfRelocation[],
): void {
  const through = symbolFor(context, reference, target);
  code.setImm(reference.insnIndex, through.addend);
  list.push({ offset: offset + reference.insnIndex * INSN_SIZE, type: R_BPF_64_64, symbol: through.symbol });
}

interface Through {
  /** 1-based ELF symbol number. */
  readonly symbol: number;
  readonly addend: number;
}

/**
 * Local functions and variables are referred to through their section, as compilers do and loaders expect; maps and
 * everything global by name.
 */
function symbolFor(context: Context, reference: CodeReference | DataReference, target: BpfSymbol): Through {
  const { layout, numbers } = context;
  if (target.kind !== 'extern' && target.kind !== 'map' && target.binding === 'local') {
    const base = layout.offsets[reference.symbol] ?? 0;
    return { symbol: numbers.ofSection[target.section] ?? 0, addend: base + reference.addend };
  }
  return { symbol: numbers.ofSymbol[reference.symbol] ?? 0, addend: reference.addend };
}

// --- data ---------------------------------------------------------------------------------------------------------

function encodeData(
  context: Context,
  symbol: VariableSymbol | MapSymbol,
  offset: number,
  contents: Uint8Array,
  list: ElfRelocation[],
): void {
  const view = viewOf(contents);
  const little = context.object.byteOrder === 'little';
  for (const reference of symbol.references) {
    const place = offset + reference.offset;
    const target = targetOf(context, reference);
    const write = (value: number): void => {
      if (reference.width === 8) view.setBigInt64(place, BigInt(value), little);
      else view.setInt32(place, value, little);
    };
    if (reference.kind === 'code-offset') {
      write((context.layout.offsets[reference.symbol] ?? 0) + reference.addend);
      continue;
    }
    const through = symbolFor(context, reference, target);
    write(through.addend);
    list.push({
      offset: place,
      type: reference.width === 8 ? R_BPF_64_ABS64 : R_BPF_64_ABS32,
      symbol: through.symbol,
    });
  }
}
