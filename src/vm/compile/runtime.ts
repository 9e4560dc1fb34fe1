/**
 * Functions that every compiled module has: range checks, `bpf_loop`, entry points and, where calls have to be
 * counted, the functions that count them around call-backs and tail calls.
 */

import type { SymbolIndex } from '../../object/index.ts';
import { CodeBuilder } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import * as w from '../wasm/opcodes.ts';
import { MAX_CALL_FRAMES, MAX_STACK_BYTES } from './call-graph.ts';
import { FRAME_STRIDE, FUNCTION_PARAMS, type ModulePlan, type RuntimeFunctions } from './emitter.ts';
import type { CodeUnit } from './unit.ts';

const EINVAL = -22;
const E2BIG = -7;
/** Iterations that `bpf_loop` accepts; the kernel's BPF_MAX_LOOPS. */
const MAX_LOOPS = 1 << 23;

export function declareRuntime(module: ModuleBuilder): RuntimeFunctions {
  return {
    faultAt: module.declare(),
    checkRange: module.declare(),
    checkText: module.declare(),
    mapNumber: module.declare(),
    callbackIndex: module.declare(),
    loop: module.declare(),
  };
}

export function emitRuntime(plan: ModulePlan): void {
  emitFaultAt(plan);
  emitCheckRange(plan);
  emitCheckText(plan);
  const { memory, runtime } = plan;
  const descriptors = memory.descriptorCount * memory.descriptorSize;
  emitNumber(plan, runtime.mapNumber, memory.descriptors, descriptors, memory.descriptorSize);
  emitNumber(plan, runtime.callbackIndex, memory.functions, memory.callbacks * 8, 8);
  emitLoop(plan);
}

/** Shared by all checks, so that each of them is small: an i64 cannot cross to JavaScript as it is. */
function emitFaultAt(plan: ModulePlan): void {
  const [address, site, size] = [0, 1, 2];
  const code = new CodeBuilder();
  code.get(site);
  code.get(address);
  code.op(w.I32_WRAP_I64);
  code.get(address);
  code.i64(32);
  code.op(w.I64_SHR_U, w.I32_WRAP_I64);
  code.get(size);
  code.callImport(plan.fault);
  const type = plan.module.type([w.I64, w.I32, w.I32], []);
  plan.module.fill(plan.runtime.faultAt, type, [], code);
}

/** Ends the run: `site` and a 64-bit address are locals. */
function emitFault(
  plan: ModulePlan,
  code: CodeBuilder,
  site: number,
  address: number,
  pushSize: () => void,
): void {
  code.get(address);
  code.get(site);
  pushSize();
  code.callDefined(plan.runtime.faultAt);
  code.op(w.UNREACHABLE);
}

function emitCheckRange(plan: ModulePlan): void {
  const [address, size, permission, site, position, end, mask] = [0, 1, 2, 3, 4, 5, 6];
  const { limit, shadow } = plan.memory;
  const code = new CodeBuilder();
  code.open(w.BLOCK); // left when the bytes are good
  code.open(w.BLOCK); // left when they are not
  code.get(size);
  code.op(w.I64_EQZ);
  code.brIf(1);
  code.get(address);
  code.i64(limit);
  code.op(w.I64_GE_U);
  code.brIf(0);
  code.get(size);
  code.i64(limit);
  code.get(address);
  code.op(w.I64_SUB, w.I64_GT_U);
  code.brIf(0);
  code.get(address);
  code.op(w.I32_WRAP_I64);
  code.tee(position);
  code.get(size);
  code.op(w.I32_WRAP_I64, w.I32_ADD);
  code.set(end);
  code.get(permission);
  code.op(w.I64_EXTEND_I32_U);
  code.i64(0x0101010101010101n);
  code.op(w.I64_MUL);
  code.set(mask);
  emitWideScan(code, position, end, mask, shadow);
  emitByteScan(code, position, end, permission, shadow);
  code.br(1);
  code.op(w.END);
  emitFault(plan, code, site, address, () => {
    code.get(size);
    code.op(w.I32_WRAP_I64);
    code.i32(-1);
    code.get(size);
    code.i64(0xffffffff);
    code.op(w.I64_LE_U, w.SELECT);
  });
  code.op(w.END);
  code.get(address);
  code.op(w.I32_WRAP_I64);
  const type = plan.module.type([w.I64, w.I64, w.I32, w.I32], [w.I32]);
  plan.module.fill(plan.runtime.checkRange, type, [w.I32, w.I32, w.I64], code);
}

/** Eight shadow bytes at a time; leaves the enclosing block at a missing permission. */
function emitWideScan(code: CodeBuilder, position: number, end: number, mask: number, shadow: number): void {
  code.open(w.BLOCK);
  code.open(w.LOOP);
  code.get(end);
  code.get(position);
  code.op(w.I32_SUB);
  code.i32(8);
  code.op(w.I32_LT_U);
  code.brIf(1);
  code.get(position);
  code.memory(w.I64_LOAD, shadow);
  code.get(mask);
  code.op(w.I64_AND);
  code.get(mask);
  code.op(w.I64_NE);
  code.brIf(2);
  emitAdvance(code, position, 8);
  code.br(0);
  code.op(w.END, w.END);
}

function emitByteScan(
  code: CodeBuilder,
  position: number,
  end: number,
  permission: number,
  shadow: number,
): void {
  code.open(w.BLOCK);
  code.open(w.LOOP);
  code.get(position);
  code.get(end);
  code.op(w.I32_EQ);
  code.brIf(1);
  code.get(position);
  code.memory(w.I32_LOAD8_U, shadow);
  code.get(permission);
  code.op(w.I32_AND, w.I32_EQZ);
  code.brIf(2);
  emitAdvance(code, position, 1);
  code.br(0);
  code.op(w.END, w.END);
}

function emitAdvance(code: CodeBuilder, local: number, by: number): void {
  code.get(local);
  code.i32(by);
  code.op(w.I32_ADD);
  code.set(local);
}

function emitCheckText(plan: ModulePlan): void {
  const [address, site, at] = [0, 1, 2];
  const { limit, shadow } = plan.memory;
  const code = new CodeBuilder();
  code.get(address);
  code.set(at);
  code.open(w.LOOP);
  code.open(w.BLOCK);
  code.get(at);
  code.i64(limit);
  code.op(w.I64_GE_U);
  code.brIf(0);
  code.get(at);
  code.op(w.I32_WRAP_I64);
  code.memory(w.I32_LOAD8_U, shadow);
  code.i32(1);
  code.op(w.I32_AND, w.I32_EQZ);
  code.brIf(0);
  code.get(at);
  code.i64(1);
  code.op(w.I64_ADD);
  code.tee(at);
  code.op(w.I32_WRAP_I64);
  code.i32(1);
  code.op(w.I32_SUB);
  code.memory(w.I32_LOAD8_U);
  code.brIf(1);
  code.get(address);
  code.op(w.I32_WRAP_I64, w.RETURN);
  code.op(w.END);
  emitFault(plan, code, site, at, () => code.i32(1));
  code.op(w.END, w.UNREACHABLE);
  plan.module.fill(plan.runtime.checkText, plan.module.type([w.I64, w.I32], [w.I32]), [w.I64], code);
}

/** (address, site) → (address - base) / unit, or a fault unless that is whole and below the end. `unit` is a power of two. */
function emitNumber(plan: ModulePlan, position: number, base: number, bytes: number, unit: number): void {
  const [address, site, distance] = [0, 1, 2];
  const code = new CodeBuilder();
  code.get(address);
  code.i64(base);
  code.op(w.I64_SUB);
  code.tee(distance);
  code.i64(bytes);
  code.op(w.I64_GE_U);
  code.get(distance);
  code.i64(unit - 1);
  code.op(w.I64_AND);
  code.i64(0);
  code.op(w.I64_NE, w.I32_OR);
  code.open(w.IF);
  emitFault(plan, code, site, address, () => code.i32(0));
  code.op(w.END);
  code.get(distance);
  code.i64(Math.log2(unit));
  code.op(w.I64_SHR_U, w.I32_WRAP_I64);
  plan.module.fill(position, plan.module.type([w.I64, w.I32], [w.I32]), [w.I64], code);
}

function emitLoop(plan: ModulePlan): void {
  const [frame, site, count, callback, context, flags, round, callee] = [0, 1, 2, 3, 4, 5, 6, 7];
  const code = new CodeBuilder();
  code.get(callback);
  code.get(site);
  code.callDefined(plan.runtime.callbackIndex);
  code.set(callee);
  code.get(count);
  code.i64(0xffffffff);
  code.op(w.I64_AND);
  code.set(count);
  code.get(flags);
  code.i64(0);
  code.op(w.I64_NE);
  emitEarlyReturn(code, EINVAL);
  code.get(count);
  code.i64(MAX_LOOPS);
  code.op(w.I64_GT_U);
  emitEarlyReturn(code, E2BIG);
  code.open(w.BLOCK);
  code.open(w.LOOP);
  code.get(round);
  code.get(count);
  code.op(w.I64_GE_U);
  code.brIf(1);
  code.globalGet(plan.fuel);
  code.i32(1);
  code.op(w.I32_SUB);
  code.globalSet(plan.fuel);
  code.globalGet(plan.fuel);
  code.op(w.I32_EQZ);
  code.open(w.IF);
  emitFault(plan, code, site, round, () => code.i32(-1)); // size -1: the budget, not the address
  code.op(w.END);
  code.get(frame);
  code.i32(FRAME_STRIDE);
  code.op(w.I32_SUB);
  code.get(round);
  code.get(context);
  for (let i = 0; i < 3; i++) code.i64(0);
  code.get(round);
  code.i64(1);
  code.op(w.I64_ADD);
  code.set(round);
  code.get(callee);
  code.callIndirect(plan.functionType);
  code.op(w.I64_EQZ);
  code.brIf(0);
  code.op(w.END, w.END);
  code.get(round);
  const params: readonly w.ValueType[] = [w.I32, w.I32, w.I64, w.I64, w.I64, w.I64];
  plan.module.fill(plan.runtime.loop, plan.module.type(params, [w.I64]), [w.I64, w.I32], code);
}

function emitEarlyReturn(code: CodeBuilder, value: number): void {
  code.open(w.IF);
  code.i64(value);
  code.op(w.RETURN, w.END);
}

/** (frame, number in the table) → whether the call-back wants to stop; its five arguments lie at `argumentsAt`. */
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

/** Stands in the table for a function that is called back: counts its frame and its stack. */
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

/** Stands in the table for a program that is tail-called: its limits count from its own main function. */
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
