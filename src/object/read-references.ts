/**
 * Relocations, and calls that the compiler resolved inside one section, become references between atoms.
 *
 * REL keeps addends in place: a call holds `target / 8 - 1`, `ld_imm64` the byte offset in the imm of its first slot,
 * data the offset in 4 or 8 bytes. They are taken out and cleared, so that equal atoms have equal bytes.
 */

import { inputError, quote } from '../diag/index.ts';
import type { ElfFile, ElfRelocation, ElfSymbol } from '../elf/index.ts';
import {
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  CodeView,
  INSN_SIZE,
  OP_CALL,
  OP_EXIT,
  OP_GOTOX,
  OP_JA32,
  OP_LD_IMM64,
} from '../isa/index.ts';
import { isDebugSection } from './model.ts';
import { addendInData } from './read-addend.ts';
import { type AtomDraft, type AtomTable, atomCovering, draftAt, type SectionAtoms } from './read-draft.ts';

const R_BPF_64_64 = 1;
const R_BPF_64_ABS64 = 2;
const R_BPF_64_ABS32 = 3;
const R_BPF_64_32 = 10;
const STT_SECTION = 3;

export function readReferences(elf: ElfFile, table: AtomTable): void {
  for (const section of table.bySection.values()) {
    const relocations = elf.relocations.get(section.elfSection) ?? [];
    const ordered = isSorted(relocations)
      ? relocations
      : [...relocations].sort((a, b) => a.offset - b.offset);
    refuseDuplicates(ordered, section);
    for (const relocation of ordered) readRelocation({ elf, table, section }, relocation);
    if (section.role === 'code') readResolvedCalls(elf, table, section);
  }
}

interface Context {
  readonly elf: ElfFile;
  readonly table: AtomTable;
  readonly section: SectionAtoms;
}

function isSorted(relocations: readonly ElfRelocation[]): boolean {
  return relocations.every(
    (relocation, index) => index === 0 || (relocations[index - 1]?.offset ?? 0) <= relocation.offset,
  );
}

function refuseDuplicates(ordered: readonly ElfRelocation[], section: SectionAtoms): void {
  for (let index = 1; index < ordered.length; index++) {
    const offset = ordered[index]?.offset ?? 0;
    if (ordered[index - 1]?.offset !== offset) continue;
    throw inputError(
      'object-relocation-duplicate',
      [`section ${quote(section.name)}`],
      'two relocations apply to one place',
      { offset },
    );
  }
}

function readRelocation(context: Context, relocation: ElfRelocation): void {
  const { table, section } = context;
  const index = atomCovering(table, section, relocation.offset);
  const atom = index < 0 ? undefined : draftAt(table, index);
  if (atom === undefined || relocation.offset >= atom.offset + atom.size) {
    if (section.role === 'code') return; // a hole: nobody can run it
    throw inputError(
      'object-relocation-place',
      [`section ${quote(section.name)}`],
      'a relocation applies to no variable',
      { offset: relocation.offset },
    );
  }
  if (section.role === 'code') readCodeRelocation(context, atom, relocation);
  else readDataRelocation(context, atom, relocation);
}

// --- code ---------------------------------------------------------------------------------------------------------

function readCodeRelocation(context: Context, atom: AtomDraft, relocation: ElfRelocation): void {
  const code = new CodeView(atom.bytes ?? new Uint8Array(0), context.elf.byteOrder);
  const byteOffset = relocation.offset - atom.offset;
  const insnIndex = byteOffset / INSN_SIZE;
  const opcode = code.opcode(insnIndex);
  const where = codePlace(context, atom, insnIndex);
  if (relocation.type === R_BPF_64_32 && opcode === OP_CALL) {
    const addend = (code.imm(insnIndex) + 1) * INSN_SIZE;
    const target = resolveTarget(context, relocation, addend, where);
    atom.codeReferences.push({ insnIndex, kind: 'call', ...target });
    clearCall(code, insnIndex);
    return;
  }
  if (relocation.type === R_BPF_64_64 && opcode === OP_LD_IMM64 && insnIndex + 1 < code.length) {
    const target = resolveTarget(context, relocation, code.imm(insnIndex), where);
    atom.codeReferences.push({ insnIndex, kind: 'address', ...target });
    code.setImm(insnIndex, 0);
    code.setImm(insnIndex + 1, 0);
    return;
  }
  throw inputError(
    'object-relocation-insn',
    where,
    `relocation type ${relocation.type} does not fit opcode 0x${opcode.toString(16)}`,
    { offset: relocation.offset },
  );
}

/** imm -1 and the pseudo source are what compilers write for a call to be resolved. */
function clearCall(code: CodeView, insnIndex: number): void {
  code.setImm(insnIndex, -1);
  code.setSrc(insnIndex, BPF_PSEUDO_CALL);
}

function codePlace(context: Context, atom: AtomDraft, insnIndex: number): readonly string[] {
  return [`section ${quote(context.section.name)}`, `function ${quote(atom.name)}`, `insn ${insnIndex}`];
}

interface Target {
  readonly symbol: number;
  readonly addend: number;
}

function resolveTarget(
  context: Context,
  relocation: ElfRelocation,
  addend: number,
  where: readonly string[],
): Target {
  const { elf, table } = context;
  const symbol = elf.symbols[relocation.symbol];
  if (symbol === undefined || relocation.symbol === 0) {
    throw inputError('object-relocation-symbol', where, 'the relocation names no symbol', {
      offset: relocation.offset,
    });
  }
  const atom = table.ofElfSymbol[relocation.symbol] ?? -1;
  if (atom >= 0) return { symbol: atom, addend };
  return resolveByAddress(
    context,
    symbol,
    symbol.type === STT_SECTION ? addend : symbol.value + addend,
    where,
  );
}

function resolveByAddress(
  context: Context,
  symbol: ElfSymbol,
  offset: number,
  where: readonly string[],
): Target {
  const section = context.table.bySection.get(symbol.section);
  const named = quote(symbol.name === '' ? (context.elf.sections[symbol.section]?.name ?? '') : symbol.name);
  if (section === undefined) {
    throw inputError(
      'object-reference-dropped',
      where,
      `refers to ${named}, which is not part of the program`,
    );
  }
  const index = atomCovering(context.table, section, offset);
  if (index < 0) {
    throw inputError(
      'object-reference-nowhere',
      where,
      `refers to offset ${offset} of ${quote(section.name)}, where nothing is defined`,
    );
  }
  return { symbol: index, addend: offset - draftAt(context.table, index).offset };
}

/** Calls inside a section need no relocation; their imm counts from the next instruction. */
function readResolvedCalls(elf: ElfFile, table: AtomTable, section: SectionAtoms): void {
  for (const index of section.members) scanFunction({ elf, table, section }, draftAt(table, index), index);
}

function scanFunction(context: Context, atom: AtomDraft, index: number): void {
  const bytes = atom.bytes ?? new Uint8Array(0);
  const code = new CodeView(bytes, context.elf.byteOrder);
  const relocated = new Set(atom.codeReferences.map(reference => reference.insnIndex));
  const found = atom.codeReferences.length;
  for (let insnIndex = 0; insnIndex < code.length; insnIndex++) {
    const opcode = bytes[insnIndex * INSN_SIZE] ?? 0;
    const insnClass = opcode & 7;
    if (opcode === OP_LD_IMM64) {
      if (insnIndex + 1 >= code.length)
        throw inputError(
          'object-insn-cut',
          codePlace(context, atom, insnIndex),
          'ld_imm64 is cut in half by the end of the function',
        );
      insnIndex++;
    } else if (opcode === OP_CALL) {
      if (code.src(insnIndex) === BPF_PSEUDO_CALL && !relocated.has(insnIndex))
        readResolvedCall(context, atom, index, code, insnIndex);
    } else if (insnClass === BPF_JMP || insnClass === BPF_JMP32) checkJump(context, atom, code, insnIndex);
  }
  if (atom.codeReferences.length !== found) atom.codeReferences.sort((a, b) => a.insnIndex - b.insnIndex);
}

function readResolvedCall(
  context: Context,
  atom: AtomDraft,
  index: number,
  code: CodeView,
  insnIndex: number,
): void {
  const { table, section } = context;
  const target = atom.offset + (insnIndex + 1 + code.imm(insnIndex)) * INSN_SIZE;
  const callee =
    target >= atom.offset && target < atom.offset + atom.size ? index : atomCovering(table, section, target);
  if (callee < 0 || target >= draftAt(table, callee).offset + draftAt(table, callee).size) {
    throw inputError(
      'object-call-nowhere',
      codePlace(context, atom, insnIndex),
      `calls offset ${target} of its section, where no function is`,
    );
  }
  atom.codeReferences.push({
    insnIndex,
    kind: 'call',
    symbol: callee,
    addend: target - draftAt(table, callee).offset,
  });
  clearCall(code, insnIndex);
}

/** A jump out of its function could not follow when functions move. */
function checkJump(context: Context, atom: AtomDraft, code: CodeView, insnIndex: number): void {
  const opcode = code.opcode(insnIndex);
  if (opcode === OP_EXIT || opcode === OP_GOTOX || (opcode & 0xf0) === 0x80) return;
  const target = insnIndex + 1 + (opcode === OP_JA32 ? code.imm(insnIndex) : code.offset(insnIndex));
  if (target >= 0 && target < code.length) return;
  throw inputError(
    'object-jump-outside',
    codePlace(context, atom, insnIndex),
    `jumps to instruction ${target} of a function of ${code.length}`,
  );
}

// --- data ---------------------------------------------------------------------------------------------------------

function readDataRelocation(context: Context, atom: AtomDraft, relocation: ElfRelocation): void {
  const where = [`section ${quote(context.section.name)}`, quote(atom.name)];
  const width = widthOf(relocation);
  const offset = relocation.offset - atom.offset;
  if (width === undefined || atom.bytes === null || offset + width > atom.size) {
    throw inputError(
      'object-relocation-data',
      where,
      `relocation type ${relocation.type} does not fit its place`,
      { offset: relocation.offset },
    );
  }
  const addend = addendInData(atom.bytes, offset, width, context.elf.byteOrder);
  atom.bytes.fill(0, offset, offset + width);
  // DWARF also describes code that is not there any more: such a place stays 0
  if (isDebugSection(context.section.name) && !isReachable(context, relocation, addend)) return;
  const target = resolveTarget(context, relocation, addend, where);
  atom.dataReferences.push({ kind: 'address', offset, width, ...target });
}

function isReachable(context: Context, relocation: ElfRelocation, addend: number): boolean {
  if ((context.table.ofElfSymbol[relocation.symbol] ?? -1) >= 0) return true;
  const symbol = context.elf.symbols[relocation.symbol];
  const section = symbol === undefined ? undefined : context.table.bySection.get(symbol.section);
  if (symbol === undefined || section === undefined) return false;
  return (
    atomCovering(context.table, section, symbol.type === STT_SECTION ? addend : symbol.value + addend) >= 0
  );
}

/** R_BPF_64_64 in data is how clang before 13 wrote ABS64. */
function widthOf(relocation: ElfRelocation): 4 | 8 | undefined {
  switch (relocation.type) {
    case R_BPF_64_ABS64:
    case R_BPF_64_64:
      return 8;
    case R_BPF_64_ABS32:
      return 4;
    default:
      return undefined;
  }
}
