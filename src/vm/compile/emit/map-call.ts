/** Map helpers that are compiled inline: looking up array elements, and tail calls. */

import { BPF_MAP_TYPE_PROG_ARRAY } from '../../../uapi/index.ts';
import type { Helper } from '../../helpers/index.ts';
import { READ } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { type Argument, emitFixedMemory } from './argument.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';
import { mapOf } from './map-argument.ts';
import { emitLoad } from './swap.ts';
import { emitWordsFault } from './words.ts';

/** Tail calls that one run may make; the kernel's MAX_TAIL_CALL_CNT. */
const MAX_TAIL_CALLS = 33;

/** r0 = address of the element whose index r2 points to, or 0. False when the map is not a known array. */
export function emitArrayLookup(f: FunctionEmitter, slot: number, helper: Helper): boolean {
  const map = mapOf(f, helper);
  if (map === undefined || map.array === null || map.type === BPF_MAP_TYPE_PROG_ARRAY) return false;
  const { code } = f;
  const argument: Argument = { slot, helper, map, register: 2 };
  emitFixedMemory(f, argument, READ, 4);
  emitLoad(code, f.plan.byteOrder, 4, false, 0);
  code.tee(LOCAL.wide);
  code.i64(map.array.stride);
  code.op(w.I64_MUL);
  code.i64(map.array.address);
  code.op(w.I64_ADD);
  code.i64(0);
  code.get(LOCAL.wide);
  code.i64(map.maxEntries);
  code.op(w.I64_LT_U, w.SELECT);
  code.set(LOCAL.r0);
  return true;
}

/**
 * Calls the program at index r3 of the map and returns what it returns; continues after the instruction when
 * there is none. The program takes over the caller's frame.
 */
export function emitTailCall(f: FunctionEmitter, slot: number, helper: Helper): void {
  const map = mapOf(f, helper);
  if (map === undefined || map.array === null || map.type !== BPF_MAP_TYPE_PROG_ARRAY) {
    emitWordsFault(f, slot, 'vm-not-map', 'argument 2 of bpf_tail_call is not a program array');
    return;
  }
  const { code, plan } = f;
  code.open(w.BLOCK);
  f.getNarrow(3);
  code.tee(LOCAL.address);
  code.i32(map.maxEntries);
  code.op(w.I32_GE_U);
  code.brIf(0);
  code.globalGet(plan.tailCalls);
  code.i32(MAX_TAIL_CALLS);
  code.op(w.I32_GE_U);
  code.brIf(0);
  code.get(LOCAL.address);
  code.i32(map.array.stride);
  code.op(w.I32_MUL);
  code.memory(w.I32_LOAD, map.array.address);
  code.tee(LOCAL.address);
  code.op(w.I32_EQZ);
  code.brIf(0);
  emitJumpInto(f, slot);
  code.op(w.END);
}

/** `address` holds one more than the program's number in the table. */
function emitJumpInto(f: FunctionEmitter, slot: number): void {
  const { code, plan } = f;
  code.globalGet(plan.tailCalls);
  code.i32(1);
  code.op(w.I32_ADD);
  code.globalSet(plan.tailCalls);
  f.spendFuel(slot);
  code.get(LOCAL.frame);
  f.getRegister(1);
  for (let register = 2; register <= 5; register++) code.i64(0);
  code.get(LOCAL.address);
  code.i32(1);
  code.op(w.I32_SUB);
  code.callIndirect(plan.functionType);
  code.op(w.RETURN);
}
