/**
 * The symbolic object: what every layer above ELF and BTF works on.
 *
 * A `BpfObject` is made of atoms (functions, variables, maps, externs), not of ELF sections. An atom owns its
 * bytes and the references that are in them; a reference names a symbol by its index in `BpfObject.symbols`.
 * Offsets into sections exist only in the reader and the writer, except `origin`, which lets the writer keep
 * an unchanged layout.
 *
 * Everything is readonly. A pass creates new objects; byte arrays are shared between the old and the new
 * object until one of them has to change, so never write into them.
 */

import type { Btf, BtfId, LineRecords } from '../../btf/index.ts';
import { type ByteOrder, decodeText, noElement } from '../../bytes/index.ts';
import { argumentError, type Problem, RootletError } from '../../diag/index.ts';

export type { LineRecord, LineRecords } from '../../btf/index.ts';

/** Index into `BpfObject.symbols`. */
export type SymbolIndex = number;
/** Index into `BpfObject.sections`. */
export type SectionIndex = number;

/** What the ELF section of an atom looks like; contents come from the atoms. */
export interface SectionShell {
  readonly name: string;
  /** SHT_PROGBITS (1) or SHT_NOBITS (8). */
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  /** `sh_entsize`; non-zero for mergeable sections (`SHF_MERGE`). */
  readonly entsize: number;
  readonly role: 'code' | 'data' | 'maps';
}

/**
 * Where an atom was in the file it was read from. Atoms of one block keep their distances while all are kept.
 */
export interface Origin {
  /** Name of the input file, for messages. */
  readonly file: string;
  /** Byte offset in its section of that file. */
  readonly offset: number;
}

/** A reference lying in code, at the slot `insnIndex` of the function that holds it. */
export interface CodeReference {
  readonly insnIndex: number;
  /**
   * `call`: bpf-to-bpf or kfunc call; `address`: ld_imm64 of data, a map, an extern, a function (callback) or
   * an LLVM jump table. The instruction's own imm and src fields are normalised to: call imm -1, src 1;
   * address imm 0.
   */
  readonly kind: 'call' | 'address';
  readonly symbol: SymbolIndex;
  /** Bytes from the start of the symbol; for code a multiple of 8. */
  readonly addend: number;
}

/** A reference lying in data: 8 bytes (ABS64) or 4 bytes (ABS32) at `offset`; the bytes there are zero. */
export interface DataReference {
  readonly offset: number;
  readonly width: 4 | 8;
  readonly symbol: SymbolIndex;
  readonly addend: number;
  /**
   * `address`: ABS64 and ABS32 relocations. `code-offset`: an entry of a jump table, the byte offset of
   * its target in the target's code section, without an ELF relocation.
   */
  readonly kind: 'address' | 'code-offset';
}

/** `.BTF.ext` CO-RE relocation of a function. */
export interface CoreRecord {
  readonly insnIndex: number;
  readonly type: BtfId;
  /** Access path such as `0:1:2`. */
  readonly access: string;
  /** enum bpf_core_relo_kind, 0 to 12. */
  readonly kind: number;
}

/** What all symbols have. */
export interface SymbolBase {
  /** '' for anonymous data. */
  readonly name: string;
  /** `local`: of its file only; `weak`: yields to a global definition. */
  readonly binding: 'local' | 'global' | 'weak';
  /** `hidden`: linked by name, and local afterwards. */
  readonly visibility: 'default' | 'hidden';
}

export type Binding = SymbolBase['binding'];
export type Visibility = SymbolBase['visibility'];

/** A function or program, with its instructions. */
export interface FunctionSymbol extends SymbolBase {
  readonly kind: 'function';
  readonly section: SectionIndex;
  readonly origin: Origin;
  /** Raw instructions in the object's byte order, `references` normalised as described there. */
  readonly code: Uint8Array;
  readonly references: readonly CodeReference[];
  /** FUNC type, 0 when the object has no BTF for it. */
  readonly btfId: BtfId;
  /** As `VariableSymbol.comdat`. */
  readonly comdat?: string;
  /** As `VariableSymbol.aliasOf`. */
  readonly aliasOf?: SymbolIndex;
  /** `.BTF.ext` line_info, ordered by `insnIndex`. */
  readonly lines: LineRecords;
  /** Ordered by `insnIndex`. */
  readonly coreRecords: readonly CoreRecord[];
  /**
   * What is wrong with its code, where `ReadOptions.keepFaults` kept it: whoever needs the function gets these
   * problems. Never empty.
   */
  readonly faults?: readonly Problem[];
}

/** A variable, an anonymous piece of data (`name` '' and `btfId` 0), or a string of a mergeable section. */
export interface VariableSymbol extends SymbolBase {
  readonly kind: 'variable';
  readonly section: SectionIndex;
  readonly origin: Origin;
  readonly size: number;
  readonly align: number;
  /** Null for NOBITS: all zero. Otherwise `size` bytes. */
  readonly bytes: Uint8Array | null;
  readonly references: readonly DataReference[];
  /** VAR type, 0 when there is none. */
  readonly btfId: BtfId;
  /**
   * The symbol that this one is another name of (`__attribute__((alias))`). An alias has the contents of that
   * symbol, which are written once; it is only an alias while both are in one section.
   */
  readonly aliasOf?: SymbolIndex;
  /**
   * Signature of the COMDAT group that its section is in (templates and inline functions of C++): of several
   * inputs with such a group, the first keeps it.
   */
  readonly comdat?: string;
  /**
   * A C tentative definition (`-fcommon`): yields to any other definition, the largest of several is
   * allocated.
   */
  readonly common?: boolean;
}

/** A BTF-defined map in `.maps`. */
export interface MapSymbol extends SymbolBase {
  readonly kind: 'map';
  readonly section: SectionIndex;
  readonly origin: Origin;
  readonly size: number;
  readonly align: number;
  readonly bytes: Uint8Array;
  /** Initial values of map-in-map and program arrays: pointers to maps or functions. */
  readonly references: readonly DataReference[];
  /** VAR type. */
  readonly btfId: BtfId;
}

/**
 * A name without a definition here. `section` is the BTF DATASEC that lists it: `.ksyms` (kfunc or kernel
 * symbol), `.kconfig`, `.maps` (extern map), another data section, or null for a plain extern.
 */
export interface ExternSymbol extends SymbolBase {
  readonly kind: 'extern';
  readonly section: string | null;
  /** VAR or FUNC type with linkage extern. */
  readonly btfId: BtfId;
}

/** A symbol with contents, which are in a section. */
export type DefinedSymbol = FunctionSymbol | VariableSymbol | MapSymbol;
/** An atom of an object: something with a name, bytes or neither, and references. */
export type BpfSymbol = FunctionSymbol | VariableSymbol | MapSymbol | ExternSymbol;

/** A BPF object as atoms and references; `readObject` and the linker make them. Never changed once made. */
export interface BpfObject {
  /** Name for messages, usually the file's. */
  readonly name: string;
  readonly byteOrder: ByteOrder;
  /** e_flags of the ELF header: the instruction set version (`-mcpu`), 0 if not specified. */
  readonly flags: number;
  readonly sections: readonly SectionShell[];
  readonly symbols: readonly BpfSymbol[];
  /** Null for an object without `.BTF`. */
  readonly btf: Btf | null;
  /** What reading changed that the author of the file may not expect; for the command's output. */
  readonly notes?: readonly string[];
  /**
   * What is wrong with `.BTF` or `.BTF.ext`, where `ReadOptions.keepFaults` let them be left out. Never empty.
   */
  readonly faults?: readonly Problem[];
}

/** Whether `value` has the shape of a `BpfObject`. */
export function isObject(value: unknown): value is BpfObject {
  return (
    typeof value === 'object' && value !== null && 'symbols' in value && 'sections' in value && 'btf' in value
  );
}

/** Throws a `TypeError` unless `value` is a `BpfObject`. `place` is function and argument. */
export function requireObject(place: string, value: unknown): asserts value is BpfObject {
  if (!isObject(value)) throw argumentError(place, 'a BpfObject (readObject makes one of bytes)', value);
}

/** What is wrong with the code of the symbols: of functions that a tolerant reader kept. */
export function faultsIn(symbols: readonly BpfSymbol[]): readonly Problem[] {
  return symbols.flatMap(symbol => (symbol.kind === 'function' && symbol.faults ? symbol.faults : []));
}

/** All that a tolerant reader found in the file. */
export function faultsOf({ faults, symbols }: BpfObject): readonly Problem[] {
  return faults === undefined ? faultsIn(symbols) : [...faults, ...faultsIn(symbols)];
}

/** For those who need all of an object: throws what a tolerant reader found. */
export function requireSound(object: BpfObject): void {
  const faults = faultsOf(object);
  if (faults.length > 0) throw new RootletError(faults);
}

/** Signature of the COMDAT group of a symbol; undefined without one. */
export function comdatOf(symbol: BpfSymbol): string | undefined {
  return symbol.kind === 'function' || symbol.kind === 'variable' ? symbol.comdat : undefined;
}

/** A tentative definition of C, which has no place yet. */
export function isCommon(symbol: BpfSymbol): symbol is VariableSymbol {
  return symbol.kind === 'variable' && symbol.common === true;
}

/** What reading, or linking, changed in the object. */
export function notesOf({ notes }: BpfObject): readonly string[] {
  return notes === undefined ? [] : notes;
}

/** Text of the `license` section, or null: first variable whose section has that name. */
export function licenseOf(object: BpfObject): string | null {
  return textOfSection(object, 'license');
}

/** The section of a defined symbol; undefined for an extern. */
export function sectionOf(object: BpfObject, symbol: DefinedSymbol): SectionShell;
export function sectionOf(object: BpfObject, symbol: BpfSymbol): SectionShell | undefined;
export function sectionOf(object: BpfObject, symbol: BpfSymbol): SectionShell | undefined {
  return symbol.kind === 'extern' ? undefined : sectionAt(object, symbol.section);
}

/** Name of the section of a symbol; '' for an extern, which is in none. */
export function sectionNameOf(object: BpfObject, symbol: BpfSymbol): string {
  return sectionOf(object, symbol)?.name ?? '';
}

/** A section by its index. Throws `bug-index` when the object does not have it. */
export function sectionAt(object: BpfObject, index: SectionIndex): SectionShell {
  return object.sections[index] ?? noElement(object.sections, index);
}

/** A symbol by its index. Throws `bug-index` when the object does not have it. */
export function symbolOf(object: BpfObject, index: SymbolIndex): BpfSymbol {
  return object.symbols[index] ?? noElement(object.symbols, index);
}

/** Bytes that a symbol takes in its section; 0 for an extern. */
export function sizeOfSymbol(symbol: BpfSymbol): number {
  if (symbol.kind === 'extern') return 0;
  return symbol.kind === 'function' ? symbol.code.length : symbol.size;
}

/** Text of the first variable in the section `name`, up to its NUL; null without one. */
export function textOfSection(object: BpfObject, name: string): string | null {
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'variable' || sectionOf(object, symbol)?.name !== name || symbol.bytes === null)
      continue;
    const end = symbol.bytes.indexOf(0);
    return decodeText(symbol.bytes.subarray(0, end < 0 ? symbol.size : end));
  }
  return null;
}

/** DWARF. It is kept only on request, describes code without being part of it, and keeps nothing alive. */
export function isDebugSection(name: string): boolean {
  return name.startsWith('.debug_');
}
