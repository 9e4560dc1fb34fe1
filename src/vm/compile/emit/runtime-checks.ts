/** Checks that are too long to be inlined, and the path to an error. */

import { CodeBuilder } from '../../wasm/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { ModulePlan } from './emitter.ts';

/** Shared by all checks, so that each of them is small: an i64 cannot cross to JavaScript as it is. */
export function emitFaultAt(plan: ModulePlan): void {
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
export function emitFault(
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

export function emitCheckRange(plan: ModulePlan): void {
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
  emitFault(plan, code, site, address, () => pushSize(code, size));
  code.op(w.END);
  code.get(address);
  code.op(w.I32_WRAP_I64);
  const type = plan.module.type([w.I64, w.I64, w.I32, w.I32], [w.I32]);
  plan.module.fill(plan.runtime.checkRange, type, [w.I32, w.I32, w.I64], code);
}

/** A 64-bit size as i32; what does not fit is -1. */
function pushSize(code: CodeBuilder, size: number): void {
  code.get(size);
  code.op(w.I32_WRAP_I64);
  code.i32(-1);
  code.get(size);
  code.i64(0xffffffff);
  code.op(w.I64_LE_U, w.SELECT);
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

export function emitCheckText(plan: ModulePlan): void {
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

/**
 * (address, site) → (address - base) / unit, or a fault unless that is whole and below the end. `unit` is a
 * power of two.
 */
export function emitNumber(
  plan: ModulePlan,
  position: number,
  base: number,
  bytes: number,
  unit: number,
): void {
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
