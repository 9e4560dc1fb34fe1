/**
 * Instructions that no program may have. As in the kernel, fields of loads and of `ld_imm64` are judged
 * before anything runs, and all others only where a run comes.
 */

import {
  BPF_LDX,
  type CodeView,
  classOf,
  fieldProblem,
  formatFieldProblem,
  type Insn,
  OP_LD_IMM64,
  secondSlotProblem,
  writtenRegister,
} from '../../../isa/index.ts';

/** The frame pointer. */
const LAST_REGISTER = 10;

export interface Malformed {
  readonly code: 'vm-register' | 'vm-reserved-field';
  readonly message: string;
  /** Refused although no run may come there. */
  readonly always: boolean;
}

/** What is wrong with the instruction at `slot`; undefined when nothing is. */
export function malformed(code: CodeView, slot: number): Malformed | undefined {
  const insn = code.at(slot);
  const message = registerMessage(insn);
  if (message !== undefined) return { code: 'vm-register', message, always: false };
  const wide = insn.opcode === OP_LD_IMM64;
  const second = wide ? secondSlot(code, slot) : undefined;
  const problem = second ?? fieldProblem(insn);
  if (problem === undefined) return undefined;
  const text = `instruction 0x${insn.opcode.toString(16).padStart(2, '0')}: ${formatFieldProblem(problem)}`;
  const always =
    second !== undefined || (wide && problem.field === 'src') || classOf(insn.opcode) === BPF_LDX;
  return { code: 'vm-reserved-field', message: text, always };
}

function secondSlot(code: CodeView, slot: number): ReturnType<typeof secondSlotProblem> {
  return slot + 1 < code.length ? secondSlotProblem(code.at(slot + 1)) : undefined;
}

function registerMessage(insn: Insn): string | undefined {
  const highest = Math.max(insn.dst, insn.src);
  if (highest > LAST_REGISTER) return `there is no register r${highest}`;
  return writtenRegister(insn) === LAST_REGISTER ? 'writes r10, which is read-only' : undefined;
}
