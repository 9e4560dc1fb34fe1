/**
 * Loads, stores and atomic operations, with their checks.
 *
 * Every byte of the machine's memory has a shadow byte with the access rights of the program. An access of N
 * bytes loads its N shadow bytes at once and compares. Accesses whose address is known while compiling
 * (frame, context, global variables) are decided here and cost nothing at run time.
 */

import { counted } from '../../../diag/index.ts';
import {
  accessSize,
  BPF_ADD,
  BPF_AND,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_OR,
  BPF_ST,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
  classOf,
  modeOf,
} from '../../../isa/index.ts';
import { FRAME_SIZE, READ, WRITE } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { Site } from '../analysis/index.ts';
import { codeError } from '../analysis/index.ts';
import { type FunctionEmitter, LOCAL, localOf } from './emitter.ts';
import { type AccessSize, emitLoad, emitStore } from './swap.ts';

const SHADOW_LOADS = { 1: w.I32_LOAD8_U, 2: w.I32_LOAD16_U, 4: w.I32_LOAD, 8: w.I64_LOAD } as const;

export function emitLoadInsn(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const opcode = code.opcode(slot);
  const mode = modeOf(opcode);
  const size = accessSize(opcode);
  const signed = mode === BPF_MEMSX;
  if ((mode !== BPF_MEM && !signed) || (signed && size === 8)) throw unknown(f, slot);
  const offset = emitAddress(f, slot, code.src(slot), size, READ);
  emitLoad(f.code, f.plan.byteOrder, size, signed, offset);
  f.setRegister(code.dst(slot));
}

export function emitStoreInsn(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const opcode = code.opcode(slot);
  const mode = modeOf(opcode);
  if (mode === BPF_ATOMIC && classOf(opcode) !== BPF_ST) {
    emitAtomic(f, slot);
    return;
  }
  if (mode !== BPF_MEM) throw unknown(f, slot);
  const size = accessSize(opcode);
  const offset = emitAddress(f, slot, code.dst(slot), size, WRITE);
  if (classOf(opcode) === BPF_ST) f.code.i64(code.imm(slot));
  else f.getRegister(code.src(slot));
  emitStore(f.code, f.plan.byteOrder, size, offset);
}

function unknown(f: FunctionEmitter, slot: number): Error {
  const { code } = f.unit;
  const opcode = code.opcode(slot).toString(16).padStart(2, '0');
  const message = `unknown instruction 0x${opcode} (imm ${code.imm(slot)})`;
  return codeError('vm-unknown-insn', f.plan.objectName, f.unit, slot, message);
}

/**
 * Pushes the i32 address of `register` plus the instruction's offset, checked for `size` bytes with
 * `permission`; returns what the memory instruction has to add to it.
 */
function emitAddress(
  f: FunctionEmitter,
  slot: number,
  register: number,
  size: AccessSize,
  permission: number,
): number {
  const value = f.value(register);
  const offset = f.unit.code.offset(slot);
  if (value.kind === 'frame') {
    const inFrame = FRAME_SIZE + value.offset + offset;
    if (inFrame >= 0 && inFrame + size <= FRAME_SIZE) {
      f.code.get(LOCAL.frame);
      return inFrame;
    }
    f.fault(f.plan.sites.add(outsideFrame(f, slot, size, permission, inFrame - FRAME_SIZE)));
  }
  if (value.kind === 'const') {
    const address = BigInt.asUintN(64, value.value + BigInt(offset));
    if (f.plan.memory.allows(address, size, permission)) {
      f.code.i32(Number(address));
      return 0;
    }
  }
  f.code.get(localOf(register));
  if (offset !== 0) {
    f.code.i64(offset);
    f.code.op(w.I64_ADD);
  }
  f.code.set(LOCAL.wide);
  const write = permission === WRITE;
  emitShadowCheck(f, size, permission, f.plan.sites.add({ kind: 'access', unit: f.unit, slot, write }));
  f.code.get(LOCAL.address);
  return 0;
}

/** An access that is known to miss the frame; at run time it might hit another one. */
function outsideFrame(
  f: FunctionEmitter,
  slot: number,
  size: number,
  permission: number,
  offset: number,
): Site {
  const what = permission === READ ? 'read' : 'write';
  return {
    kind: 'words',
    unit: f.unit,
    slot,
    code: 'vm-stack-access',
    message: `invalid ${what} of ${counted(size, 'byte')} at r10${offset < 0 ? '' : '+'}${offset}: a stack frame is the ${FRAME_SIZE} bytes below r10`,
  };
}

/** Checks `size` bytes at the address in `wide`; leaves the address in `address`. */
export function emitShadowCheck(
  f: FunctionEmitter,
  size: AccessSize,
  permission: number,
  site: number,
): void {
  const { code, plan } = f;
  code.open(w.BLOCK);
  code.open(w.BLOCK);
  code.get(LOCAL.wide);
  code.i64(plan.memory.limit);
  code.op(w.I64_GE_U);
  code.brIf(0);
  code.get(LOCAL.wide);
  code.op(w.I32_WRAP_I64);
  code.tee(LOCAL.address);
  code.memory(SHADOW_LOADS[size], plan.memory.shadow);
  emitMaskTest(f, size, permission);
  code.brIf(1);
  code.op(w.END);
  f.faultAtAddress(site, size);
  code.op(w.END);
}

/** Shadow bytes on the stack → i32: whether each of them has the permission. */
function emitMaskTest(f: FunctionEmitter, size: AccessSize, permission: number): void {
  const { code } = f;
  if (size === 8) {
    const mask = BigInt(permission) * 0x0101010101010101n;
    code.i64(mask);
    code.op(w.I64_AND);
    code.i64(mask);
    code.op(w.I64_EQ);
    return;
  }
  const mask = permission * (size === 1 ? 0x01 : size === 2 ? 0x0101 : 0x01010101);
  code.i32(mask);
  code.op(w.I32_AND);
  if (size === 1) return; // not zero is all that a branch asks for
  code.i32(mask);
  code.op(w.I32_EQ);
}

const FETCHES = new Map<number, readonly number[]>([
  [BPF_ADD, [w.I64_ADD]],
  [BPF_AND, [w.I64_AND]],
  [BPF_OR, [w.I64_OR]],
  [BPF_XOR, [w.I64_XOR]],
]);

/** The machine runs one program at a time, so that a plain read and write is atomic. */
function emitAtomic(f: FunctionEmitter, slot: number): void {
  const { code } = f.unit;
  const operation = code.imm(slot);
  const size = accessSize(code.opcode(slot));
  if (operation === BPF_LOAD_ACQ || operation === BPF_STORE_REL) {
    emitOrdered(f, slot, size, operation);
    return;
  }
  const update = FETCHES.get(operation & ~BPF_FETCH);
  const exchange = operation === BPF_XCHG || operation === BPF_CMPXCHG;
  if (size < 4 || (update === undefined && !exchange)) throw unknown(f, slot);
  const offset = emitAlignedAddress(f, slot, code.dst(slot), size, READ | WRITE);
  f.code.get(LOCAL.address);
  emitLoad(f.code, f.plan.byteOrder, size, false, offset);
  f.code.set(LOCAL.wide);
  if (operation === BPF_CMPXCHG) {
    emitCompareExchange(f, slot, size, offset);
    return;
  }
  f.code.get(LOCAL.address);
  if (update !== undefined) f.code.get(LOCAL.wide);
  f.getRegister(code.src(slot));
  if (update !== undefined) f.code.op(...update);
  emitStore(f.code, f.plan.byteOrder, size, offset);
  if ((operation & BPF_FETCH) === 0) return;
  f.code.get(LOCAL.wide);
  f.setRegister(code.src(slot));
}

function emitCompareExchange(f: FunctionEmitter, slot: number, size: AccessSize, offset: number): void {
  const { code } = f;
  code.get(LOCAL.wide);
  code.get(LOCAL.r0);
  if (size === 4) {
    code.i64(0xffffffff);
    code.op(w.I64_AND);
  }
  code.op(w.I64_EQ);
  code.open(w.IF);
  code.get(LOCAL.address);
  f.getRegister(f.unit.code.src(slot));
  emitStore(code, f.plan.byteOrder, size, offset);
  code.op(w.END);
  code.get(LOCAL.wide);
  code.set(LOCAL.r0);
}

function emitOrdered(f: FunctionEmitter, slot: number, size: AccessSize, operation: number): void {
  const { code } = f.unit;
  const load = operation === BPF_LOAD_ACQ;
  const base = load ? code.src(slot) : code.dst(slot);
  const offset = emitAlignedAddress(f, slot, base, size, load ? READ : WRITE);
  f.code.get(LOCAL.address);
  if (load) {
    emitLoad(f.code, f.plan.byteOrder, size, false, offset);
    f.setRegister(code.dst(slot));
    return;
  }
  f.getRegister(code.src(slot));
  emitStore(f.code, f.plan.byteOrder, size, offset);
}

/**
 * Like `emitAddress`, into the local `address`; an address that is not a multiple of the size is an error.
 */
function emitAlignedAddress(
  f: FunctionEmitter,
  slot: number,
  register: number,
  size: AccessSize,
  permission: number,
): number {
  const offset = emitAddress(f, slot, register, size, permission);
  const { code } = f;
  code.set(LOCAL.address);
  if (size === 1) return offset;
  code.get(LOCAL.address);
  code.i32(offset);
  code.op(w.I32_ADD);
  code.tee(LOCAL.narrow);
  code.i32(size - 1);
  code.op(w.I32_AND);
  code.open(w.IF);
  code.get(LOCAL.narrow);
  code.op(w.I64_EXTEND_I32_U);
  code.set(LOCAL.wide);
  f.faultAtAddress(f.plan.sites.add({ kind: 'misaligned', unit: f.unit, slot }), size);
  code.op(w.END);
  return offset;
}
