/** Calls: of other BPF functions, of helpers, and of undefined functions. */

import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, helperName } from '../../../isa/index.ts';
import {
  type CodeReference,
  MAX_CALL_FRAMES,
  MAX_STACK_BYTES,
  mapCallRefusal,
} from '../../../object/index.ts';
import { type Helper, helperById } from '../../helpers/index.ts';
import { FRAME_STRIDE, type ProgramKind } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { needsMapSite } from '../analysis/index.ts';
import { emitArgument } from './argument.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';
import { mapOf } from './map-argument.ts';
import { emitArrayLookup, emitTailCall } from './map-call.ts';
import { emitWordsFault } from './words.ts';

export function emitCall(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const reference = f.unit.references.get(slot);
  if (reference !== undefined) emitBoundCall(f, slot, reference);
  else if (code.src(slot) === 0) emitHelperCall(f, slot, code.imm(slot));
  else emitWordsFault(f, slot, 'vm-call-unbound', unboundMessage(code.src(slot)));
}

function unboundMessage(source: number): string {
  if (source === BPF_PSEUDO_KFUNC_CALL) return 'calls a kernel function that has no name';
  return source === BPF_PSEUDO_CALL ? 'calls a function that has no name' : 'is a call of an unknown kind';
}

function emitBoundCall(f: FunctionEmitter, slot: number, { symbol, addend }: CodeReference): void {
  const refusal = f.plan.externs.refusal(symbol, 'call');
  const position = f.plan.position(symbol);
  if (refusal !== undefined) emitWordsFault(f, slot, refusal.code, refusal.message, refusal.hint);
  else if (position === undefined)
    emitWordsFault(f, slot, 'vm-call-unbound', 'calls something that is not a function');
  else if (addend !== 0) emitWordsFault(f, slot, 'vm-call-unbound', 'calls into the middle of a function');
  else emitSubprogramCall(f, slot, symbol, position);
}

function emitSubprogramCall(f: FunctionEmitter, slot: number, symbol: number, position: number): void {
  const { code, plan } = f;
  f.spendFuel(slot);
  if (plan.calls.checked) emitLimits(f, slot, symbol);
  code.get(LOCAL.frame);
  code.i32(FRAME_STRIDE);
  code.op(w.I32_SUB);
  for (let register = 1; register <= 5; register++) f.getRegister(register);
  code.callDefined(position);
  code.set(LOCAL.r0);
  if (plan.calls.checked) addStackUsed(f, -plan.calls.frameBytes(symbol));
}

/** Counts the frame that is about to be entered. */
function emitLimits(f: FunctionEmitter, slot: number, symbol: number): void {
  const { code, plan, unit } = f;
  const bytes = plan.calls.frameBytes(symbol);
  code.globalGet(plan.frameBase);
  code.get(LOCAL.frame);
  code.op(w.I32_SUB);
  code.i32((MAX_CALL_FRAMES - 1) * FRAME_STRIDE);
  code.op(w.I32_GE_S);
  code.open(w.IF);
  f.fault(plan.sites.add({ kind: 'call-depth', unit, slot, callee: symbol }));
  code.op(w.END);
  addStackUsed(f, bytes);
  code.globalGet(plan.stackUsed);
  code.i32(MAX_STACK_BYTES);
  code.op(w.I32_GT_S);
  code.open(w.IF);
  code.i32(plan.sites.add({ kind: 'stack-size', unit, slot, callee: symbol }));
  code.globalGet(plan.stackUsed);
  code.i32(0);
  code.i32(bytes);
  code.callImport(plan.fault);
  code.op(w.UNREACHABLE, w.END);
}

function addStackUsed(f: FunctionEmitter, bytes: number): void {
  f.code.globalGet(f.plan.stackUsed);
  f.code.i32(bytes);
  f.code.op(w.I32_ADD);
  f.code.globalSet(f.plan.stackUsed);
}

function emitHelperCall(f: FunctionEmitter, slot: number, id: number): void {
  const helper = helperById(id);
  if (helper === undefined) {
    const name = helperName(id);
    const what = name === undefined ? `helper ${id}` : `${name} (helper ${id})`;
    const message = `calls ${what}, which the machine does not have`;
    emitWordsFault(f, slot, 'vm-missing-helper', message);
    return;
  }
  const kinds = f.plan.kindsOf(f.unit.symbol);
  if (helper.programs !== null && !kinds.some(kind => helper.programs?.includes(kind))) {
    emitWordsFault(f, slot, 'vm-helper-not-allowed', notAllowed(helper, kinds));
    return;
  }
  const map = mapOf(f, helper);
  const refused = map === undefined ? undefined : mapCallRefusal(id, map);
  if (refused !== undefined) {
    emitWordsFault(f, slot, 'vm-map-helper', refused.message, refused.hint);
    return;
  }
  if (emitInline(f, slot, helper)) return;
  emitImportedCall(f, slot, helper);
}

function notAllowed(helper: Helper, kinds: readonly ProgramKind[]): string {
  return `calls bpf_${helper.name}, which is not for ${kinds.join(' and ')} programs`;
}

/** Helpers that compiled code does itself. */
function emitInline(f: FunctionEmitter, slot: number, helper: Helper): boolean {
  switch (helper.name) {
    case 'map_lookup_elem':
      return emitArrayLookup(f, slot, helper);
    case 'tail_call':
      emitTailCall(f, slot, helper);
      return true;
    case 'ktime_get_ns':
    case 'ktime_get_boot_ns':
    case 'ktime_get_coarse_ns':
      emitClock(f, f.plan.memory.clock);
      return true;
    case 'ktime_get_tai_ns':
      emitClock(f, f.plan.memory.wallClock);
      return true;
    case 'loop':
      emitLoop(f, slot);
      return true;
    default:
      return false;
  }
}

function emitClock(f: FunctionEmitter, address: number): void {
  f.code.i32(address);
  f.code.memory(w.I64_LOAD);
  f.code.set(LOCAL.r0);
}

function emitLoop(f: FunctionEmitter, slot: number): void {
  const { code, plan } = f;
  code.get(LOCAL.frame);
  code.i32(plan.sites.add({ kind: 'callback', unit: f.unit, slot }));
  for (let register = 1; register <= 4; register++) f.getRegister(register);
  code.callDefined(plan.runtime.loop);
  code.set(LOCAL.r0);
}

function emitImportedCall(f: FunctionEmitter, slot: number, helper: Helper): void {
  const { code, plan } = f;
  const map = mapOf(f, helper);
  for (const [position, kind] of helper.args.entries()) {
    emitArgument(f, { slot, helper, map, register: position + 1 }, kind);
  }
  if (helper.extra === 'frame') code.get(LOCAL.frame);
  else if (helper.extra === 'site')
    code.i32(plan.sites.add({ kind: 'helper', unit: f.unit, slot, helper: helper.name }));
  if (needsMapSite(helper, map !== undefined))
    code.i32(plan.sites.add({ kind: 'helper', unit: f.unit, slot, helper: helper.name }));
  code.callImport(plan.imports.index(helper, map?.id ?? null));
  if (helper.returns === 's32') code.op(w.I64_EXTEND_I32_S);
  else if (helper.returns === 'u32') code.op(w.I64_EXTEND_I32_U);
  else code.prefixed(w.I64_TRUNC_SAT_F64_S);
  code.set(LOCAL.r0);
}
