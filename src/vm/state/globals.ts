/**
 * Global variables: every data section becomes one region, laid out as a loader would, and a map of one
 * element that shows its variables by name. Values for `.kconfig` externs come from the options.
 */

import { type Btf, type BtfId, sizeOfType, skipModifiers } from '../../btf/index.ts';
import { alignUp, encodeText } from '../../bytes/index.ts';
import { inputError, type Problem, quote, RootletError, within } from '../../diag/index.ts';
import {
  aliasesOf,
  type BpfObject,
  type ExternSymbol,
  JUMP_TABLES,
  kconfigTypeOf,
  kconfigValue,
  layoutSections,
  type MapDefinition,
  plainDefinition,
  type SectionLayout,
  type SymbolIndex,
  type VariableSymbol,
} from '../../object/index.ts';
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, INSN_SIZE } from '../../uapi/index.ts';
import type { LayoutBuilder } from './layout.ts';
import type { MachineMemory } from './memory.ts';

/** One variable inside of a section's region. */
export interface GlobalVariable {
  readonly name: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
  /** VAR type, 0 when there is none. */
  readonly btfId: BtfId;
}

export interface GlobalSection {
  /** Name of the section. */
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly readOnly: boolean;
  readonly variables: readonly GlobalVariable[];
}

export interface Globals {
  readonly sections: readonly GlobalSection[];
  /** Addresses of variables and of `.kconfig` externs. */
  readonly addresses: ReadonlyMap<SymbolIndex, number>;
}

/** Sections of data that are not variables of the program. */
const NOT_VARIABLES = new Set(['license', 'version']);
const KCONFIG = '.kconfig';

export function placeGlobals(object: BpfObject, layout: LayoutBuilder): Globals {
  const addresses = new Map<SymbolIndex, number>();
  const sections: GlobalSection[] = [];
  for (const placed of layoutSections(object).sections) {
    const { atoms, size } = placed;
    const shell = object.sections[placed.section];
    if (shell === undefined || shell.role !== 'data' || size === 0 || NOT_VARIABLES.has(shell.name)) continue;
    const address = addRegion(layout, shell.name, size, shell.align);
    for (const { symbol, offset } of atoms) addresses.set(symbol, address + offset);
    const variables = variablesOfSection(object, placed);
    const readOnly = shell.name.startsWith('.rodata') || shell.name === JUMP_TABLES;
    sections.push({ name: shell.name, address, size, readOnly, variables });
  }
  for (const [owner, aliases] of aliasesOf(object)) {
    const address = addresses.get(owner);
    if (address !== undefined) for (const alias of aliases) addresses.set(alias, address);
  }
  const kconfig = placeKconfig(object, layout, addresses);
  return { sections: kconfig === undefined ? sections : [...sections, kconfig], addresses };
}

export function variablesOfSection(object: BpfObject, { atoms }: SectionLayout): GlobalVariable[] {
  return atoms.flatMap(({ symbol, offset }) => {
    const variable = object.symbols[symbol];
    if (variable?.kind !== 'variable') return [];
    return [{ name: variable.name, offset, size: variable.size, btfId: variable.btfId }];
  });
}

function addRegion(layout: LayoutBuilder, name: string, size: number, align: number): number {
  return layout.add(`global variables ${quote(name)}`, size, { stable: true }, Math.max(align, 64));
}

/** `.kconfig` externs, each at a multiple of 8. */
function placeKconfig(
  object: BpfObject,
  layout: LayoutBuilder,
  addresses: Map<SymbolIndex, number>,
): GlobalSection | undefined {
  const variables: (GlobalVariable & { readonly symbol: SymbolIndex })[] = [];
  let size = 0;
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind !== 'extern' || symbol.section !== KCONFIG || object.btf === null) return;
    const bytes = sizeOfType(object.btf, symbol.btfId);
    variables.push({ symbol: index, name: symbol.name, offset: size, size: bytes, btfId: symbol.btfId });
    size = alignUp(size + bytes, 8);
  });
  if (variables.length === 0) return undefined;
  const address = addRegion(layout, KCONFIG, size, 8);
  for (const { symbol, offset } of variables) addresses.set(symbol, address + offset);
  return { name: KCONFIG, address, size, readOnly: true, variables };
}

/** A section as the map that a loader would make of it. */
export function definitionOfSection(name: string, size: number, readOnly: boolean): MapDefinition {
  const sizes = { type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: size, maxEntries: 1 };
  return { ...plainDefinition({ name, ...sizes }), flags: readOnly ? BPF_F_RDONLY_PROG : 0 };
}

/** Address of what a symbol names; undefined when it has none. */
export type SymbolAddress = (symbol: SymbolIndex) => number | undefined;

/** Writes the initial values, with pointers between variables filled in. */
export function fillGlobals(
  object: BpfObject,
  globals: Globals,
  memory: MachineMemory,
  addressOf: SymbolAddress,
  numberOf: (symbol: SymbolIndex) => number,
): void {
  for (const [symbol, address] of globals.addresses) {
    const variable = object.symbols[symbol];
    if (variable?.kind !== 'variable' || variable.bytes === null) continue;
    memory.bytes.set(variable.bytes, address);
    fillReferences(variable, address, memory, addressOf);
    fillEntries(variable, address, memory, numberOf);
  }
}

function fillReferences(
  variable: VariableSymbol,
  address: number,
  memory: MachineMemory,
  addressOf: SymbolAddress,
): void {
  for (const reference of variable.references) {
    const target = addressOf(reference.symbol);
    if (target === undefined || reference.kind !== 'address') continue;
    const at = address + reference.offset;
    if (reference.width === 8) memory.setU64(at, BigInt(target + reference.addend));
    else memory.setU32(at, target + reference.addend);
  }
}

/** Value of an entry of a jump table, which is known only to this machine. */
export function jumpEntry(functionNumber: number, slot: number): bigint {
  return (BigInt(functionNumber + 1) << 32n) | BigInt(slot);
}

function fillEntries(
  variable: VariableSymbol,
  address: number,
  memory: MachineMemory,
  numberOf: (symbol: SymbolIndex) => number,
): void {
  for (const { kind, symbol, offset, addend } of variable.references) {
    if (kind === 'code-offset')
      memory.setU64(address + offset, jumpEntry(numberOf(symbol), addend / INSN_SIZE));
  }
}

/**
 * Values of `.kconfig` externs: numbers, or text as in a kernel's configuration file (`y`, `n`, `m`,
 * `"string"`).
 */
export type Kconfig = ReadonlyMap<string, bigint | string>;

/** Defaults: those that libbpf itself provides, for a 6.12 kernel. */
const VIRTUAL: Kconfig = new Map([
  ['LINUX_KERNEL_VERSION', 0x060c00n],
  ['LINUX_HAS_BPF_COOKIE', 1n],
  ['LINUX_HAS_SYSCALL_WRAPPER', 1n],
]);

/** Writes the values of the `.kconfig` externs that are used. Throws all that are missing or do not fit. */
export function fillKconfig(
  object: BpfObject,
  globals: Globals,
  memory: MachineMemory,
  given: Kconfig,
  isUsed: (symbol: SymbolIndex) => boolean,
): void {
  const problems: Problem[] = [];
  for (const [symbol, address] of globals.addresses) {
    const extern = object.symbols[symbol];
    if (extern?.kind !== 'extern' || object.btf === null || !isUsed(symbol)) continue;
    try {
      fillOne(object.btf, object.name, extern, address, memory, given);
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new RootletError(problems);
}

function fillOne(
  btf: Btf,
  objectName: string,
  extern: ExternSymbol,
  address: number,
  memory: MachineMemory,
  given: Kconfig,
): void {
  const value = given.get(extern.name) ?? VIRTUAL.get(extern.name);
  const where = [objectName, `extern ${quote(extern.name)}`];
  if (value === undefined) {
    if (extern.binding === 'weak') return;
    throw inputError('vm-kconfig-missing', where, 'has no value', {
      hint: `the machine has no kernel: --kconfig FILE with a line ${extern.name}=VALUE gives it, or declare it __weak`,
    });
  }
  const size = sizeOfType(btf, extern.btfId);
  const type = kconfigTypeOf(btf, typeOfVariable(btf, extern.btfId));
  if (typeof value === 'string' && type !== undefined && CONFIG_TEXT.test(value)) {
    const bytes = within(objectName, () => kconfigValue(extern.name, type, value, memory.order));
    memory.bytes.set(bytes, address);
    return;
  }
  if (typeof value === 'string' && isText(btf, extern.btfId)) {
    const text = encodeText(value.replaceAll('"', '')).subarray(0, size - 1);
    memory.bytes.set(text, address);
    return;
  }
  const number = typeof value === 'bigint' ? value : numberOf(value);
  if (number === undefined || size > 8 || BigInt.asUintN(size * 8, number) !== BigInt.asUintN(64, number)) {
    throw inputError('vm-kconfig-value', where, `cannot hold ${String(value)}`);
  }
  writeNumber(memory, address, size, number);
}

function writeNumber(memory: MachineMemory, address: number, size: number, value: bigint): void {
  const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  memory.bytes.set(memory.order === 'little' ? bytes : bytes.reverse(), address);
}

/** `y`, `n` and `m` as enum libbpf_tristate, or a number in C's notation. */
function numberOf(text: string): bigint | undefined {
  if (text === 'n') return 0n;
  if (text === 'y') return 1n;
  if (text === 'm') return 2n;
  try {
    return BigInt(text);
  } catch {
    return undefined;
  }
}

/** What a configuration file may have after `CONFIG_X=`. */
const CONFIG_TEXT = /^(?:[ynm]$|"|-?[0-9])/;

function typeOfVariable(btf: Btf, id: BtfId): BtfId {
  const variable = btf.type(id);
  return variable.kind === 'var' ? variable.type : id;
}

function isText(btf: Btf, id: BtfId): boolean {
  const type = btf.type(skipModifiers(btf, typeOfVariable(btf, id)));
  return type.kind === 'array';
}
