/**
 * Instructions as text, in the C-like syntax that the kernel's verifier, LLVM and the BPF documents share, with LLVM's
 * spelling where they differ (`w2 = xchg32_32(r1 + 0, w2)`), decimal numbers, and registers written `r` in loads and
 * stores of every width, as the verifier does.
 *
 * Knows RFC 9669 (versions 1 to 4) and what Linux has added: may_goto, address space casts, load-acquire and
 * store-release, indirect jumps. An encoding with a field that the instruction does not have is not that instruction:
 * it prints as unknown with all its fields, so nothing is hidden.
 */

import { helperName } from './helpers.ts';
import type { CodeView, Insn } from './opcodes.ts';
import {
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_ATOMIC,
  BPF_B,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_DW,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_H,
  BPF_IND,
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
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_LSH,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_RSH,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  BPF_XCHG,
  BPF_XOR,
  OP_LD_IMM64,
} from './opcodes.ts';

export interface DisassembledInsn {
  /** Slot of the instruction. */
  readonly insnIndex: number;
  /** Slots that it takes: 2 for `ld_imm64`. */
  readonly width: 1 | 2;
  readonly text: string;
}

export interface DisassembleOptions {
  /** What the call or `ld_imm64` at that slot refers to, shown instead of its number. */
  readonly symbolAt?: (insnIndex: number) => string | undefined;
}

/** All instructions in order. Never throws: what is no instruction is shown as such. */
export function disassemble(code: CodeView, options: DisassembleOptions = {}): DisassembledInsn[] {
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
    const text = isSecondHalf(second) && insn.offset === 0 ? loadImm64(insn, second, symbol) : undefined;
    return text === undefined ? { insnIndex, width: 1, text: unknown(insn) } : { insnIndex, width: 2, text };
  }
  return { insnIndex, width: 1, text: formatInsn(insn, symbol) ?? unknown(insn) };
}

function unknown(insn: Insn): string {
  const { opcode, dst, src, offset, imm } = insn;
  return `unknown opcode 0x${opcode.toString(16).padStart(2, '0')} (dst ${dst}, src ${src}, offset ${offset}, imm ${imm})`;
}

function isSecondHalf(second: Insn): boolean {
  return second.opcode === 0 && second.dst === 0 && second.src === 0 && second.offset === 0;
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
  switch (insn.opcode & 0x07) {
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

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

function address(register: number, offset: number): string {
  return offset < 0 ? `(r${register} - ${-offset})` : `(r${register} + ${offset})`;
}

/** `u32` for BPF_W and so on. */
function sizeName(opcode: number, sign: 'u' | 's' = 'u'): string {
  switch (opcode & 0x18) {
    case BPF_B:
      return `${sign}8`;
    case BPF_H:
      return `${sign}16`;
    case BPF_W:
      return `${sign}32`;
    default:
      return `${sign}64`;
  }
}

/** The classic packet loads; they read relative to the packet, into r0. */
function formatLegacyLoad(insn: Insn): string | undefined {
  if ((insn.opcode & 0x18) === BPF_DW || insn.dst !== 0 || insn.offset !== 0) return undefined;
  const load = `r0 = *(${sizeName(insn.opcode)} *)skb`;
  switch (insn.opcode & 0xe0) {
    case BPF_ABS:
      return insn.src === 0 ? `${load}[${insn.imm}]` : undefined;
    case BPF_IND:
      return insn.imm === 0 ? `${load}[r${insn.src}]` : `${load}[r${insn.src} ${signedTerm(insn.imm)}]`;
    default:
      return undefined;
  }
}

function signedTerm(value: number): string {
  return value < 0 ? `- ${-value}` : `+ ${value}`;
}

function formatLoad(insn: Insn): string | undefined {
  if (insn.imm !== 0) return undefined;
  const from = address(insn.src, insn.offset);
  switch (insn.opcode & 0xe0) {
    case BPF_MEM:
      return `r${insn.dst} = *(${sizeName(insn.opcode)} *)${from}`;
    case BPF_MEMSX:
      if ((insn.opcode & 0x18) === BPF_DW) return undefined;
      return `r${insn.dst} = *(${sizeName(insn.opcode, 's')} *)${from}`;
    default:
      return undefined;
  }
}

function formatStoreImmediate(insn: Insn): string | undefined {
  if ((insn.opcode & 0xe0) !== BPF_MEM || insn.src !== 0) return undefined;
  return `*(${sizeName(insn.opcode)} *)${address(insn.dst, insn.offset)} = ${insn.imm}`;
}

function formatStore(insn: Insn): string | undefined {
  const mode = insn.opcode & 0xe0;
  if (mode === BPF_ATOMIC) return formatAtomic(insn);
  if (mode !== BPF_MEM || insn.imm !== 0) return undefined;
  return `*(${sizeName(insn.opcode)} *)${address(insn.dst, insn.offset)} = r${insn.src}`;
}

const ATOMIC_OPERATORS: ReadonlyMap<number, readonly [symbol: string, name: string]> = new Map([
  [BPF_ADD, ['+=', 'add']],
  [BPF_OR, ['|=', 'or']],
  [BPF_AND, ['&=', 'and']],
  [BPF_XOR, ['^=', 'xor']],
]);

function formatAtomic(insn: Insn): string | undefined {
  const type = sizeName(insn.opcode);
  const place = address(insn.dst, insn.offset);
  // Acquire and release exist for all sizes, the others for 4 and 8 bytes.
  const wide = type === 'u64';
  const value = `${wide ? 'r' : 'w'}${insn.src}`;
  if (insn.imm === BPF_LOAD_ACQ) {
    return `${wide ? 'r' : 'w'}${insn.dst} = load_acquire((${type} *)${address(insn.src, insn.offset)})`;
  }
  if (insn.imm === BPF_STORE_REL) return `store_release((${type} *)${place}, ${value})`;
  if (type !== 'u32' && type !== 'u64') return undefined;
  const bare = place.slice(1, -1);
  const suffix = wide ? '_64' : '32_32';
  if (insn.imm === BPF_XCHG) return `${value} = xchg${suffix}(${bare}, ${value})`;
  if (insn.imm === BPF_CMPXCHG) {
    const old = wide ? 'r0' : 'w0';
    return `${old} = cmpxchg${suffix}(${bare}, ${old}, ${value})`;
  }
  const fetches = (insn.imm & BPF_FETCH) !== 0;
  const operator = ATOMIC_OPERATORS.get(fetches ? insn.imm - BPF_FETCH : insn.imm);
  if (operator === undefined) return undefined;
  const [symbol, name] = operator;
  if (fetches) return `${value} = atomic_fetch_${name}((${type} *)${place}, ${value})`;
  return `lock *(${type} *)${place} ${symbol} ${value}`;
}

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

function formatAlu(insn: Insn): string | undefined {
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

const JUMP_OPERATORS: ReadonlyMap<number, string> = new Map([
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

function formatJump(insn: Insn, symbol: string | undefined): string | undefined {
  const operator = JUMP_OPERATORS.get(insn.opcode & 0xf0);
  if (operator === undefined) return formatControl(insn, symbol);
  const letter = (insn.opcode & 0x07) === BPF_JMP ? 'r' : 'w';
  const usesRegister = (insn.opcode & BPF_X) !== 0;
  if (usesRegister ? insn.imm !== 0 : insn.src !== 0) return undefined;
  const operand = usesRegister ? `${letter}${insn.src}` : `${insn.imm}`;
  return `if ${letter}${insn.dst} ${operator} ${operand} goto ${signed(insn.offset)}`;
}

/** Jumps without a comparison, calls and exit: each has its own opcode and uses only some fields. */
function formatControl(insn: Insn, symbol: string | undefined): string | undefined {
  const { opcode, dst, src, offset, imm } = insn;
  switch (opcode) {
    case BPF_JMP | BPF_JA:
      return dst === 0 && src === 0 && imm === 0 ? `goto ${signed(offset)}` : undefined;
    case BPF_JMP32 | BPF_JA:
      return dst === 0 && src === 0 && offset === 0 ? `gotol ${signed(imm)}` : undefined;
    case BPF_JMP | BPF_JA | BPF_X:
      return src === 0 && offset === 0 && imm === 0 ? `gotox r${dst}` : undefined;
    case BPF_JMP | BPF_JCOND:
      return dst === 0 && src === 0 && imm === 0 ? `may_goto ${signed(offset)}` : undefined;
    case BPF_JMP | BPF_CALL:
      return dst === 0 ? formatCall(insn, symbol) : undefined;
    case BPF_JMP | BPF_CALL | BPF_X:
      return src === 0 && offset === 0 && imm === 0 ? `callx r${dst}` : undefined;
    case BPF_JMP | BPF_EXIT:
      return dst === 0 && src === 0 && offset === 0 && imm === 0 ? 'exit' : undefined;
    default:
      return undefined;
  }
}

function formatCall(insn: Insn, symbol: string | undefined): string | undefined {
  const { src, offset, imm } = insn;
  if (src === BPF_PSEUDO_KFUNC_CALL) {
    const target = symbol ?? `kernel-function#${imm}`;
    return offset === 0 ? `call ${target}` : `call ${target} of module ${offset}`;
  }
  if (offset !== 0) return undefined;
  if (src === BPF_PSEUDO_CALL) return `call ${symbol ?? `pc${signed(imm)}`}`;
  return src === 0 ? `call ${symbol ?? `${helperName(imm) ?? 'unknown'}#${imm}`}` : undefined;
}
