/** Arithmetic, moves and byte swaps as text. */

import { classOf, operationOf } from './def-use.ts';
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_X,
  BPF_XOR,
  type Insn,
} from './opcodes.ts';

/** Operation to operator. */
export const ALU_OPERATORS: ReadonlyMap<number, string> = new Map([
  [BPF_ADD, '+='],
  [BPF_SUB, '-='],
  [BPF_MUL, '*='],
  [BPF_DIV, '/='],
  [BPF_OR, '|='],
  [BPF_AND, '&='],
  [BPF_LSH, '<<='],
  [BPF_RSH, '>>='],
  [BPF_MOD, '%='],
  [BPF_XOR, '^='],
  [BPF_ARSH, 's>>='],
]);

/** Text of an instruction of the classes ALU and ALU64, undefined when it is none. */
export function formatAlu(insn: Insn): string | undefined {
  const wide = classOf(insn.opcode) === BPF_ALU64;
  const letter = wide ? 'r' : 'w';
  const operation = operationOf(insn.opcode);
  const usesRegister = (insn.opcode & BPF_X) !== 0;
  if (operation === BPF_END) return formatByteSwap(insn, wide, usesRegister);
  const target = `${letter}${insn.dst}`;
  if (operation === BPF_NEG) {
    return usesRegister ? undefined : `${target} = -${target}`;
  }
  if (operation === BPF_MOV) return formatMove(insn, wide, usesRegister);
  const operator = ALU_OPERATORS.get(operation);
  if (operator === undefined) return undefined;
  const operand = usesRegister ? `${letter}${insn.src}` : `${insn.imm}`;
  return `${target} ${insn.offset === 1 ? 's' : ''}${operator} ${operand}`;
}

function formatMove(insn: Insn, wide: boolean, usesRegister: boolean): string {
  const letter = wide ? 'r' : 'w';
  const target = `${letter}${insn.dst}`;
  if (!usesRegister) return `${target} = ${insn.imm}`;
  if (insn.offset === 1 && wide) {
    return `${target} = addr_space_cast(r${insn.src}, ${insn.imm >>> 16}, ${insn.imm & 0xffff})`;
  }
  const sign = insn.offset === 0 ? '' : `(s${insn.offset})`;
  return `${target} = ${sign}${letter}${insn.src}`;
}

/** In the 32-bit class to little or big endian, in the 64-bit class unconditional. */
function formatByteSwap(insn: Insn, wide: boolean, toBig: boolean): string | undefined {
  const { imm, dst } = insn;
  if (wide && toBig) return undefined;
  const name = wide ? 'bswap' : toBig ? 'be' : 'le';
  return `r${dst} = ${name}${imm} r${dst}`;
}
