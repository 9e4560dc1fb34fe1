/** Byte swaps, and loads and stores in either byte order; WebAssembly itself has only little endian. */

import type { ByteOrder } from '../../../bytes/index.ts';
import type { CodeBuilder } from '../../wasm/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { LOCAL } from './emitter.ts';

/** Reverses the lowest 16, 32 or 64 bits of the i64 on the stack, whose other bits are zero. */
export function emitSwap(code: CodeBuilder, bits: 16 | 32 | 64): void {
  if (bits === 16) swap16(code);
  else if (bits === 32) swap32(code);
  else swap64(code);
}

function swap16(code: CodeBuilder): void {
  code.tee(LOCAL.wide2);
  code.i64(8);
  code.op(w.I64_SHR_U);
  code.get(LOCAL.wide2);
  code.i64(8);
  code.op(w.I64_SHL);
  code.i64(0xff00);
  code.op(w.I64_AND, w.I64_OR);
}

function swap32(code: CodeBuilder): void {
  code.op(w.I32_WRAP_I64);
  code.tee(LOCAL.narrow);
  code.i32(8);
  code.op(w.I32_ROTL);
  code.i32(0x00ff00ff);
  code.op(w.I32_AND);
  code.get(LOCAL.narrow);
  code.i32(24);
  code.op(w.I32_ROTL);
  code.i32(0xff00ff00);
  code.op(w.I32_AND, w.I32_OR, w.I64_EXTEND_I32_U);
}

function swap64(code: CodeBuilder): void {
  swapNeighbours(code, 8, 0x00ff00ff00ff00ffn);
  swapNeighbours(code, 16, 0x0000ffff0000ffffn);
  code.i64(32);
  code.op(w.I64_ROTL);
}

/** Exchanges the neighbouring groups of `bits` bits; `mask` has the lower one of each pair. */
function swapNeighbours(code: CodeBuilder, bits: number, mask: bigint): void {
  code.tee(LOCAL.wide2);
  code.i64(mask);
  code.op(w.I64_AND);
  code.i64(bits);
  code.op(w.I64_SHL);
  code.get(LOCAL.wide2);
  code.i64(bits);
  code.op(w.I64_SHR_U);
  code.i64(mask);
  code.op(w.I64_AND, w.I64_OR);
}

const LOADS = { 1: w.I64_LOAD8_U, 2: w.I64_LOAD16_U, 4: w.I64_LOAD32_U, 8: w.I64_LOAD } as const;
const SIGNED_LOADS = { 1: w.I64_LOAD8_S, 2: w.I64_LOAD16_S, 4: w.I64_LOAD32_S, 8: w.I64_LOAD } as const;
const STORES = { 1: w.I64_STORE8, 2: w.I64_STORE16, 4: w.I64_STORE32, 8: w.I64_STORE } as const;
const EXTENSIONS = { 2: w.I64_EXTEND16_S, 4: w.I64_EXTEND32_S } as const;
const BITS = { 2: 16, 4: 32, 8: 64 } as const;
const MASKS = { 2: 0xffff, 4: 0xffffffff } as const;

export type AccessSize = 1 | 2 | 4 | 8;

/** i32 address on the stack → i64 value. */
export function emitLoad(
  code: CodeBuilder,
  order: ByteOrder,
  size: AccessSize,
  signed: boolean,
  offset: number,
): void {
  if (order === 'little' || size === 1) {
    code.memory(signed ? SIGNED_LOADS[size] : LOADS[size], offset);
    return;
  }
  code.memory(LOADS[size], offset);
  emitSwap(code, BITS[size]);
  if (signed && size !== 8) code.op(EXTENSIONS[size]);
}

/** i32 address and i64 value on the stack → nothing. Bits above the size do not matter. */
export function emitStore(code: CodeBuilder, order: ByteOrder, size: AccessSize, offset: number): void {
  if (order === 'big' && size !== 1) {
    if (size !== 8) {
      code.i64(MASKS[size]);
      code.op(w.I64_AND);
    }
    emitSwap(code, BITS[size]);
  }
  code.memory(STORES[size], offset);
}
