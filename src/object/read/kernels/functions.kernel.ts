/** The references of one function: its relocations, then the calls that are resolved already. */

import { R_BPF_64_32, R_BPF_64_64 } from '../../../elf/constants.ts';
import { REL } from '../../../elf/fields.ts';
import { REFERENCE_KIND } from '../../../image/codes.ts';
import { getWord } from '../../../image/get.kernel.ts';
import { ATOM, REFERENCE, SHELL, UNIT } from '../../../image/layout.ts';
import { byte, copy, setWord, word } from '../../../image/memory.ts';
import { putWord } from '../../../image/put.kernel.ts';
import {
  BPF_CALL,
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  OP_CALL,
  OP_EXIT,
  OP_GOTOX,
  OP_JA32,
  OP_LD_IMM64,
} from '../../../isa/opcodes.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { atomCovering } from './atoms.kernel.ts';
import { distanceOf, setSource, sourceOf } from './instruction.kernel.ts';
import { READER } from './reader.ts';
import { addReference } from './rows.kernel.ts';
import { refuse, room, state } from './state.kernel.ts';
import { addressTarget, callTarget } from './target.kernel.ts';

/** Slots: no section of code has more bytes than 31 bits count. */
const FAR = 1 << 28;

/** Reads the relocations from `first` to `end`, then the instructions. */
export function readFunction(unit: number, atom: number, first: number, end: number): number {
  for (let record = first; record < end; record = record + REL.words) readRelocation(unit, atom, record);
  const relocated = word(word(ATOM.referenceCount) + atom);
  const done = scanCode(unit, atom, relocated);
  if (relocated !== 0 && word(word(ATOM.referenceCount) + atom) !== relocated)
    mergeReferences(atom, relocated);
  return done;
}

// --- relocations --------------------------------------------------------------------------------------------------

function readRelocation(unit: number, atom: number, record: number): number {
  const offset = word(record);
  const type = word(record + REL.type);
  const place = (offset - word(word(ATOM.offset) + atom)) >> 3;
  const insn = word(word(ATOM.at) + atom) + (place << 3);
  const opcode = byte(insn);
  const symbol = word(word(UNIT.symbols) + unit) + word(record + REL.symbol);
  if (type === R_BPF_64_32 && opcode === OP_CALL) return readCall(unit, atom, offset, place, symbol);
  if (type === R_BPF_64_64 && opcode === OP_LD_IMM64) return readAddress(unit, atom, offset, place, symbol);
  if (place > 0 && byte(insn - 8) === OP_LD_IMM64)
    return refuse(OBJECT_FAULT.relocationHalf, unit, atom, offset, type, 0, 0);
  return refuse(OBJECT_FAULT.relocationOpcode, unit, atom, offset, type, opcode, 0);
}

function readCall(unit: number, atom: number, offset: number, place: number, symbol: number): number {
  const order = word(word(UNIT.order) + unit);
  const insn = word(word(ATOM.at) + atom) + (place << 3);
  if (sourceOf(insn, order) !== BPF_PSEUDO_CALL)
    return refuse(OBJECT_FAULT.relocationHelper, unit, atom, offset, R_BPF_64_32, 0, 0);
  const imm = getWord(insn + 4, order);
  // (imm + 1) * 8 in two words
  const next = (imm + 1) | 0;
  const high = next < imm ? 4 : next >> 29;
  const target = callTarget(unit, atom, offset, symbol, next << 3, high);
  if (target === 0) return 0;
  addReference(atom, REFERENCE_KIND.call, place, target, 0, 0);
  return clearCall(insn, order);
}

/** imm -1 and the pseudo source are what compilers write for a call to be resolved. */
function clearCall(insn: number, order: number): number {
  putWord(insn + 4, -1, order);
  setSource(insn, order, BPF_PSEUDO_CALL);
  return insn;
}

/** LLVM writes the lower half only; GNU writes 64 bits, which for what is in a section say no more. */
function readAddress(unit: number, atom: number, offset: number, place: number, symbol: number): number {
  if (checkSecondHalf(unit, atom, place + 1, OBJECT_FAULT.secondHalf) === 0) return 0;
  const order = word(word(UNIT.order) + unit);
  const insn = word(word(ATOM.at) + atom) + (place << 3);
  const low = getWord(insn + 4, order);
  const high = getWord(insn + 12, order);
  if (high !== 0 && (high !== -1 || low >= 0))
    return refuse(OBJECT_FAULT.addressAddend, unit, atom, place, 0, 0, 0);
  const target = addressTarget(unit, atom, offset, symbol, low, low >> 31);
  if (target === 0) return 0;
  addReference(atom, REFERENCE_KIND.address, place, target, state(READER.addend), state(READER.high));
  putWord(insn + 4, 0, order);
  putWord(insn + 12, 0, order);
  return target;
}

/** The opcode of the second half of ld_imm64 is 0. Any other value could be mistaken for an instruction. */
function checkSecondHalf(unit: number, atom: number, place: number, code: number): number {
  const size = word(word(ATOM.size) + atom);
  const opcode = place << 3 >= size ? -1 : byte(word(word(ATOM.at) + atom) + (place << 3));
  return opcode === 0 ? 1 : refuse(code, unit, atom, place - 1, opcode, 0, 0);
}

// --- instructions -------------------------------------------------------------------------------------------------

/**
 * Calls inside a section need no relocation; their imm counts from the next instruction. The first `relocated`
 * references of the function come from relocations and are in order. Returns 0, with a fault, where it ends early.
 */
function scanCode(unit: number, atom: number, relocated: number): number {
  const order = word(word(UNIT.order) + unit);
  const at = word(word(ATOM.at) + atom);
  const length = word(word(ATOM.size) + atom) >>> 3;
  const first = word(word(ATOM.references) + atom);
  let next = 0;
  for (let place = 0; place < length; place = place + 1) {
    const insn = at + (place << 3);
    const opcode = byte(insn);
    if (opcode === OP_LD_IMM64) {
      place = place + 1;
      if (checkSecondHalf(unit, atom, place, OBJECT_FAULT.cutInsn) === 0) return 0;
    } else if (opcode === OP_CALL) {
      if (sourceOf(insn, order) !== BPF_PSEUDO_CALL) continue;
      while (next < relocated && word(word(REFERENCE.place) + first + next) < place) next = next + 1;
      if (next < relocated && word(word(REFERENCE.place) + first + next) === place) continue;
      if (readResolvedCall(unit, atom, place, order) === 0) return 0;
    } else if ((opcode & 7) === BPF_JMP || (opcode & 7) === BPF_JMP32) checkJump(unit, atom, place, order);
  }
  return 1;
}

function readResolvedCall(unit: number, atom: number, place: number, order: number): number {
  const insn = word(word(ATOM.at) + atom) + (place << 3);
  const imm = getWord(insn + 4, order);
  if (imm >= FAR || imm < 0 - FAR) return refuse(OBJECT_FAULT.calleeNowhere, unit, atom, place, 0, 0, 0);
  const start = word(word(ATOM.offset) + atom);
  const slot = (start >> 3) + place + 1 + imm;
  const own = slot >= start >> 3 && slot < (start + word(word(ATOM.size) + atom)) >> 3;
  const section = word(word(SHELL.section) + word(word(ATOM.shell) + atom));
  let callee = own ? atom : 0;
  if (!own && slot >= 0 && slot < FAR) callee = atomCovering(section, slot << 3);
  if (callee === 0) return refuse(OBJECT_FAULT.calleeNowhere, unit, atom, place, 0, 0, 0);
  const distance = (slot << 3) - word(word(ATOM.offset) + callee);
  if (distance !== 0) return refuse(OBJECT_FAULT.calleeInside, unit, atom, place, callee, distance, 0);
  addReference(atom, REFERENCE_KIND.call, place, callee, 0, 0);
  return clearCall(insn, order);
}

/** A jump out of its function could not follow when functions move. */
function checkJump(unit: number, atom: number, place: number, order: number): number {
  const insn = word(word(ATOM.at) + atom) + (place << 3);
  const opcode = byte(insn);
  if (opcode === OP_EXIT || opcode === OP_GOTOX || (opcode & 0xf0) === BPF_CALL) return 1;
  const distance = opcode === OP_JA32 ? getWord(insn + 4, order) : distanceOf(insn, order);
  const target = (place + 1 + distance) | 0;
  if (target >= 0 && target < word(word(ATOM.size) + atom) >>> 3) return 1;
  return refuse(OBJECT_FAULT.jumpOutside, unit, atom, place, 0, 0, 0);
}

// --- order --------------------------------------------------------------------------------------------------------

/** Puts the references of a function in order: the first `relocated` are in order, and so are those after them. */
function mergeReferences(atom: number, relocated: number): number {
  const first = word(word(ATOM.references) + atom);
  const end = first + word(word(ATOM.referenceCount) + atom);
  const places = word(REFERENCE.place);
  if (word(places + first + relocated - 1) < word(places + first + relocated)) return end;
  const saved = room(READER.scratch, Math.imul(relocated, REFERENCE.width));
  for (let column = 0; column < REFERENCE.width; column = column + 1)
    copy(
      (saved + Math.imul(column, relocated)) << 2,
      (word(REFERENCE.first + column) + first) << 2,
      relocated << 2,
    );
  const savedPlaces = saved + Math.imul(REFERENCE.place - REFERENCE.first, relocated);
  let left = 0;
  let right = first + relocated;
  for (let row = first; left < relocated; row = row + 1) {
    if (right < end && word(places + right) < word(savedPlaces + left)) {
      moveRow(row, word(REFERENCE.first) + right, word(REFERENCE.first + 1) - word(REFERENCE.first));
      right = right + 1;
    } else {
      moveRow(row, saved + left, relocated);
      left = left + 1;
    }
  }
  return end;
}

/** Sets a row of REFERENCE to words that are `stride` apart. */
function moveRow(row: number, from: number, stride: number): number {
  for (let column = 0; column < REFERENCE.width; column = column + 1)
    setWord(word(REFERENCE.first + column) + row, word(from + Math.imul(column, stride)));
  return row;
}
