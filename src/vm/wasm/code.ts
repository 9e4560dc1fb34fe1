/**
 * One WebAssembly function body being written, instruction by instruction.
 *
 * It knows encodings only; what the instructions are for is the business of the code generator. Methods
 * return nothing and keep no stack of types: the engine validates the module.
 */

import { ByteWriter } from '../../bytes/index.ts';
import {
  BR,
  BR_IF,
  CALL,
  CALL_INDIRECT,
  GLOBAL_GET,
  GLOBAL_SET,
  I32_CONST,
  I64_CONST,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  PREFIX_FC,
  VOID,
} from './opcodes.ts';

/** Unsigned LEB128 of a safe non-negative integer. */
export function writeUnsigned(writer: ByteWriter, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    writer.u8((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  writer.u8(rest);
}

/** Signed LEB128 of a 32-bit or larger safe integer. */
export function writeSigned(writer: ByteWriter, value: number): void {
  let rest = value;
  for (;;) {
    const low = ((rest % 0x80) + 0x80) % 0x80;
    rest = Math.floor(rest / 0x80);
    const last = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
    writer.u8(last ? low : low + 0x80);
    if (last) return;
  }
}

/** Signed LEB128 of a 64-bit integer, given as signed or unsigned. */
export function writeSigned64(writer: ByteWriter, value: bigint): void {
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const last = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
    writer.u8(last ? low : low + 0x80);
    if (last) return;
  }
}

/** Bytes of a function index that is patched later: LEB128 may be longer than it need be. */
const PADDED_INDEX = 5;

function patchIndex(bytes: Uint8Array, at: number, index: number): void {
  for (let i = 0; i < PADDED_INDEX; i++) {
    const more = i < PADDED_INDEX - 1 ? 0x80 : 0;
    bytes[at + i] = (Math.floor(index / 0x80 ** i) & 0x7f) | more;
  }
}

export class CodeBuilder {
  readonly #bytes = new ByteWriter('little', 1024);
  readonly #fixups: { readonly at: number; readonly position: number }[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  /** An instruction without immediates. */
  op(...opcodes: readonly number[]): void {
    for (const opcode of opcodes) this.#bytes.u8(opcode);
  }

  /** An instruction of the 0xfc group. */
  prefixed(opcode: number): void {
    this.#bytes.u8(PREFIX_FC);
    writeUnsigned(this.#bytes, opcode);
  }

  i32(value: number): void {
    this.#bytes.u8(I32_CONST);
    writeSigned(this.#bytes, value | 0);
  }

  i64(value: bigint | number): void {
    this.#bytes.u8(I64_CONST);
    if (typeof value === 'bigint') writeSigned64(this.#bytes, value);
    else writeSigned(this.#bytes, value);
  }

  get(local: number): void {
    this.#indexed(LOCAL_GET, local);
  }

  set(local: number): void {
    this.#indexed(LOCAL_SET, local);
  }

  tee(local: number): void {
    this.#indexed(LOCAL_TEE, local);
  }

  globalGet(index: number): void {
    this.#indexed(GLOBAL_GET, index);
  }

  globalSet(index: number): void {
    this.#indexed(GLOBAL_SET, index);
  }

  /** Calls an import; imports have the lowest function indexes. */
  callImport(importIndex: number): void {
    this.#indexed(CALL, importIndex);
  }

  /**
   * Calls the function that its module defines as the `position`-th. The index is written by `finish`, when
   * the number of imports before it is known.
   */
  callDefined(position: number): void {
    this.#bytes.u8(CALL);
    this.#fixups.push({ at: this.#bytes.length, position });
    for (let i = 0; i < PADDED_INDEX; i++) this.#bytes.u8(0);
  }

  /** Calls through table 0. */
  callIndirect(typeIndex: number): void {
    this.#indexed(CALL_INDIRECT, typeIndex);
    this.#bytes.u8(0);
  }

  /** `block`, `loop` or `if` without parameters and results. */
  open(opcode: number, type: number = VOID): void {
    this.#bytes.u8(opcode);
    this.#bytes.u8(type);
  }

  br(depth: number): void {
    this.#indexed(BR, depth);
  }

  brIf(depth: number): void {
    this.#indexed(BR_IF, depth);
  }

  brTable(opcode: number, depths: readonly number[], fallback: number): void {
    this.#indexed(opcode, depths.length);
    for (const depth of depths) writeUnsigned(this.#bytes, depth);
    writeUnsigned(this.#bytes, fallback);
  }

  /** A load or store at the address on the stack plus `offset`; with alignment 1, which is only a hint. */
  memory(opcode: number, offset = 0): void {
    this.#bytes.u8(opcode);
    this.#bytes.u8(0);
    writeUnsigned(this.#bytes, offset);
  }

  /** The body's bytes. Ends the writing. */
  finish(importCount: number): Uint8Array {
    const bytes = this.#bytes.finish();
    for (const { at, position } of this.#fixups) patchIndex(bytes, at, importCount + position);
    return bytes;
  }

  #indexed(opcode: number, index: number): void {
    this.#bytes.u8(opcode);
    writeUnsigned(this.#bytes, index);
  }
}
