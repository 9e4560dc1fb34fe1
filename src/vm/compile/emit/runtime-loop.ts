/** `bpf_loop`, in compiled code: a callback per round should not cost a call of JavaScript. */

import { E2BIG, EINVAL } from '../../../uapi/index.ts';
import { FRAME_STRIDE } from '../../state/index.ts';
import { CodeBuilder } from '../../wasm/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { ModulePlan } from './emitter.ts';
import { emitFault } from './runtime-checks.ts';

/** Iterations that `bpf_loop` accepts; the kernel's BPF_MAX_LOOPS. */
const MAX_LOOPS = 1 << 23;

export function emitLoop(plan: ModulePlan): void {
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
  emitEarlyReturn(code, -EINVAL);
  code.get(count);
  code.i64(MAX_LOOPS);
  code.op(w.I64_GT_U);
  emitEarlyReturn(code, -E2BIG);
  code.open(w.BLOCK);
  code.open(w.LOOP);
  code.get(round);
  code.get(count);
  code.op(w.I64_GE_U);
  code.brIf(1);
  emitSpend(plan, code, site, round);
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

/** Takes one unit of the budget. */
function emitSpend(plan: ModulePlan, code: CodeBuilder, site: number, round: number): void {
  code.globalGet(plan.fuel);
  code.i32(1);
  code.op(w.I32_SUB);
  code.globalSet(plan.fuel);
  code.globalGet(plan.fuel);
  code.op(w.I32_EQZ);
  code.open(w.IF);
  emitFault(plan, code, site, round, () => code.i32(-1)); // size -1: the budget, not the address
  code.op(w.END);
}
