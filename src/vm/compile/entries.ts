/**
 * Ways into compiled code: the programs' entry points, the one for callbacks from JavaScript, and, where
 * calls have to be counted, what is in the table for callbacks and tail calls.
 */

import { MAX_CALL_FRAMES, MAX_STACK_BYTES, type SymbolIndex } from '../../object/index.ts';
import { FRAME_STRIDE } from '../state/index.ts';
import { CodeBuilder } from '../wasm/index.ts';
import * as w from '../wasm/opcodes.ts';
import type { CodeUnit } from './analysis/index.ts';
import { FUNCTION_PARAMS, type ModulePlan } from './emit/index.ts';

/**
 * (frame, number in the table) → whether the callback stops the loop; its five arguments are at
 * `argumentsAt`.
 */
export function emitInvoke(plan: ModulePlan, argumentsAt: number): number {
  const code = new CodeBuilder();
  code.get(0);
  code.i32(FRAME_STRIDE);
  code.op(w.I32_SUB);
  for (let i = 0; i < 5; i++) {
    code.i32(argumentsAt + 8 * i);
    code.memory(w.I64_LOAD);
  }
  code.get(1);
  code.callIndirect(plan.functionType);
  code.i64(0);
  code.op(w.I64_NE);
  return plan.module.define(plan.module.type([w.I32, w.I32], [w.I32]), [], code);
}

/** (fuel) → low half of r0: runs a program from the start with fresh counters. */
export function emitEntry(plan: ModulePlan, symbol: SymbolIndex, position: number, topFrame: number): number {
  const code = new CodeBuilder();
  code.get(0);
  code.globalSet(plan.fuel);
  code.i32(0);
  code.globalSet(plan.tailCalls);
  if (plan.calls.checked) {
    code.i32(topFrame);
    code.globalSet(plan.frameBase);
    code.i32(plan.calls.frameBytes(symbol));
    code.globalSet(plan.stackUsed);
  }
  code.i32(topFrame);
  code.i64(plan.memory.context);
  for (let i = 0; i < 4; i++) code.i64(0);
  code.callDefined(position);
  code.op(w.I32_WRAP_I64);
  return plan.module.define(plan.module.type([w.I32], [w.I32]), [], code);
}

function emitForward(code: CodeBuilder, position: number): void {
  for (let param = 0; param < FUNCTION_PARAMS.length; param++) code.get(param);
  code.callDefined(position);
}

/** Replaces a callback function in the table: counts its frame and its stack. */
export function emitCountedCallback(plan: ModulePlan, unit: CodeUnit, position: number): number {
  const code = new CodeBuilder();
  const bytes = plan.calls.frameBytes(unit.symbol);
  const site = (kind: 'call-depth' | 'stack-size') =>
    plan.sites.add({ kind, unit, slot: 0, callee: unit.symbol });
  code.globalGet(plan.frameBase);
  code.get(0);
  code.op(w.I32_SUB);
  code.i32(MAX_CALL_FRAMES * FRAME_STRIDE);
  code.op(w.I32_GE_S);
  emitLimitFault(plan, code, site('call-depth'), bytes);
  addStack(plan, code, bytes);
  code.globalGet(plan.stackUsed);
  code.i32(MAX_STACK_BYTES);
  code.op(w.I32_GT_S);
  emitLimitFault(plan, code, site('stack-size'), bytes);
  emitForward(code, position);
  addStack(plan, code, -bytes);
  return plan.module.define(plan.functionType, [], code);
}

function emitLimitFault(plan: ModulePlan, code: CodeBuilder, site: number, bytes: number): void {
  code.open(w.IF);
  code.i32(site);
  code.globalGet(plan.stackUsed);
  code.i32(0);
  code.i32(bytes);
  code.callImport(plan.fault);
  code.op(w.UNREACHABLE, w.END);
}

function addStack(plan: ModulePlan, code: CodeBuilder, bytes: number): void {
  code.globalGet(plan.stackUsed);
  code.i32(bytes);
  code.op(w.I32_ADD);
  code.globalSet(plan.stackUsed);
}

/** Replaces a tail-called program in the table: its limits count from its own main function. */
export function emitCountedTail(plan: ModulePlan, symbol: SymbolIndex, position: number): number {
  const code = new CodeBuilder();
  const [savedBase, savedUsed] = [FUNCTION_PARAMS.length, FUNCTION_PARAMS.length + 1];
  code.globalGet(plan.frameBase);
  code.set(savedBase);
  code.globalGet(plan.stackUsed);
  code.set(savedUsed);
  code.get(0);
  code.globalSet(plan.frameBase);
  code.i32(plan.calls.frameBytes(symbol));
  code.globalSet(plan.stackUsed);
  emitForward(code, position);
  code.get(savedBase);
  code.globalSet(plan.frameBase);
  code.get(savedUsed);
  code.globalSet(plan.stackUsed);
  return plan.module.define(plan.functionType, [w.I32, w.I32], code);
}
