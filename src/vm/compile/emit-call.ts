/**
 * Calls: of other BPF functions, of helpers, and of what is not there.
 *
 * Arguments of helpers are checked here, in compiled code, by what the helper's description says of them; the
 * helper itself then only works with addresses that are good.
 */

import { helperName } from '../../isa/helpers.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL } from '../../isa/index.ts';
import type { CodeReference } from '../../object/index.ts';
import type { ArgumentKind, Helper, ProgramKind } from '../helpers/spec.ts';
import { helperById } from '../helpers/table.ts';
import * as w from '../wasm/opcodes.ts';
import { MAX_CALL_FRAMES, MAX_STACK_BYTES } from './call-graph.ts';
import { emitArrayLookup, emitTailCall } from './emit-map-call.ts';
import {
  FRAME_SIZE,
  FRAME_STRIDE,
  type FunctionEmitter,
  LOCAL,
  type MapPlan,
  READ,
  WRITE,
} from './emitter.ts';
import { mapOf } from './map-argument.ts';

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

/** Ends the run at this instruction; what comes after it is not reached. */
export function emitWordsFault(
  f: FunctionEmitter,
  slot: number,
  code: string,
  message: string,
  hint?: string,
): void {
  const words = { kind: 'words', unit: f.unit, slot, code, message } as const;
  f.fault(f.plan.sites.add(hint === undefined ? words : { ...words, hint }));
}

function emitBoundCall(f: FunctionEmitter, slot: number, { symbol, addend }: CodeReference): void {
  const refusal = f.plan.externs.refusal(symbol, 'call');
  const position = f.plan.position(symbol);
  if (refusal !== undefined) emitWordsFault(f, slot, refusal.code, refusal.message, refusal.hint);
  else if (position === undefined) emitWordsFault(f, slot, 'vm-call-unbound', 'calls what is no function');
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
  code.callImport(plan.imports.index(helper, map?.id ?? null));
  if (helper.returns === 's32') code.op(w.I64_EXTEND_I32_S);
  else if (helper.returns === 'u32') code.op(w.I64_EXTEND_I32_U);
  else code.prefixed(w.I64_TRUNC_SAT_F64_S);
  code.set(LOCAL.r0);
}

/** One argument of a helper call being emitted. */
export interface Argument {
  readonly slot: number;
  readonly helper: Helper;
  /** The map of the call, when it is known. */
  readonly map: MapPlan | undefined;
  readonly register: number;
}

function emitArgument(f: FunctionEmitter, argument: Argument, kind: ArgumentKind): void {
  const { code } = f;
  const { register, map } = argument;
  switch (kind) {
    case 'ignored':
      return;
    case 'context':
      emitContextCheck(f, argument);
      return;
    case 'map':
      if (map === undefined) emitMapNumber(f, argument);
      return;
    case 'key':
      emitMapMemory(f, argument, READ, map?.keySize, 0);
      return;
    case 'value':
      emitMapMemory(f, argument, READ, map?.valueSize, 4);
      return;
    case 'value-out':
      emitMapMemory(f, argument, WRITE, map?.valueSize, 4);
      return;
    case 'out8':
      emitFixedMemory(f, argument, WRITE, 8);
      return;
    case 'out4':
      emitFixedMemory(f, argument, WRITE, 4);
      return;
    case 'memory':
    case 'memory-out':
      emitSizedMemory(f, argument, kind === 'memory' ? READ : WRITE);
      return;
    case 'size':
    case 'u32':
      f.getNarrow(register);
      return;
    case 'u64':
      f.getNarrow(register);
      f.getRegister(register);
      code.i64(32);
      code.op(w.I64_SHR_U, w.I32_WRAP_I64);
      return;
    case 'flags':
    case 'address':
      emitSaturated(f, register);
      return;
    case 'text':
      emitText(f, argument);
      return;
    case 'callback':
      f.getRegister(register);
      code.i32(f.plan.sites.add({ kind: 'callback', unit: f.unit, slot: argument.slot }));
      code.callDefined(f.plan.runtime.callbackIndex);
  }
}

/** The low half, or -1 when the upper half is not zero. */
function emitSaturated(f: FunctionEmitter, register: number): void {
  const { code } = f;
  const value = f.value(register);
  if (value.kind === 'const') {
    const unsigned = BigInt.asUintN(64, value.value);
    code.i32(unsigned > 0xffffffffn ? -1 : Number(BigInt.asIntN(32, unsigned)));
    return;
  }
  f.getNarrow(register);
  code.i32(-1);
  f.getRegister(register);
  code.i64(0xffffffff);
  code.op(w.I64_LE_U, w.SELECT);
}

function emitContextCheck(f: FunctionEmitter, argument: Argument): void {
  const { code, plan } = f;
  const value = f.value(argument.register);
  if (value.kind === 'const' && value.value === BigInt(plan.memory.context)) return;
  f.getRegister(argument.register);
  code.i64(plan.memory.context);
  code.op(w.I64_NE);
  code.open(w.IF);
  const message = `argument ${argument.register} of bpf_${argument.helper.name} is not the context`;
  emitWordsFault(f, argument.slot, 'vm-not-context', message);
  code.op(w.END);
}

/** Number of the map whose descriptor the register points to. */
function emitMapNumber(f: FunctionEmitter, argument: Argument): void {
  const { code, plan } = f;
  const message = `argument ${argument.register} of bpf_${argument.helper.name} is not a map`;
  const site = plan.sites.add({
    kind: 'words',
    unit: f.unit,
    slot: argument.slot,
    code: 'vm-not-map',
    message,
  });
  f.getRegister(argument.register);
  code.i32(site);
  code.callDefined(plan.runtime.mapNumber);
}

/** Memory of the map's key or value size; `field` is where the descriptor has it, for maps known only at run time. */
function emitMapMemory(
  f: FunctionEmitter,
  argument: Argument,
  permission: number,
  size: number | undefined,
  field: number,
): void {
  if (size !== undefined) {
    emitFixedMemory(f, argument, permission, size);
    return;
  }
  f.getRegister(argument.register);
  const mapRegister = argument.helper.args.indexOf('map') + 1;
  f.getNarrow(mapRegister);
  f.code.memory(w.I64_LOAD32_U, field);
  emitRangeCheck(f, argument, permission);
}

export function emitFixedMemory(
  f: FunctionEmitter,
  argument: Argument,
  permission: number,
  size: number,
): void {
  const value = f.value(argument.register);
  if (value.kind === 'frame') {
    const inFrame = FRAME_SIZE + value.offset;
    if (inFrame >= 0 && inFrame + size <= FRAME_SIZE) {
      f.code.get(LOCAL.frame);
      f.code.i32(inFrame);
      f.code.op(w.I32_ADD);
      return;
    }
  }
  f.getRegister(argument.register);
  f.code.i64(size);
  emitRangeCheck(f, argument, permission);
}

function emitSizedMemory(f: FunctionEmitter, argument: Argument, permission: number): void {
  const size = f.value(argument.register + 1);
  if (size.kind === 'const' && size.value > 0n && size.value <= FRAME_SIZE) {
    emitFixedMemory(f, argument, permission, Number(size.value));
    return;
  }
  f.getRegister(argument.register);
  f.getRegister(argument.register + 1);
  emitRangeCheck(f, argument, permission);
}

/** (address, size) on the stack → i32 address. */
function emitRangeCheck(f: FunctionEmitter, argument: Argument, permission: number): void {
  f.code.i32(permission);
  f.code.i32(argumentSite(f, argument, permission === WRITE));
  f.code.callDefined(f.plan.runtime.checkRange);
}

function emitText(f: FunctionEmitter, argument: Argument): void {
  f.getRegister(argument.register);
  f.code.i32(argumentSite(f, argument, false));
  f.code.callDefined(f.plan.runtime.checkText);
}

function argumentSite(f: FunctionEmitter, argument: Argument, write: boolean): number {
  return f.plan.sites.add({
    kind: 'argument',
    unit: f.unit,
    slot: argument.slot,
    write,
    helper: argument.helper.name,
    argument: argument.register,
  });
}
