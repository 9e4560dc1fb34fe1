/**
 * Instructions as text, in the C-like syntax that the kernel's verifier, LLVM and the BPF documents share,
 * with LLVM's spelling where they differ (`w2 = xchg32_32(r1 + 0, w2)`), decimal numbers, and registers
 * written `r` in loads and stores of every width, as the verifier does.
 *
 * Knows RFC 9669 (versions 1 to 4) and what Linux has added: may_goto, address space casts, load-acquire and
 * store-release, indirect jumps. An encoding with a field that the instruction does not have is not that
 * instruction: it prints as unknown with all its fields, so nothing is hidden.
 */

import { classOf } from './def-use.ts';
import { formatAlu } from './disasm-alu.ts';
import { formatJump, signed } from './disasm-jump.ts';
import { formatLegacyLoad, formatLoad, formatStore, formatStoreImmediate } from './disasm-memory.ts';
import { fieldProblem, secondSlotProblem } from './encodings.ts';
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_LD,
  BPF_LDX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_ST,
  BPF_STX,
  type CodeView,
  type Insn,
  OP_LD_IMM64,
} from './opcodes.ts';

/** An instruction as text. */
export interface DisassembledInsn {
  /** Slot of the instruction. */
  readonly insnIndex: number;
  /** Slots that it takes: 2 for `ld_imm64`. */
  readonly width: 1 | 2;
  readonly text: string;
}

/**
 * All instructions in order. Never throws: what is not an instruction is shown as such. `symbolAt`: what the
 * call or `ld_imm64` at a slot refers to, shown instead of its number.
 */
export function disassemble(
  code: CodeView,
  options: { readonly symbolAt?: (insnIndex: number) => string | undefined } = {},
): DisassembledInsn[] {
  const result: DisassembledInsn[] = [];
  for (let insnIndex = 0; insnIndex < code.length; ) {
    const insn = disassembleAt(code, insnIndex, options.symbolAt?.(insnIndex));
    result.push(insn);
    insnIndex += insn.width;
  }
  return result;
}

/** The instruction that starts at `insnIndex`, with `symbol` as the name of what it refers to. */
export function disassembleAt(code: CodeView, insnIndex: number, symbol?: string): DisassembledInsn {
  const insn = code.at(insnIndex);
  const isWide = insn.opcode === OP_LD_IMM64 && insnIndex + 1 < code.length;
  if (isWide) {
    const second = code.at(insnIndex + 1);
    const wrong = fieldProblem(insn) ?? secondSlotProblem(second);
    const named = second.opcode === 0 && wrong === undefined;
    const text = named ? loadImm64(insn, second, symbol) : undefined;
    return text === undefined ? { insnIndex, width: 1, text: unknown(insn) } : { insnIndex, width: 2, text };
  }
  return { insnIndex, width: 1, text: formatInsn(insn, symbol) ?? unknown(insn) };
}

function unknown(insn: Insn): string {
  const { opcode, dst, src, offset, imm } = insn;
  return `unknown opcode 0x${opcode.toString(16).padStart(2, '0')} (dst ${dst}, src ${src}, offset ${offset}, imm ${imm})`;
}

function loadImm64(insn: Insn, second: Insn, symbol: string | undefined): string | undefined {
  const value = loadedValue(insn, second, symbol);
  return value === undefined ? undefined : `r${insn.dst} = ${value} ll`;
}

function loadedValue(insn: Insn, second: Insn, symbol: string | undefined): string | undefined {
  if (symbol !== undefined) return symbol;
  switch (insn.src) {
    case 0:
      return hex64(insn.imm, second.imm);
    case BPF_PSEUDO_MAP_FD:
      return `map_fd(${insn.imm})`;
    case BPF_PSEUDO_MAP_VALUE:
      return `map_fd(${insn.imm})[0] + ${second.imm}`;
    case BPF_PSEUDO_BTF_ID:
      return second.imm === 0 ? `btf_id(${insn.imm})` : `btf_id(${insn.imm}, module_fd ${second.imm})`;
    case BPF_PSEUDO_FUNC:
      return `func(pc${signed(insn.imm)})`;
    case BPF_PSEUDO_MAP_IDX:
      return `map_idx(${insn.imm})`;
    case BPF_PSEUDO_MAP_IDX_VALUE:
      return `map_idx(${insn.imm})[0] + ${second.imm}`;
    default:
      return undefined;
  }
}

function hex64(low: number, high: number): string {
  const value = (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(low));
  return `0x${value.toString(16)}`;
}

/** Text of a one-slot instruction, undefined when it is none. */
function formatInsn(insn: Insn, symbol: string | undefined): string | undefined {
  if (fieldProblem(insn) !== undefined) return undefined;
  switch (classOf(insn.opcode)) {
    case BPF_LD:
      return formatLegacyLoad(insn);
    case BPF_LDX:
      return formatLoad(insn);
    case BPF_ST:
      return formatStoreImmediate(insn);
    case BPF_STX:
      return formatStore(insn);
    case BPF_ALU:
    case BPF_ALU64:
      return formatAlu(insn);
    default:
      return formatJump(insn, symbol);
  }
}
