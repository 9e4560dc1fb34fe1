/** Conditions of jumps, as an i32 on the stack. */

import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP32,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  classOf,
  OP_JCOND,
  operationOf,
} from '../../../isa/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { getSource } from './alu.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';

/** For 64 and 32 bits. */
const COMPARISONS = new Map<number, readonly [number, number]>([
  [BPF_JEQ, [w.I64_EQ, w.I32_EQ]],
  [BPF_JNE, [w.I64_NE, w.I32_NE]],
  [BPF_JGT, [w.I64_GT_U, w.I32_GT_U]],
  [BPF_JGE, [w.I64_GE_U, w.I32_GE_U]],
  [BPF_JLT, [w.I64_LT_U, w.I32_LT_U]],
  [BPF_JLE, [w.I64_LE_U, w.I32_LE_U]],
  [BPF_JSGT, [w.I64_GT_S, w.I32_GT_S]],
  [BPF_JSGE, [w.I64_GE_S, w.I32_GE_S]],
  [BPF_JSLT, [w.I64_LT_S, w.I32_LT_S]],
  [BPF_JSLE, [w.I64_LE_S, w.I32_LE_S]],
]);

/** Rounds that `may_goto` allows a function; the kernel's BPF_MAX_LOOPS. */
const MAX_ROUNDS = 1 << 23;

/** Pushes whether the conditional jump at `slot` is taken. */
export function emitCondition(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const opcode = code.opcode(slot);
  if (opcode === OP_JCOND) {
    emitRounds(f);
    return;
  }
  const wide = classOf(opcode) !== BPF_JMP32;
  const operation = operationOf(opcode);
  if (wide) f.getRegister(code.dst(slot));
  else f.getNarrow(code.dst(slot));
  getSource(f, slot, wide);
  if (operation === BPF_JSET) {
    emitAnyBit(f, wide);
    return;
  }
  const comparison = COMPARISONS.get(operation) ?? [w.UNREACHABLE, w.UNREACHABLE];
  f.code.op(wide ? comparison[0] : comparison[1]);
}

function emitAnyBit(f: FunctionEmitter, wide: boolean): void {
  if (!wide) {
    f.code.op(w.I32_AND);
    return;
  }
  f.code.op(w.I64_AND);
  f.code.i64(0);
  f.code.op(w.I64_NE);
}

/** `may_goto` jumps when its rounds are used up. */
function emitRounds(f: FunctionEmitter): void {
  const { code } = f;
  code.get(LOCAL.rounds);
  code.i32(1);
  code.op(w.I32_ADD);
  code.tee(LOCAL.rounds);
  code.i32(MAX_ROUNDS);
  code.op(w.I32_GT_U);
}
