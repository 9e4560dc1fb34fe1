/** Map helpers that are compiled inline: looking up array elements, and tail calls. */

import { BPF_MAP_TYPE_PROG_ARRAY } from '../../../uapi/index.ts';
import type { Helper } from '../../helpers/index.ts';
import { type ArrayPlace, READ } from '../../state/index.ts';
import type { CodeBuilder } from '../../wasm/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { type Argument, emitArgument, emitFixedMemory } from './argument.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';
import { mapOf } from './map-argument.ts';
import { emitLoad } from './swap.ts';

/** Tail calls that one run may make; the kernel's MAX_TAIL_CALL_CNT. */
const MAX_TAIL_CALLS = 33;

/** r0 = address of the element whose index r2 points to, or 0. False when the map is not a known array. */
export function emitArrayLookup(f: FunctionEmitter, slot: number, helper: Helper): boolean {
  const map = mapOf(f, helper);
  if (map === undefined || map.array === null || map.type === BPF_MAP_TYPE_PROG_ARRAY) return false;
  const { code } = f;
  const argument: Argument = { slot, helper, map, register: 2 };
  emitFixedMemory(f, argument, READ, 4);
  if (map.array.kind === 'chunks') code.tee(LOCAL.address);
  emitLoad(code, f.plan.byteOrder, 4, false, 0);
  code.set(LOCAL.wide);
  if (map.array.kind === 'reserved') emitReserved(f, map.array, map.maxEntries);
  else emitChunked(f, map.array, map.maxEntries, f.plan.imports.index(helper, map.id));
  return true;
}

type Reserved = Extract<ArrayPlace, { readonly kind: 'reserved' }>;
type Chunks = Extract<ArrayPlace, { readonly kind: 'chunks' }>;

/** r0 = address of element `wide`, or 0. */
function emitReserved({ code }: FunctionEmitter, { address, stride }: Reserved, maxEntries: number): void {
  code.get(LOCAL.wide);
  code.i64(stride);
  code.op(w.I64_MUL);
  code.i64(address);
  code.op(w.I64_ADD);
  code.i64(0);
  code.get(LOCAL.wide);
  code.i64(maxEntries);
  code.op(w.I64_LT_U, w.SELECT);
  code.set(LOCAL.r0);
}

/**
 * The same for an array in chunks; the helper is called, with the address of the key in `address`, for an
 * element that has no memory yet.
 */
function emitChunked({ code }: FunctionEmitter, chunks: Chunks, maxEntries: number, lookup: number): void {
  code.i64(0);
  code.set(LOCAL.r0);
  code.open(w.BLOCK);
  code.get(LOCAL.wide);
  code.i64(maxEntries);
  code.op(w.I64_GE_U);
  code.brIf(0);
  emitChunkStart(code, chunks);
  code.op(w.I32_EQZ);
  code.open(w.IF);
  code.get(LOCAL.address);
  code.callImport(lookup);
  code.op(w.I64_EXTEND_I32_U);
  code.set(LOCAL.r0);
  code.br(1);
  code.op(w.END);
  code.get(LOCAL.narrow);
  code.op(w.I64_EXTEND_I32_U);
  code.get(LOCAL.wide);
  code.i64(2 ** chunks.shift - 1);
  code.op(w.I64_AND);
  code.i64(chunks.stride);
  code.op(w.I64_MUL, w.I64_ADD);
  code.set(LOCAL.r0);
  code.op(w.END);
}

/** Pushes the address of the chunk that has element `wide`, and keeps it in `narrow`. */
function emitChunkStart(code: CodeBuilder, { table, shift }: Chunks): void {
  code.get(LOCAL.wide);
  code.op(w.I32_WRAP_I64);
  code.i32(shift);
  code.op(w.I32_SHR_U);
  code.i32(2);
  code.op(w.I32_SHL);
  code.memory(w.I32_LOAD, table);
  code.tee(LOCAL.narrow);
}

/**
 * Calls the program at index r3 of the map and returns what it returns; continues after the instruction when
 * there is none. The program takes over the caller's frame.
 */
export function emitTailCall(f: FunctionEmitter, slot: number, helper: Helper): void {
  const map = mapOf(f, helper);
  const place = map?.type === BPF_MAP_TYPE_PROG_ARRAY ? map.array : null;
  const { code, plan } = f;
  emitArgument(f, { slot, helper, map, register: 1 }, 'context');
  code.open(w.BLOCK);
  if (map !== undefined && place?.kind === 'reserved') emitKnownSlot(f, place, map.maxEntries);
  else emitFoundSlot(f, slot, helper);
  code.tee(LOCAL.address);
  code.op(w.I32_EQZ);
  code.brIf(0);
  code.globalGet(plan.tailCalls);
  code.i32(MAX_TAIL_CALLS);
  code.op(w.I32_GE_U);
  code.brIf(0);
  emitJumpInto(f, slot);
  code.op(w.END);
}

/** Pushes what slot r3 holds; leaves the block when the index is outside of the array. */
function emitKnownSlot(f: FunctionEmitter, { address, stride }: Reserved, maxEntries: number): void {
  const { code } = f;
  f.getNarrow(3);
  code.tee(LOCAL.address);
  code.i32(maxEntries);
  code.op(w.I32_GE_U);
  code.brIf(0);
  code.get(LOCAL.address);
  code.i32(stride);
  code.op(w.I32_MUL);
  code.memory(w.I32_LOAD, address);
}

/** The same by a call, for an array that is known only at run time, or of which not all is reserved. */
function emitFoundSlot(f: FunctionEmitter, slot: number, helper: Helper): void {
  emitArgument(f, { slot, helper, map: undefined, register: 2 }, 'map');
  f.getNarrow(3);
  f.code.i32(f.plan.sites.add({ kind: 'helper', unit: f.unit, slot, helper: helper.name }));
  f.code.callImport(f.plan.imports.index(helper, null));
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
