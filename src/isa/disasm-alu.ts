/** Arithmetic, moves and byte swaps as text. */

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

const ALU_OPERATORS: ReadonlyMap<number, string> = new Map([
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
  const wide = (insn.opcode & 0x07) === BPF_ALU64;
  const letter = wide ? 'r' : 'w';
  const operation = insn.opcode & 0xf0;
  const usesRegister = (insn.opcode & BPF_X) !== 0;
  if (operation === BPF_END) return formatByteSwap(insn, wide, usesRegister);
  if (usesRegister ? insn.imm !== 0 && operation !== BPF_MOV : insn.src !== 0) return undefined;
  const target = `${letter}${insn.dst}`;
  if (operation === BPF_NEG) {
    return usesRegister || insn.offset !== 0 || insn.imm !== 0 ? undefined : `${target} = -${target}`;
  }
  if (operation === BPF_MOV) return formatMove(insn, wide, usesRegister);
  const operator = ALU_OPERATORS.get(operation);
  if (operator === undefined) return undefined;
  const operand = usesRegister ? `${letter}${insn.src}` : `${insn.imm}`;
  const divides = operation === BPF_DIV || operation === BPF_MOD;
  if (insn.offset === 1 && divides) return `${target} s${operator} ${operand}`;
  return insn.offset === 0 ? `${target} ${operator} ${operand}` : undefined;
}

function formatMove(insn: Insn, wide: boolean, usesRegister: boolean): string | undefined {
  const letter = wide ? 'r' : 'w';
  const target = `${letter}${insn.dst}`;
  if (!usesRegister) return insn.offset === 0 ? `${target} = ${insn.imm}` : undefined;
  if (insn.offset === 1 && wide) {
    return `${target} = addr_space_cast(r${insn.src}, ${insn.imm >>> 16}, ${insn.imm & 0xffff})`;
  }
  if (insn.imm !== 0) return undefined;
  switch (insn.offset) {
    case 0:
      return `${target} = ${letter}${insn.src}`;
    case 8:
    case 16:
      return `${target} = (s${insn.offset})${letter}${insn.src}`;
    case 32:
      return wide ? `${target} = (s32)${letter}${insn.src}` : undefined;
    default:
      return undefined;
  }
}

/** In the 32-bit class to little or big endian, in the 64-bit class unconditional. */
function formatByteSwap(insn: Insn, wide: boolean, toBig: boolean): string | undefined {
  const { imm, dst } = insn;
  if ((imm !== 16 && imm !== 32 && imm !== 64) || insn.src !== 0 || insn.offset !== 0) return undefined;
  if (wide && toBig) return undefined;
  const name = wide ? 'bswap' : toBig ? 'be' : 'le';
  return `r${dst} = ${name}${imm} r${dst}`;
}
