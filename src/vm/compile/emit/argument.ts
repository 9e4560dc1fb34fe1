/**
 * Arguments of helper calls: checked in compiled code, by the description of the helper, and pushed in the
 * form that the helper expects. The helper itself then only works with valid addresses.
 */

import type { ArgumentKind, Helper } from '../../helpers/index.ts';
import { FRAME_SIZE, READ, WRITE } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { type FunctionEmitter, LOCAL, type MapPlan } from './emitter.ts';
import { emitWordsFault } from './words.ts';

/** One argument of a helper call being emitted. */
export interface Argument {
  readonly slot: number;
  readonly helper: Helper;
  /** The map of the call, when it is known. */
  readonly map: MapPlan | undefined;
  readonly register: number;
}

/** Pushes the argument in that register, checked. */
export function emitArgument(f: FunctionEmitter, argument: Argument, kind: ArgumentKind): void {
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

/**
 * Memory of the map's key or value size; `field` is where the descriptor has it, for maps known only at run
 * time.
 */
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
