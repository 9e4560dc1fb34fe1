/** Jumps, calls and exit as text. */

import { classOf, operationOf } from './def-use.ts';
import { helperName } from './helpers.ts';
import {
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JCOND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JMP32,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_X,
  type Insn,
} from './opcodes.ts';

/** With its sign before it also when positive, as jump distances are written. */
export function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

/** Comparison to operator. */
export const JUMP_OPERATORS: ReadonlyMap<number, string> = new Map([
  [BPF_JEQ, '=='],
  [BPF_JGT, '>'],
  [BPF_JGE, '>='],
  [BPF_JSET, '&'],
  [BPF_JNE, '!='],
  [BPF_JSGT, 's>'],
  [BPF_JSGE, 's>='],
  [BPF_JLT, '<'],
  [BPF_JLE, '<='],
  [BPF_JSLT, 's<'],
  [BPF_JSLE, 's<='],
]);

/** Text of an instruction of the classes JMP and JMP32, undefined when it is none. */
export function formatJump(insn: Insn, symbol: string | undefined): string | undefined {
  const operator = JUMP_OPERATORS.get(operationOf(insn.opcode));
  if (operator === undefined) return formatControl(insn, symbol);
  const letter = classOf(insn.opcode) === BPF_JMP ? 'r' : 'w';
  const usesRegister = (insn.opcode & BPF_X) !== 0;
  const operand = usesRegister ? `${letter}${insn.src}` : `${insn.imm}`;
  return `if ${letter}${insn.dst} ${operator} ${operand} goto ${signed(insn.offset)}`;
}

/** Jumps without a comparison, calls and exit: each has its own opcode and uses only some fields. */
function formatControl(insn: Insn, symbol: string | undefined): string | undefined {
  const { opcode, dst, offset, imm } = insn;
  switch (opcode) {
    case BPF_JMP | BPF_JA:
      return `goto ${signed(offset)}`;
    case BPF_JMP32 | BPF_JA:
      return `gotol ${signed(imm)}`;
    case BPF_JMP | BPF_JA | BPF_X:
      return `gotox r${dst}`;
    case BPF_JMP | BPF_JCOND:
      return `may_goto ${signed(offset)}`;
    case BPF_JMP | BPF_CALL:
      return formatCall(insn, symbol);
    case BPF_JMP | BPF_CALL | BPF_X:
      return `callx r${dst}`;
    case BPF_JMP | BPF_EXIT:
      return offset === 0 ? 'exit' : undefined;
    default:
      return undefined;
  }
}

function formatCall(insn: Insn, symbol: string | undefined): string {
  const { src, offset, imm } = insn;
  if (src === BPF_PSEUDO_KFUNC_CALL) {
    const target = symbol ?? `kernel-function#${imm}`;
    return offset === 0 ? `call ${target}` : `call ${target} of module ${offset}`;
  }
  if (src === BPF_PSEUDO_CALL) return `call ${symbol ?? `pc${signed(imm)}`}`;
  return `call ${symbol ?? `${helperName(imm) ?? 'unknown'}#${imm}`}`;
}
