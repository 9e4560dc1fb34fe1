/** Arithmetic: the ALU and ALU64 classes, with BPF's meaning of division by zero, overflow and byte swaps. */

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
  classOf,
  operationOf,
} from '../../../isa/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { codeError } from '../analysis/index.ts';
import type { FunctionEmitter } from './emitter.ts';
import { emitSwap } from './swap.ts';

/** Operations that WebAssembly has as such, for 64 and 32 bits. Both mask shift counts, as BPF does. */
const DIRECT = new Map<number, readonly [number, number]>([
  [BPF_ADD, [w.I64_ADD, w.I32_ADD]],
  [BPF_SUB, [w.I64_SUB, w.I32_SUB]],
  [BPF_MUL, [w.I64_MUL, w.I32_MUL]],
  [BPF_OR, [w.I64_OR, w.I32_OR]],
  [BPF_AND, [w.I64_AND, w.I32_AND]],
  [BPF_LSH, [w.I64_SHL, w.I32_SHL]],
  [BPF_RSH, [w.I64_SHR_U, w.I32_SHR_U]],
  [BPF_XOR, [w.I64_XOR, w.I32_XOR]],
  [BPF_ARSH, [w.I64_SHR_S, w.I32_SHR_S]],
]);

export function emitAlu(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const opcode = code.opcode(slot);
  const wide = classOf(opcode) === BPF_ALU64;
  const operation = operationOf(opcode);
  if (operation === BPF_MOV) {
    emitMove(f, slot, wide);
    return;
  }
  if (operation === BPF_END) {
    emitByteOrder(f, slot, wide);
    return;
  }
  const offset = code.offset(slot);
  const divides = operation === BPF_DIV || operation === BPF_MOD;
  if (offset !== 0 && !(divides && offset === 1)) throw unknown(f, slot);
  if (divides) {
    emitDivision(f, slot, wide, operation, offset === 1);
    return;
  }
  if (operation === BPF_NEG) {
    emitNegation(f, slot, wide);
    return;
  }
  const direct = DIRECT.get(operation);
  if (direct === undefined) throw unknown(f, slot);
  const dst = code.dst(slot);
  getOperand(f, dst, wide);
  getSource(f, slot, wide);
  f.code.op(wide ? direct[0] : direct[1]);
  setResult(f, dst, wide);
}

function unknown(f: FunctionEmitter, slot: number): Error {
  const { code } = f.unit;
  const opcode = code.opcode(slot).toString(16).padStart(2, '0');
  const message = `unknown instruction 0x${opcode} (offset ${code.offset(slot)}, imm ${code.imm(slot)})`;
  return codeError('vm-unknown-insn', f.plan.objectName, f.unit, slot, message);
}

function getOperand(f: FunctionEmitter, register: number, wide: boolean): void {
  if (wide) f.getRegister(register);
  else f.getNarrow(register);
}

function setResult(f: FunctionEmitter, register: number, wide: boolean): void {
  if (wide) f.setRegister(register);
  else f.setNarrow(register);
}

function pushConstant(f: FunctionEmitter, value: number, wide: boolean): void {
  if (wide) f.code.i64(value);
  else f.code.i32(value);
}

/** The second operand: a register or the sign-extended imm. */
export function getSource(f: FunctionEmitter, slot: number, wide: boolean): void {
  const { code } = f.unit;
  if ((code.opcode(slot) & BPF_X) !== 0) getOperand(f, code.src(slot), wide);
  else pushConstant(f, code.imm(slot), wide);
}

function emitNegation(f: FunctionEmitter, slot: number, wide: boolean): void {
  const { code } = f.unit;
  if ((code.opcode(slot) & BPF_X) !== 0) throw unknown(f, slot);
  const dst = code.dst(slot);
  pushConstant(f, 0, wide);
  getOperand(f, dst, wide);
  f.code.op(wide ? w.I64_SUB : w.I32_SUB);
  setResult(f, dst, wide);
}

/** `offset` is the width that is sign-extended; 0 moves as it is. */
function emitMove(f: FunctionEmitter, slot: number, wide: boolean): void {
  const { code } = f.unit;
  const dst = code.dst(slot);
  const offset = code.offset(slot);
  const fromRegister = (code.opcode(slot) & BPF_X) !== 0;
  if (offset !== 0 && !fromRegister) throw unknown(f, slot);
  getSource(f, slot, wide);
  if (offset === 8) f.code.op(wide ? w.I64_EXTEND8_S : w.I32_EXTEND8_S);
  else if (offset === 16) f.code.op(wide ? w.I64_EXTEND16_S : w.I32_EXTEND16_S);
  else if (offset === 32 && wide) f.code.op(w.I64_EXTEND32_S);
  else if (offset !== 0) throw unknown(f, slot);
  setResult(f, dst, wide);
}

/** In the ALU class: to little (K) or big (X) endian. In ALU64: swap in any case. `imm` is the width. */
function emitByteOrder(f: FunctionEmitter, slot: number, wide: boolean): void {
  const { code } = f.unit;
  const toBig = (code.opcode(slot) & BPF_X) !== 0;
  const bits = code.imm(slot);
  if ((bits !== 16 && bits !== 32 && bits !== 64) || (wide && toBig) || code.offset(slot) !== 0) {
    throw unknown(f, slot);
  }
  const dst = code.dst(slot);
  f.getRegister(dst);
  truncate(f, bits);
  if (wide || toBig !== (f.plan.byteOrder === 'big')) emitSwap(f.code, bits);
  f.setRegister(dst);
}

function truncate(f: FunctionEmitter, bits: 16 | 32 | 64): void {
  if (bits === 64) return;
  f.code.i64(bits === 16 ? 0xffff : 0xffffffff);
  f.code.op(w.I64_AND);
}

function emitDivision(
  f: FunctionEmitter,
  slot: number,
  wide: boolean,
  operation: number,
  signed: boolean,
): void {
  const { code } = f.unit;
  if ((code.opcode(slot) & BPF_X) !== 0) {
    emitGuardedDivision(f, slot, wide, operation, signed);
    return;
  }
  const imm = code.imm(slot);
  if (imm === 0) {
    emitDivisionByZero(f, slot, wide, operation);
    return;
  }
  if (signed && imm === -1) {
    emitDivisionByMinusOne(f, slot, wide, operation);
    return;
  }
  emitPlainDivision(f, slot, wide, operation, signed);
}

/** Zero gives 0 for a division and the dividend for a remainder; -1 would overflow at the lowest number. */
function emitGuardedDivision(
  f: FunctionEmitter,
  slot: number,
  wide: boolean,
  operation: number,
  signed: boolean,
): void {
  const zero = wide ? w.I64_EQZ : w.I32_EQZ;
  getSource(f, slot, wide);
  f.code.op(zero);
  f.code.open(w.IF);
  emitDivisionByZero(f, slot, wide, operation);
  f.code.op(w.ELSE);
  if (signed) {
    getSource(f, slot, wide);
    pushConstant(f, -1, wide);
    f.code.op(wide ? w.I64_EQ : w.I32_EQ);
    f.code.open(w.IF);
    emitDivisionByMinusOne(f, slot, wide, operation);
    f.code.op(w.ELSE);
  }
  emitPlainDivision(f, slot, wide, operation, signed);
  if (signed) f.code.op(w.END);
  f.code.op(w.END);
}

function emitDivisionByZero(f: FunctionEmitter, slot: number, wide: boolean, operation: number): void {
  const dst = f.unit.code.dst(slot);
  if (operation === BPF_DIV) pushConstant(f, 0, wide);
  else getOperand(f, dst, wide);
  setResult(f, dst, wide);
}

function emitDivisionByMinusOne(f: FunctionEmitter, slot: number, wide: boolean, operation: number): void {
  const dst = f.unit.code.dst(slot);
  pushConstant(f, 0, wide);
  if (operation === BPF_DIV) {
    getOperand(f, dst, wide);
    f.code.op(wide ? w.I64_SUB : w.I32_SUB);
  }
  setResult(f, dst, wide);
}

function emitPlainDivision(
  f: FunctionEmitter,
  slot: number,
  wide: boolean,
  operation: number,
  signed: boolean,
): void {
  const dst = f.unit.code.dst(slot);
  getOperand(f, dst, wide);
  getSource(f, slot, wide);
  f.code.op(divisionOpcode(wide, operation, signed));
  setResult(f, dst, wide);
}

function divisionOpcode(wide: boolean, operation: number, signed: boolean): number {
  if (operation === BPF_DIV) {
    if (wide) return signed ? w.I64_DIV_S : w.I64_DIV_U;
    return signed ? w.I32_DIV_S : w.I32_DIV_U;
  }
  if (wide) return signed ? w.I64_REM_S : w.I64_REM_U;
  return signed ? w.I32_REM_S : w.I32_REM_U;
}
