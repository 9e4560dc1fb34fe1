/**
 * Known stack usage of a function.
 *
 * Follows the frame pointer through copies and constant additions, in a straight line from label to label.
 * Unknown accesses are ignored, so the result is a lower bound: a limit that it exceeds is exceeded.
 */

import { jumpTargets } from './blocks.ts';
import { classOf, endsPath, hasSourceRegister, isAlu, operationOf, writtenRegister } from './def-use.ts';
import { helperArguments } from './helper-arguments.ts';
import * as isa from './opcodes.ts';

const FRAME_POINTER = 10;
const REGISTERS = 11;
const ARGUMENTS = 5;

/** Bytes below the frame pointer that the code reaches, as far as that is plain to see. */
export function stackDepth(code: isa.CodeView): number {
  const targets = jumpTargets(code);
  let known = freshOffsets();
  let depth = 0;
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (targets[insnIndex] === 1) known = freshOffsets();
    const insn = code.at(insnIndex);
    depth = Math.max(depth, reachOf(insn, known));
    if (endsPath(insn.opcode)) known = freshOffsets();
    else follow(insn, known);
  }
  return depth;
}

/** Register → offset from the frame pointer, undefined where it holds something else or unknown. */
type Offsets = (number | undefined)[];

function freshOffsets(): Offsets {
  const offsets: Offsets = new Array(REGISTERS).fill(undefined);
  offsets[FRAME_POINTER] = 0;
  return offsets;
}

/** Bytes below the frame pointer that one instruction accesses or passes to a call. */
function reachOf(insn: isa.Insn, known: Offsets): number {
  switch (classOf(insn.opcode)) {
    case isa.BPF_LDX:
      return below(known[insn.src], insn.offset);
    case isa.BPF_ST:
    case isa.BPF_STX:
      return below(known[insn.dst], insn.offset);
    default:
      return insn.opcode === isa.OP_CALL ? passed(insn, known) : 0;
  }
}

/** What is left in registers that a helper does not read is not passed to it. */
function passed({ src, imm }: isa.Insn, known: Offsets): number {
  const count = (src === 0 ? helperArguments(imm) : undefined) ?? ARGUMENTS;
  return Math.max(0, ...known.slice(1, count + 1).map(offset => below(offset, 0)));
}

function below(offset: number | undefined, displacement: number): number {
  return offset === undefined ? 0 : Math.max(0, -(offset + displacement));
}

function follow(insn: isa.Insn, known: Offsets): void {
  const written = writtenRegister(insn);
  if (written >= 0) known[written] = isAlu(insn.opcode) ? computed(insn, known) : undefined;
  if (insn.opcode === isa.OP_CALL || (classOf(insn.opcode) === isa.BPF_LD && insn.opcode !== isa.OP_LD_IMM64))
    known.fill(undefined, 0, ARGUMENTS + 1);
}

function computed(insn: isa.Insn, known: Offsets): number | undefined {
  if (classOf(insn.opcode) !== isa.BPF_ALU64) return undefined;
  const operation = operationOf(insn.opcode);
  const fromRegister = hasSourceRegister(insn.opcode);
  if (operation === isa.BPF_MOV) return fromRegister && insn.offset === 0 ? known[insn.src] : undefined;
  const before = known[insn.dst];
  if (before === undefined || fromRegister) return undefined;
  if (operation === isa.BPF_ADD) return before + insn.imm;
  return operation === isa.BPF_SUB ? before - insn.imm : undefined;
}
