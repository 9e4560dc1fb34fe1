/** Loads, stores and atomic operations as text. */

import { accessSize, modeOf } from './def-use.ts';
import {
  BPF_ABS,
  BPF_ADD,
  BPF_AND,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_IND,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_OR,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
  type Insn,
} from './opcodes.ts';

function address(register: number, offset: number): string {
  return offset < 0 ? `(r${register} - ${-offset})` : `(r${register} + ${offset})`;
}

/** `u32` for BPF_W and so on. */
function sizeName(opcode: number, sign: 'u' | 's' = 'u'): string {
  return `${sign}${8 * accessSize(opcode)}`;
}

/** The classic packet loads, class LD; they read relative to the packet, into r0. */
export function formatLegacyLoad(insn: Insn): string | undefined {
  if (accessSize(insn.opcode) === 8) return undefined;
  const load = `r0 = *(${sizeName(insn.opcode)} *)skb`;
  switch (modeOf(insn.opcode)) {
    case BPF_ABS:
      return `${load}[${insn.imm}]`;
    case BPF_IND:
      return insn.imm === 0 ? `${load}[r${insn.src}]` : `${load}[r${insn.src} ${signedTerm(insn.imm)}]`;
    default:
      return undefined;
  }
}

function signedTerm(value: number): string {
  return value < 0 ? `- ${-value}` : `+ ${value}`;
}

/** Text of an instruction of the class LDX, undefined when it is none. */
export function formatLoad(insn: Insn): string | undefined {
  const from = address(insn.src, insn.offset);
  switch (modeOf(insn.opcode)) {
    case BPF_MEM:
      return `r${insn.dst} = *(${sizeName(insn.opcode)} *)${from}`;
    case BPF_MEMSX:
      if (accessSize(insn.opcode) === 8) return undefined;
      return `r${insn.dst} = *(${sizeName(insn.opcode, 's')} *)${from}`;
    default:
      return undefined;
  }
}

/** Text of an instruction of the class ST, undefined when it is none. */
export function formatStoreImmediate(insn: Insn): string | undefined {
  if (modeOf(insn.opcode) !== BPF_MEM) return undefined;
  return `*(${sizeName(insn.opcode)} *)${address(insn.dst, insn.offset)} = ${insn.imm}`;
}

/** Text of an instruction of the class STX, undefined when it is none. */
export function formatStore(insn: Insn): string | undefined {
  const mode = modeOf(insn.opcode);
  if (mode === BPF_ATOMIC) return formatAtomic(insn);
  if (mode !== BPF_MEM) return undefined;
  return `*(${sizeName(insn.opcode)} *)${address(insn.dst, insn.offset)} = r${insn.src}`;
}

/** Atomic operation without fetch to operator and name. */
export const ATOMIC_OPERATORS: ReadonlyMap<number, readonly [symbol: string, name: string]> = new Map([
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
