/**
 * Relocations, and calls that the compiler resolved inside one section, become references between atoms.
 *
 * REL keeps addends in place: a call holds `target / 8 - 1`, `ld_imm64` the byte offset in the imm of its
 * first slot, data the offset in 4 or 8 bytes. They are taken out and cleared, so that equal atoms have equal
 * bytes.
 */

import { elementAt, noElement } from '../../bytes/index.ts';
import { inputError, quote, type RootletError } from '../../diag/index.ts';
import {
  type ElfFile,
  type ElfRelocation,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
} from '../../elf/index.ts';
import {
  BPF_CALL,
  BPF_PSEUDO_CALL,
  CodeView,
  isJumpClass,
  jumpTarget,
  OP_CALL,
  OP_EXIT,
  OP_GOTOX,
  OP_LD_IMM64,
  operationOf,
} from '../../isa/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { isDebugSection } from '../model/index.ts';
import { addendInData } from './addend.ts';
import { type AtomDraft, type AtomTable, atomCovering, draftAt, type SectionAtoms } from './draft.ts';
import {
  addressTarget,
  callError,
  callTarget,
  dataTarget,
  isReachable,
  type Place,
  type ReferenceContext,
} from './target.ts';

export function readReferences(elf: ElfFile, table: AtomTable): void {
  for (const section of table.bySection.values()) {
    const relocations = elf.relocations.get(section.elfSection) ?? [];
    const ordered = isSorted(relocations)
      ? relocations
      : [...relocations].sort((a, b) => a.offset - b.offset);
    table.attempt(() => refuseDuplicates(ordered, section));
    const context = { elf, table, section };
    if (section.role === 'code') readCode(context, ordered);
    else for (const relocation of ordered) table.attempt(() => readDataRelocation(context, relocation));
  }
}

function isSorted(relocations: readonly ElfRelocation[]): boolean {
  return relocations.every(
    (relocation, index) => index === 0 || elementAt(relocations, index - 1).offset <= relocation.offset,
  );
}

/** Nor may they overlap: the addend of the second would be what the first left there. */
function refuseDuplicates(ordered: readonly ElfRelocation[], section: SectionAtoms): void {
  let end = 0;
  for (const relocation of ordered) {
    const { offset } = relocation;
    if (offset < end) {
      throw inputError(
        'object-relocation-duplicate',
        [`section ${quote(section.name)}`],
        'two relocations apply to one place',
        { offset },
      );
    }
    end = offset + (section.role === 'code' ? INSN_SIZE : (widthOf(relocation) ?? 0));
  }
}

// --- code ---------------------------------------------------------------------------------------------------------

/** A function whose references are read. */
interface FunctionContext extends ReferenceContext {
  readonly atom: AtomDraft;
  readonly index: number;
  readonly code: CodeView;
}

/**
 * Functions and relocations both come in order of offset. A relocation in a hole is skipped: it cannot be
 * executed.
 */
function readCode(context: ReferenceContext, ordered: readonly ElfRelocation[]): void {
  const { elf, table, section } = context;
  let next = 0;
  for (const index of section.members) {
    const atom = draftAt(table, index);
    const code = new CodeView(atom.bytes ?? NO_BYTES, elf.byteOrder);
    const unit: FunctionContext = { elf, table, section, atom, index, code };
    while ((ordered[next]?.offset ?? Number.POSITIVE_INFINITY) < atom.offset) next++;
    for (
      let one = ordered[next];
      one !== undefined && one.offset < atom.offset + atom.size;
      one = ordered[next]
    ) {
      const relocation = one;
      table.attempt(() => readCodeRelocation(unit, relocation));
      next++;
    }
    table.attemptIn(atom, () => scanFunction(unit));
  }
}

const NO_BYTES = new Uint8Array(0);

function readCodeRelocation(unit: FunctionContext, relocation: ElfRelocation): void {
  const { atom, code } = unit;
  const insnIndex = (relocation.offset - atom.offset) / INSN_SIZE;
  const opcode = code.opcode(insnIndex);
  const where = (): readonly string[] => codePlace(unit, insnIndex);
  if (relocation.type === R_BPF_64_32 && opcode === OP_CALL) {
    if (code.src(insnIndex) !== BPF_PSEUDO_CALL)
      throw placeError(relocation, where, 'calls a helper by number');
    const distance = (code.imm(insnIndex) + 1) * INSN_SIZE;
    const { symbol, addend } = callTarget(unit, relocation, distance, where);
    atom.codeReferences.push({ insnIndex, kind: 'call', symbol, addend });
    clearCall(code, insnIndex);
    return;
  }
  if (relocation.type === R_BPF_64_64 && opcode === OP_LD_IMM64) {
    checkSecondHalf(unit, insnIndex + 1);
    const distance = addendOfAddress(code, insnIndex, where);
    const { symbol, addend } = addressTarget(unit, relocation, distance, where);
    atom.codeReferences.push({ insnIndex, kind: 'address', symbol, addend });
    code.setImm(insnIndex, 0);
    code.setImm(insnIndex + 1, 0);
    return;
  }
  const half = insnIndex > 0 && code.opcode(insnIndex - 1) === OP_LD_IMM64;
  throw placeError(relocation, where, half ? SECOND_HALF : `has opcode 0x${opcode.toString(16)}`);
}

const SECOND_HALF = 'is the second half of ld_imm64';

function placeError(relocation: ElfRelocation, where: Place, why: string): RootletError {
  return inputError(
    'object-relocation-insn',
    where(),
    `${why}, which a relocation of type ${relocation.type} does not fit`,
    { offset: relocation.offset },
  );
}

/** LLVM writes the lower half only; GNU writes 64 bits, which for what is in a section say no more. */
function addendOfAddress(code: CodeView, insnIndex: number, where: Place): number {
  const [low, high] = [code.imm(insnIndex), code.imm(insnIndex + 1)];
  if (high === 0 || (high === -1 && low < 0)) return low;
  throw inputError('object-addend', where(), `loads an address with the addend ${code.imm64(insnIndex)}`);
}

/** imm -1 and the pseudo source are what compilers write for a call to be resolved. */
function clearCall(code: CodeView, insnIndex: number): void {
  code.setImm(insnIndex, -1);
  code.setSrc(insnIndex, BPF_PSEUDO_CALL);
}

function codePlace({ section, atom }: FunctionContext, insnIndex: number): readonly string[] {
  return [`section ${quote(section.name)}`, `function ${quote(atom.name)}`, `insn ${insnIndex}`];
}

/** Calls inside a section need no relocation; their imm counts from the next instruction. */
function scanFunction(unit: FunctionContext): void {
  const { atom, code } = unit;
  const found = atom.codeReferences.length;
  let relocated = 0; // those that come from relocations are in order
  for (let insnIndex = 0; insnIndex < code.length; insnIndex++) {
    const opcode = code.opcode(insnIndex);
    if (opcode === OP_LD_IMM64) {
      insnIndex++;
      checkSecondHalf(unit, insnIndex);
    } else if (opcode === OP_CALL) {
      while (
        relocated < found &&
        (atom.codeReferences[relocated] ?? noElement(atom.codeReferences, relocated)).insnIndex < insnIndex
      )
        relocated++;
      const isRelocated = relocated < found && atom.codeReferences[relocated]?.insnIndex === insnIndex;
      if (code.src(insnIndex) === BPF_PSEUDO_CALL && !isRelocated) readResolvedCall(unit, insnIndex);
    } else if (isJumpClass(opcode)) checkJump(unit, insnIndex);
  }
  if (atom.codeReferences.length !== found) atom.codeReferences.sort((a, b) => a.insnIndex - b.insnIndex);
}

/** Its opcode is 0. Any other value could be mistaken for an instruction. */
function checkSecondHalf(unit: FunctionContext, insnIndex: number): void {
  const opcode = unit.code.bytes[insnIndex * INSN_SIZE];
  if (opcode === 0) return;
  const message =
    opcode === undefined
      ? 'ld_imm64 is cut in half by the end of the function'
      : `ld_imm64 has the opcode 0x${opcode.toString(16)} in its second half`;
  throw inputError('object-insn-cut', codePlace(unit, insnIndex - 1), message);
}

function readResolvedCall(unit: FunctionContext, insnIndex: number): void {
  const { table, section, atom, index, code } = unit;
  const target = atom.offset + (insnIndex + 1 + code.imm(insnIndex)) * INSN_SIZE;
  const callee =
    target >= atom.offset && target < atom.offset + atom.size ? index : atomCovering(table, section, target);
  if (callee < 0) {
    throw inputError(
      'object-call-nowhere',
      codePlace(unit, insnIndex),
      `calls offset ${target} of its section, where no function is`,
    );
  }
  const called = draftAt(table, callee);
  if (target !== called.offset) throw callError(called, target - called.offset, codePlace(unit, insnIndex));
  atom.codeReferences.push({ insnIndex, kind: 'call', symbol: callee, addend: 0 });
  clearCall(code, insnIndex);
}

/** A jump out of its function could not follow when functions move. */
function checkJump(unit: FunctionContext, insnIndex: number): void {
  const { code } = unit;
  const opcode = code.opcode(insnIndex);
  if (opcode === OP_EXIT || opcode === OP_GOTOX || operationOf(opcode) === BPF_CALL) return;
  const target = jumpTarget(code, insnIndex);
  if (target >= 0 && target < code.length) return;
  unit.table.attemptIn(unit.atom, () => {
    throw inputError(
      'object-jump-outside',
      codePlace(unit, insnIndex),
      `jumps to instruction ${target} of a function of ${code.length}`,
    );
  });
}

// --- data ---------------------------------------------------------------------------------------------------------

function readDataRelocation(context: ReferenceContext, relocation: ElfRelocation): void {
  const atom = variableAt(context, relocation);
  const where = (): readonly string[] => [`section ${quote(context.section.name)}`, quote(atom.name)];
  const width = widthOf(relocation);
  const offset = relocation.offset - atom.offset;
  if (width === undefined || atom.bytes === null || offset + width > atom.size) {
    throw inputError(
      'object-relocation-data',
      where(),
      `relocation type ${relocation.type} does not fit its place`,
      { offset: relocation.offset },
    );
  }
  const distance = addendInData(atom.bytes, offset, width, { order: context.elf.byteOrder, where });
  atom.bytes.fill(0, offset, offset + width);
  // DWARF also describes discarded code: such a place stays 0
  if (isDebugSection(context.section.name) && !isReachable(context, relocation, distance)) return;
  const { symbol, addend } = dataTarget(context, relocation, distance, where);
  atom.dataReferences.push({ kind: 'address', offset, width, symbol, addend });
}

function variableAt({ table, section }: ReferenceContext, relocation: ElfRelocation): AtomDraft {
  const index = atomCovering(table, section, relocation.offset);
  const atom = index < 0 ? undefined : draftAt(table, index);
  if (atom !== undefined && relocation.offset < atom.offset + atom.size) return atom;
  throw inputError(
    'object-relocation-place',
    [`section ${quote(section.name)}`],
    'a relocation does not apply to a variable',
    { offset: relocation.offset },
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
