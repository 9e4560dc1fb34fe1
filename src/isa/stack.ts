/**
 * Known stack usage of a function.
 *
 * Follows the frame pointer through copies and constant additions, in a straight line from label to label.
 * Unknown accesses are ignored, so the result is a lower bound: a limit that it exceeds is exceeded.
 */

import * as isa from './opcodes.ts';

const FRAME_POINTER = 10;
const REGISTERS = 11;

/** Bytes below the frame pointer that the code reaches, as far as that is plain to see. */
export function stackDepth(code: isa.CodeView): number {
  const targets = jumpTargets(code);
  let known = freshOffsets();
  let depth = 0;
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (targets.has(insnIndex)) known = freshOffsets();
    const insn = code.at(insnIndex);
    depth = Math.max(depth, reachOf(insn, known));
    if (endsBlock(insn.opcode)) known = freshOffsets();
    else follow(insn, known);
  }
  return depth;
}

/** What follows is reached from elsewhere, perhaps through a jump table. */
function endsBlock(opcode: number): boolean {
  return opcode === isa.OP_JA || opcode === isa.OP_JA32 || opcode === isa.OP_GOTOX || opcode === isa.OP_EXIT;
}

/** Register → offset from the frame pointer, undefined where it holds something else or unknown. */
type Offsets = (number | undefined)[];

function freshOffsets(): Offsets {
  const offsets: Offsets = new Array(REGISTERS).fill(undefined);
  offsets[FRAME_POINTER] = 0;
  return offsets;
}

function jumpTargets(code: isa.CodeView): Set<number> {
  const targets = new Set<number>();
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    const opcode = code.opcode(insnIndex);
    const insnClass = opcode & 7;
    if (insnClass !== isa.BPF_JMP && insnClass !== isa.BPF_JMP32) continue;
    if ((opcode & 0xf0) === isa.BPF_CALL || opcode === isa.OP_EXIT) continue;
    targets.add(insnIndex + 1 + (opcode === isa.OP_JA32 ? code.imm(insnIndex) : code.offset(insnIndex)));
  }
  return targets;
}

/** Bytes below the frame pointer that one instruction accesses or passes to a call. */
function reachOf(insn: isa.Insn, known: Offsets): number {
  switch (insn.opcode & 7) {
    case isa.BPF_LDX:
      return below(known[insn.src], insn.offset);
    case isa.BPF_ST:
    case isa.BPF_STX:
      return below(known[insn.dst], insn.offset);
    case isa.BPF_JMP:
      return insn.opcode === isa.OP_CALL ? Math.max(...known.slice(1, 6).map(offset => below(offset, 0))) : 0;
    default:
      return 0;
  }
}

function below(offset: number | undefined, displacement: number): number {
  return offset === undefined ? 0 : Math.max(0, -(offset + displacement));
}

function follow(insn: isa.Insn, known: Offsets): void {
  const insnClass = insn.opcode & 7;
  if (insnClass === isa.BPF_ALU64 || insnClass === isa.BPF_ALU) {
    known[insn.dst] = insnClass === isa.BPF_ALU64 ? computed(insn, known) : undefined;
  } else if (insnClass === isa.BPF_LDX || insnClass === isa.BPF_LD) {
    known[insn.dst] = undefined;
  } else if (insn.opcode === isa.OP_CALL) {
    for (let register = 0; register <= 5; register++) known[register] = undefined;
  }
}

function computed(insn: isa.Insn, known: Offsets): number | undefined {
  const operation = insn.opcode & 0xf0;
  const fromRegister = (insn.opcode & isa.BPF_X) !== 0;
  if (operation === isa.BPF_MOV) return fromRegister && insn.offset === 0 ? known[insn.src] : undefined;
  const before = known[insn.dst];
  if (before === undefined || fromRegister) return undefined;
  if (operation === isa.BPF_ADD) return before + insn.imm;
  return operation === isa.BPF_SUB ? before - insn.imm : undefined;
}
