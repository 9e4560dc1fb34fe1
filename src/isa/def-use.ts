/**
 * What one instruction reads and writes, registers and memory, and where it jumps.
 *
 * The only place that knows it for every opcode. It takes the fields of an instruction and allocates nothing,
 * since analyses call it for every instruction. Calls are not decided here beyond their registers: r1 to r5
 * are read as far as the callee has parameters, r0 is the result, r1 to r5 are lost.
 *
 * Source: RFC 9669; Linux kernel/bpf/verifier.c (is_reg64, check_alu_op, check_atomic).
 */

import * as isa from './opcodes.ts';

const CLASS_MASK = 0x07;
const OPERATION_MASK = 0xf0;
const MODE_MASK = 0xe0;
const SIZE_MASK = 0x18;

/** The instruction class: the low three bits of the opcode. */
export function classOf(opcode: number): number {
  return opcode & CLASS_MASK;
}

/** The operation of an ALU or jump instruction: the top four bits of the opcode. */
export function operationOf(opcode: number): number {
  return opcode & OPERATION_MASK;
}

/** The addressing mode of an instruction of the classes LD, LDX, ST and STX: the top three bits of the opcode. */
export function modeOf(opcode: number): number {
  return opcode & MODE_MASK;
}

/** Bytes that an instruction of these classes moves. */
export function accessSize(opcode: number): 1 | 2 | 4 | 8 {
  switch (opcode & SIZE_MASK) {
    case isa.BPF_W:
      return 4;
    case isa.BPF_H:
      return 2;
    case isa.BPF_B:
      return 1;
    default:
      return 8;
  }
}

/** Arithmetic, moves and byte swaps of both widths. */
export function isAlu(opcode: number): boolean {
  const insnClass = opcode & CLASS_MASK;
  return insnClass === isa.BPF_ALU64 || insnClass === isa.BPF_ALU;
}

/** Moves of a register or a number: sign extension and casts of address spaces among them. */
export function isMove(opcode: number): boolean {
  return isAlu(opcode) && (opcode & OPERATION_MASK) === isa.BPF_MOV;
}

/** Whether an ALU or jump instruction has a register as second operand, and not a number. */
export function hasSourceRegister(opcode: number): boolean {
  return (opcode & isa.BPF_X) !== 0 && (!isAlu(opcode) || (opcode & OPERATION_MASK) !== isa.BPF_END);
}

/** Atomic operations, load-acquire and store-release among them. */
export function isAtomic(opcode: number): boolean {
  return (opcode & CLASS_MASK) === isa.BPF_STX && (opcode & MODE_MASK) === isa.BPF_ATOMIC;
}

/** Whether the class is one of jumps: calls and `exit` are in it too. */
export function isJumpClass(opcode: number): boolean {
  const insnClass = opcode & CLASS_MASK;
  return insnClass === isa.BPF_JMP || insnClass === isa.BPF_JMP32;
}

/** `goto` and `gotol`, which go to their target in any case. */
export function isGoto(opcode: number): boolean {
  return opcode === isa.OP_JA || opcode === isa.OP_JA32;
}

/** Whether the instruction goes to the target that its offset names: a comparison, a `goto`, `may_goto`. */
export function hasJumpTarget(opcode: number): boolean {
  return isBranch(opcode) || isGoto(opcode) || opcode === isa.OP_JCOND;
}

/** Whether the instruction ends a block: a jump of any kind, or `exit`. Calls do not. */
export function isJump(opcode: number): boolean {
  return hasJumpTarget(opcode) || opcode === isa.OP_EXIT || opcode === isa.OP_GOTOX;
}

/** Whether control never gets to the next instruction. */
export function endsPath(opcode: number): boolean {
  return isGoto(opcode) || opcode === isa.OP_EXIT || opcode === isa.OP_GOTOX;
}

/** Slot that the jump at `insnIndex` goes to, of those that `hasJumpTarget`. It may be outside of the code. */
export function jumpTarget(code: isa.CodeView, insnIndex: number): number {
  const distance = code.opcode(insnIndex) === isa.OP_JA32 ? code.imm(insnIndex) : code.offset(insnIndex);
  return insnIndex + 1 + distance;
}

/** A jump that compares: it has two successors. */
export function isBranch(opcode: number): boolean {
  if (!isJumpClass(opcode)) return false;
  const operation = opcode & OPERATION_MASK;
  return (
    (operation >= isa.BPF_JEQ && operation <= isa.BPF_JSGE) ||
    (operation >= isa.BPF_JLT && operation <= isa.BPF_JSLE)
  );
}

/** Loads from memory: `ldx`, and load-acquire, which is encoded as an atomic operation. */
export function isLoad(insn: isa.Insn): boolean {
  return (insn.opcode & CLASS_MASK) === isa.BPF_LDX || isAcquire(insn);
}

/** Instructions that write memory: stores and atomic operations. */
export function isStore(insn: isa.Insn): boolean {
  const insnClass = insn.opcode & CLASS_MASK;
  return insnClass === isa.BPF_ST || (insnClass === isa.BPF_STX && !isAcquire(insn));
}

function isAcquire({ opcode, imm }: isa.Insn): boolean {
  return isAtomic(opcode) && imm === isa.BPF_LOAD_ACQ;
}

/** The register that the instruction writes; -1 for none. A call writes r0, and leaves r1 to r5 undefined. */
export function writtenRegister(insn: isa.Insn): number {
  const { opcode } = insn;
  switch (opcode & CLASS_MASK) {
    case isa.BPF_ALU:
    case isa.BPF_ALU64:
    case isa.BPF_LDX:
      return insn.dst;
    case isa.BPF_LD:
      return opcode === isa.OP_LD_IMM64 ? insn.dst : 0;
    case isa.BPF_STX:
      return isAtomic(opcode) ? fetchedRegister(insn) : -1;
    case isa.BPF_JMP:
      return opcode === isa.OP_CALL || opcode === isa.OP_CALLX ? 0 : -1;
    default:
      return -1;
  }
}

function fetchedRegister({ imm, dst, src }: isa.Insn): number {
  if (imm === isa.BPF_CMPXCHG) return 0;
  if (imm === isa.BPF_LOAD_ACQ) return dst;
  if (imm === isa.BPF_STORE_REL) return -1;
  return (imm & isa.BPF_FETCH) !== 0 ? src : -1;
}

/** Whether the instruction reads its `dst` register. */
export function readsDst(insn: isa.Insn): boolean {
  const { opcode } = insn;
  switch (opcode & CLASS_MASK) {
    case isa.BPF_ALU:
    case isa.BPF_ALU64:
      return (opcode & OPERATION_MASK) !== isa.BPF_MOV;
    case isa.BPF_ST:
      return true;
    case isa.BPF_STX:
      return !isAcquire(insn);
    case isa.BPF_JMP:
    case isa.BPF_JMP32:
      return isBranch(opcode) || opcode === isa.OP_CALLX || opcode === isa.OP_GOTOX;
    default:
      return false;
  }
}

/** Whether the instruction reads its `src` register. In other instructions the field may say something else. */
export function readsSrc({ opcode }: isa.Insn): boolean {
  switch (opcode & CLASS_MASK) {
    case isa.BPF_ALU:
    case isa.BPF_ALU64:
      return hasSourceRegister(opcode);
    case isa.BPF_LDX:
    case isa.BPF_STX:
      return true;
    case isa.BPF_LD:
      return (opcode & MODE_MASK) === isa.BPF_IND;
    case isa.BPF_JMP:
    case isa.BPF_JMP32:
      return isBranch(opcode) && (opcode & isa.BPF_X) !== 0;
    default:
      return false;
  }
}

/** Whether the instruction reads r0, which it does not name: compare-and-exchange and `exit`. */
export function readsR0({ opcode, imm }: isa.Insn): boolean {
  return opcode === isa.OP_EXIT || (isAtomic(opcode) && imm === isa.BPF_CMPXCHG);
}

/** Whether the instruction reads r6, which it does not name: the packet accesses of classic BPF. */
export function readsR6({ opcode }: isa.Insn): boolean {
  return (opcode & CLASS_MASK) === isa.BPF_LD && opcode !== isa.OP_LD_IMM64;
}

/**
 * Whether leaving the instruction out changes nothing but its register: arithmetic, moves, numbers, and plain
 * loads (a load that the verifier accepts does not fault).
 */
export function hasNoEffect(insn: isa.Insn): boolean {
  const { opcode } = insn;
  return isAlu(opcode) || opcode === isa.OP_LD_IMM64 || (opcode & CLASS_MASK) === isa.BPF_LDX;
}

const INVERSES: ReadonlyMap<number, number> = new Map(
  [
    [isa.BPF_JEQ, isa.BPF_JNE],
    [isa.BPF_JGT, isa.BPF_JLE],
    [isa.BPF_JGE, isa.BPF_JLT],
    [isa.BPF_JSGT, isa.BPF_JSLE],
    [isa.BPF_JSGE, isa.BPF_JSLT],
  ].flatMap(([one = 0, other = 0]) => [
    [one, other],
    [other, one],
  ]),
);

/** The branch that is taken where this one is not; undefined for `jset`, which has none. */
export function invertedBranch(opcode: number): number | undefined {
  const inverse = INVERSES.get(opcode & OPERATION_MASK);
  return inverse === undefined ? undefined : (opcode & ~OPERATION_MASK) | inverse;
}
