/**
 * Operations on packets and contexts as instructions. r1 is the pointer to the packet, r2 its end; r4 and r5 are
 * free.
 */

import { elementAt } from '../../src/bytes/index.ts';
import { insn } from '../../src/isa/assemble.ts';
import * as isa from '../../src/isa/opcodes.ts';
import { CHECKS, type Comparison, type Hook, type PacketAccess, type PacketOp } from './packet-model.ts';

/** Where instructions go. */
export interface Code {
  emit(...insns: readonly isa.Insn[]): void;
  /** A jump whose offset is set by `land`. */
  jump(jump: isa.Insn): number;
  land(from: number): void;
}

type Op<Kind extends PacketOp['kind']> = Extract<PacketOp, { readonly kind: Kind }>;
type Access<What extends PacketAccess['what']> = Extract<PacketAccess, { readonly what: What }>;

const MOV = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const MOV32 = isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X;
const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const ADD = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X;
const ADD_IMM = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K;
const SUB = isa.BPF_ALU64 | isa.BPF_SUB | isa.BPF_X;
const XOR_IMM = isa.BPF_ALU64 | isa.BPF_XOR | isa.BPF_K;
const AND_IMM = isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K;
const JGT = isa.BPF_JMP | isa.BPF_JGT | isa.BPF_X;
const JNE_IMM = isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K;
const SIZE = { 1: isa.BPF_B, 2: isa.BPF_H, 4: isa.BPF_W, 8: isa.BPF_DW } as const;
const LDX = isa.BPF_LDX | isa.BPF_MEM;
const STX = isa.BPF_STX | isa.BPF_MEM;
const ST = isa.BPF_ST | isa.BPF_MEM;

const FIELD = { xdp: { data: 0, end: 4, meta: 8 }, tc: { data: 76, end: 80, meta: 140 } } as const;
const [STORE_BYTES, PULL_DATA, PROCESSOR] = [9, 39, 8] as const;
const ADJUST = { head: 44, meta: 54, tail: 65 } as const;
/** Frame offsets: of a pointer to the packet, and of bytes for a helper. */
const [POINTER, BYTES] = [-64, -32] as const;

export function assemblePacketOp(code: Code, op: PacketOp, hook: Hook): void {
  switch (op.kind) {
    case 'packet':
      simpleAccess(code, op, hook);
      return;
    case 'window':
      window(code, op, hook);
      return;
    case 'adjust':
      if (op.where === 'bytes') changeBytes(code, op.by);
      else adjust(code, op.where, op.by);
      return;
    case 'context':
      if (op.write) code.emit(insn(STX | isa.BPF_W, 6, 8, op.field));
      code.emit(insn(LDX | isa.BPF_W, 1, 6, op.field), insn(ADD, 7, 1));
      return;
    case 'length':
      bounds(code, hook);
      code.emit(insn(SUB, 2, 1), insn(ADD, 7, 2));
  }
}

/** r1 and r2: begin and end of the packet. */
function bounds(code: Code, hook: Hook): void {
  code.emit(insn(LDX | isa.BPF_W, 1, 6, FIELD[hook].data), insn(LDX | isa.BPF_W, 2, 6, FIELD[hook].end));
}

function simpleAccess(code: Code, { offset, size, write }: Op<'packet'>, hook: Hook): void {
  bounds(code, hook);
  code.emit(insn(MOV, 3, 1), insn(ADD_IMM, 3, 0, 0, offset + size));
  const over = code.jump(insn(JGT, 3, 2));
  code.emit(insn(LDX | SIZE[size], 4, 1, offset), insn(ADD, 7, 4));
  if (write) code.emit(insn(STX | SIZE[size], 1, 8, offset));
  code.land(over);
}

function window(code: Code, { length, check, skip, held, accesses }: Op<'window'>, hook: Hook): void {
  bounds(code, hook);
  if (skip > 0) code.emit(insn(ADD_IMM, 1, 0, 0, skip));
  code.emit(insn(MOV, 3, 1), insn(ADD_IMM, 3, 0, 0, length - skip));
  const { jump, reversed, passes } = elementAt(CHECKS, check);
  const compare = insn(isa.BPF_JMP | jump | isa.BPF_X, reversed ? 2 : 3, reversed ? 3 : 2, passes ? 1 : 0);
  if (passes) code.emit(compare);
  const over = code.jump(passes ? insn(isa.OP_JA) : compare);
  if (held === 'saved') code.emit(insn(MOV, 9, 1));
  if (held === 'stack') code.emit(insn(STX | isa.BPF_DW, 10, 1, POINTER));
  let checked = true;
  for (const access of accesses) {
    if (access.what === 'call') {
      code.emit(insn(isa.OP_CALL, 0, 0, 0, PROCESSOR));
      checked = false;
      continue;
    }
    if (held === 'saved') code.emit(insn(MOV, 1, 9));
    if (held === 'stack') code.emit(insn(LDX | isa.BPF_DW, 1, 10, POINTER));
    if (access.what === 'indexed' && !checked) code.emit(insn(LDX | isa.BPF_W, 2, 6, FIELD[hook].end));
    accessed(code, access, skip);
  }
  code.land(over);
}

function accessed(code: Code, access: PacketAccess, skip: number): void {
  switch (access.what) {
    case 'load':
      code.emit(insn(LDX | SIZE[access.size], 4, 1, access.offset - skip), insn(ADD, 7, 4));
      return;
    case 'store':
      code.emit(stored(access, skip));
      return;
    case 'add': {
      const at = access.offset - skip;
      code.emit(insn(LDX | SIZE[access.size], 4, 1, at), insn(ADD_IMM, 4, 0, 0, access.value));
      code.emit(insn(STX | SIZE[access.size], 1, 4, at));
      return;
    }
    case 'test':
      code.emit(insn(LDX | SIZE[access.size], 4, 1, access.offset - skip));
      if (access.copied) code.emit(insn(MOV32, 5, 4));
      compared(code, access.copied ? 5 : 4, access.test);
      return;
    case 'indexed':
      indexed(code, access, skip);
  }
}

function stored({ offset, size, value }: Access<'store'>, skip: number): isa.Insn {
  if (value === null) return insn(STX | SIZE[size], 1, 8, offset - skip);
  return insn(ST | SIZE[size], 1, 0, offset - skip, value);
}

/** `amount` is added to r7 where a comparison of `register` does not hold. */
export function compared(code: Code, register: number, test: Comparison): void {
  const { jump, narrow, value, amount, changes } = test;
  const over = code.jump(insn((narrow ? isa.BPF_JMP32 : isa.BPF_JMP) | jump, register, 0, 0, value));
  code.emit(insn(ADD_IMM, 7, 0, 0, amount));
  if (changes) code.emit(insn(XOR_IMM, register, 0, 0, 1));
  code.land(over);
}

function indexed(code: Code, { offset, mask }: Access<'indexed'>, skip: number): void {
  code.emit(insn(LDX | isa.BPF_B, 4, 1, offset - skip), insn(AND_IMM, 4, 0, 0, mask));
  code.emit(insn(MOV, 3, 1), insn(ADD, 3, 4), insn(MOV, 5, 3), insn(ADD_IMM, 5, 0, 0, 1));
  const over = code.jump(insn(JGT, 5, 2));
  code.emit(insn(LDX | isa.BPF_B, 4, 3), insn(ADD, 7, 4));
  code.land(over);
}

/**
 * Moves an end of an XDP packet. Bytes that appear in front are written, and metadata is taken away again: what a
 * component finds does not depend on the room that others used.
 */
function adjust(code: Code, where: 'head' | 'tail' | 'meta', by: number): void {
  const amount = where === 'meta' ? -4 : by;
  code.emit(insn(MOV, 1, 6), insn(MOV_IMM, 2, 0, 0, amount), insn(isa.OP_CALL, 0, 0, 0, ADJUST[where]));
  code.emit(insn(ADD, 7, 0));
  if (where === 'tail' || amount > 0) return;
  const failed = code.jump(insn(JNE_IMM, 0));
  const from = where === 'meta' ? FIELD.xdp.meta : FIELD.xdp.data;
  const end = where === 'meta' ? FIELD.xdp.data : FIELD.xdp.end;
  code.emit(insn(LDX | isa.BPF_W, 1, 6, from), insn(LDX | isa.BPF_W, 2, 6, end));
  code.emit(insn(MOV, 3, 1), insn(ADD_IMM, 3, 0, 0, -amount));
  const over = code.jump(insn(JGT, 3, 2));
  for (let at = 0; at < -amount; at++) code.emit(insn(STX | isa.BPF_B, 1, 8, at));
  code.emit(insn(LDX | isa.BPF_B, 4, 1), insn(ADD, 7, 4));
  code.land(over);
  if (where === 'meta')
    code.emit(insn(MOV, 1, 6), insn(MOV_IMM, 2, 0, 0, 4), insn(isa.OP_CALL, 0, 0, 0, ADJUST.meta));
  code.land(failed);
}

/** Bytes of an skb by a helper, which invalidates pointers to the packet. */
function changeBytes(code: Code, by: number): void {
  if (by < 0) {
    code.emit(insn(MOV, 1, 6), insn(MOV_IMM, 2, 0, 0, 20 - by), insn(isa.OP_CALL, 0, 0, 0, PULL_DATA));
  } else {
    code.emit(insn(STX | isa.BPF_DW, 10, 8, BYTES), insn(MOV, 1, 6), insn(MOV_IMM, 2, 0, 0, 12 + by));
    code.emit(insn(MOV, 3, 10), insn(ADD_IMM, 3, 0, 0, BYTES), insn(MOV_IMM, 4, 0, 0, by), insn(MOV_IMM, 5));
    code.emit(insn(isa.OP_CALL, 0, 0, 0, STORE_BYTES));
  }
  code.emit(insn(ADD, 7, 0));
}
