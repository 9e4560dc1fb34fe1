/**
 * What a relocation refers to: the atom, and how far into it.
 *
 * Symbols of atoms refer to the atom. Section symbols and labels are addresses: they refer to the atom that
 * covers them. A call must refer to the start of a function, and an address must be within its atom. This
 * also detects the output of the assembler of binutils 2.40, which adds the symbol's value to the addend.
 */

import { noElement } from '../../bytes/index.ts';
import { counted, inputError, quote, type RootletError } from '../../diag/index.ts';
import { type ElfFile, type ElfRelocation, type ElfSymbol, STT_SECTION } from '../../elf/index.ts';
import { type AtomDraft, type AtomTable, atomCovering, draftAt, type SectionAtoms } from './draft.ts';

/** The section whose relocations are read. */
export interface ReferenceContext {
  readonly elf: ElfFile;
  readonly table: AtomTable;
  readonly section: SectionAtoms;
}

/** A location for messages; formatted only for a problem. */
export type Place = () => readonly string[];

export interface Target {
  /** Index of the draft. */
  readonly symbol: number;
  /** Bytes from its start. */
  readonly addend: number;
}

/** What a relocation in data refers to; its addend may point anywhere. */
export function dataTarget(
  context: ReferenceContext,
  relocation: ElfRelocation,
  addend: number,
  where: Place,
): Target {
  return resolveTarget(context, relocation, addend, where);
}

/** The function that a relocated call calls. */
export function callTarget(
  context: ReferenceContext,
  relocation: ElfRelocation,
  addend: number,
  where: Place,
): Target {
  const target = resolveTarget(context, relocation, addend, where);
  const draft = draftAt(context.table, target.symbol);
  if (draft.kind !== 'function' && draft.kind !== 'extern')
    throw inputError('object-call-data', where(), `calls ${quote(draft.name)}, which is not a function`);
  if (target.addend === 0) return target;
  if (isNamed(context, relocation)) throw addendError(draft, `calls byte ${target.addend} of`, where);
  throw callError(draft, target.addend, where());
}

/** For a call that goes `distance` bytes after the start of a function: no loader supports such calls. */
export function callError(draft: AtomDraft, distance: number, where: readonly string[]): RootletError {
  if (distance < draft.size) {
    const message = `calls byte ${distance} of function ${quote(draft.name)} instead of its start`;
    return inputError('object-call-inside', where, message);
  }
  const message = `calls offset ${draft.offset + distance} of its section, where no function is`;
  return inputError('object-call-nowhere', where, message);
}

/** The atom whose address a relocated `ld_imm64` loads. */
export function addressTarget(
  context: ReferenceContext,
  relocation: ElfRelocation,
  addend: number,
  where: Place,
): Target {
  const target = resolveTarget(context, relocation, addend, where);
  const draft = draftAt(context.table, target.symbol);
  if (target.addend === 0 || (draft.kind === 'extern' && target.addend > 0)) return target;
  // One past the end of an array is a valid address in C; functions and maps are only referenced as a whole.
  const inside = draft.kind === 'variable' && target.addend > 0 && target.addend <= draft.size;
  if (!inside) throw addendError(draft, `loads the address of byte ${target.addend} of`, where);
  return target;
}

function addendError(draft: AtomDraft, doing: string, where: Place): RootletError {
  const size = draft.kind === 'extern' ? '' : `, which has ${counted(draft.size, 'byte')}`;
  return inputError('object-addend', where(), `${doing} ${draft.kind} ${quote(draft.name)}${size}`, {
    hint: 'the assembler of binutils 2.40 counts the value of symbols twice: use a newer one, or clang',
  });
}

/** Does the relocation name the atom itself, not its section? */
function isNamed(context: ReferenceContext, relocation: ElfRelocation): boolean {
  return context.elf.symbols[relocation.symbol]?.type !== STT_SECTION;
}

function resolveTarget(
  context: ReferenceContext,
  relocation: ElfRelocation,
  addend: number,
  where: Place,
): Target {
  const { elf, table } = context;
  const symbol = elf.symbols[relocation.symbol];
  if (symbol === undefined || relocation.symbol === 0) {
    throw inputError('object-relocation-symbol', where(), 'the relocation names no symbol', {
      offset: relocation.offset,
    });
  }
  const atom = table.ofElfSymbol[relocation.symbol] ?? noElement(table.ofElfSymbol, relocation.symbol);
  if (atom >= 0) return { symbol: atom, addend };
  return resolveByAddress(context, symbol, addressOf(symbol, addend), where);
}

function addressOf(symbol: ElfSymbol, addend: number): number {
  return symbol.type === STT_SECTION ? addend : symbol.value + addend;
}

function resolveByAddress(
  context: ReferenceContext,
  symbol: ElfSymbol,
  offset: number,
  where: Place,
): Target {
  const section = context.table.bySection.get(symbol.section);
  if (section === undefined) {
    const named = quote(
      symbol.name === '' ? (context.elf.sections[symbol.section]?.name ?? '') : symbol.name,
    );
    throw inputError(
      'object-reference-dropped',
      where(),
      `refers to ${named}, which is not part of the program`,
    );
  }
  const index = atomCovering(context.table, section, offset);
  if (index < 0) {
    throw inputError(
      'object-reference-nowhere',
      where(),
      `refers to offset ${offset} of ${quote(section.name)}, where nothing is defined`,
    );
  }
  return { symbol: index, addend: offset - draftAt(context.table, index).offset };
}

/** Does the relocation lead to an atom at all? DWARF also describes discarded code. */
export function isReachable(context: ReferenceContext, relocation: ElfRelocation, addend: number): boolean {
  if ((context.table.ofElfSymbol[relocation.symbol] ?? -1) >= 0) return true;
  const symbol = context.elf.symbols[relocation.symbol];
  const section = symbol === undefined ? undefined : context.table.bySection.get(symbol.section);
  if (symbol === undefined || section === undefined) return false;
  return atomCovering(context.table, section, addressOf(symbol, addend)) >= 0;
}
