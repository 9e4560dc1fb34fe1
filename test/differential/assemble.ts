/** Operations as instructions, with the places where they refer to other things. */

import type { LineRecord } from '../../src/btf/binary/lines.ts';
import { insn } from '../../src/isa/assemble.ts';
import * as isa from '../../src/isa/opcodes.ts';
import { assemblePacketOp, compared } from './assemble-packet.ts';
import type { FunctionEntity, Model, Op } from './model.ts';
import { CONTEXT_FIELDS } from './packet-model.ts';

/** What an instruction refers to; who lays out an object turns it into a symbol. */
export type Target =
  | { readonly kind: 'function'; readonly id: number }
  | { readonly kind: 'variable'; readonly id: number }
  | { readonly kind: 'map'; readonly id: number }
  | { readonly kind: 'string'; readonly text: string };

export interface Use {
  readonly insnIndex: number;
  readonly kind: 'call' | 'address';
  readonly target: Target;
  readonly addend: number;
}

export interface Assembled {
  readonly insns: readonly isa.Insn[];
  readonly uses: readonly Use[];
  readonly lines: readonly LineRecord[];
  /** Instructions whose imm is the offset of a member of `struct xdp_md`. */
  readonly core: readonly { readonly insnIndex: number; readonly member: number }[];
}

const MOV = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const XOR = isa.BPF_ALU64 | isa.BPF_XOR | isa.BPF_X;
const ADD = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X;
const ADD_IMM = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K;
const SIZE = { 1: isa.BPF_B, 2: isa.BPF_H, 4: isa.BPF_W, 8: isa.BPF_DW } as const;
const [KEY, VALUE, CONTEXT, SPILLED] = [-8, -32, -40, -56] as const;
/** Two places of which a branch chooses one. */
const FRAME = [-72, -88] as const;
const [LOOKUP, UPDATE, DELETE, TAIL_CALL, LOOP] = [1, 2, 3, 12, 181] as const;

class Assembler {
  readonly insns: isa.Insn[] = [];
  readonly uses: Use[] = [];
  readonly lines: LineRecord[] = [];
  readonly core: { readonly insnIndex: number; readonly member: number }[] = [];
  readonly #model: Model;
  readonly #owner: FunctionEntity;

  constructor(model: Model, owner: FunctionEntity) {
    this.#model = model;
    this.#owner = owner;
  }

  emit(...insns: readonly isa.Insn[]): void {
    this.insns.push(...insns);
  }

  address(register: number, target: Target, addend = 0): void {
    this.uses.push({ insnIndex: this.insns.length, kind: 'address', target, addend });
    this.emit(insn(isa.OP_LD_IMM64, register), insn(0));
  }

  /** A jump whose offset is set by `land`. */
  jump(jump: isa.Insn): number {
    this.emit(jump);
    return this.insns.length - 1;
  }

  land(from: number): void {
    this.insns[from] = { ...(this.insns[from] ?? insn(0)), offset: this.insns.length - from - 1 };
  }

  line(text: string): void {
    const { unit, id } = this.#owner;
    if (this.lines.at(-1)?.insnIndex === this.insns.length) return;
    const line = 1 + id * 50 + this.lines.length;
    this.lines.push({ insnIndex: this.insns.length, file: `unit${unit}.c`, text, line, column: 1 });
  }

  ops(ops: readonly Op[]): void {
    for (const op of ops) {
      this.line(op.kind);
      this.op(op);
    }
  }

  op(op: Op): void {
    switch (op.kind) {
      case 'alu':
        this.emit(...op.insns);
        return;
      case 'branch': {
        const over = this.jump(op.insn);
        this.ops(op.body);
        this.land(over);
        return;
      }
      case 'loop': {
        this.emit(insn(MOV_IMM, 9, 0, 0, op.count));
        const start = this.insns.length;
        this.ops(op.body);
        this.emit(insn(ADD_IMM, 9, 0, 0, -1));
        const back = start - this.insns.length - 1;
        this.emit(insn(isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K, 9, 0, back, 0));
        return;
      }
      case 'spill': {
        const at = SPILLED + 8 * op.slot;
        this.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 10, 7, at), insn(ADD, 7, 8));
        this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 8, 10, at));
        return;
      }
      case 'variable':
        this.#variable(op);
        return;
      case 'string': {
        this.address(1, { kind: 'string', text: op.text }, 0);
        const at = op.at % op.text.length;
        this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_B, 1, 1, at), insn(ADD, 7, 1));
        return;
      }
      case 'core':
        this.core.push({ insnIndex: this.insns.length, member: op.member });
        this.emit(insn(MOV_IMM, 1, 0, 0, 4 * op.member), insn(ADD, 7, 1));
        return;
      case 'call':
        this.#call(op.callee);
        return;
      case 'bpf-loop':
        this.#bpfLoop(op.callback, op.count);
        return;
      case 'packet':
      case 'window':
      case 'adjust':
      case 'context':
      case 'length':
        assemblePacketOp(this, op, this.#model.hook);
        return;
      case 'compare':
        this.#compare(op);
        return;
      case 'narrow':
        this.#narrow(op);
        return;
      case 'frame':
        this.#frame(op);
        return;
      case 'tail-call':
        this.emit(insn(MOV, 1, 6));
        this.address(2, { kind: 'map', id: op.map });
        this.emit(insn(MOV_IMM, 3, 0, 0, op.index), insn(isa.OP_CALL, 0, 0, 0, TAIL_CALL));
        return;
      default:
        this.#map(op);
    }
  }

  #variable(op: Op & { readonly kind: 'variable' }): void {
    this.address(1, { kind: 'variable', id: op.variable }, op.offset);
    const size = SIZE[op.size];
    if (op.access === 'atomic') {
      this.emit(insn(MOV, 2, 8), insn(MOV, 0, 7));
      this.emit(insn(isa.BPF_STX | isa.BPF_ATOMIC | size, 1, 2, 0, op.atomic));
      this.emit(insn(XOR, 7, op.atomic === isa.BPF_CMPXCHG ? 0 : 2));
      return;
    }
    this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | size, 2, 1), insn(XOR, 7, 2));
    if (op.access === 'add') this.emit(insn(ADD, 2, 8), insn(isa.BPF_STX | isa.BPF_MEM | size, 1, 2));
    if (op.access === 'store') this.emit(insn(isa.BPF_STX | isa.BPF_MEM | size, 1, 8));
  }

  #call(callee: number): void {
    const context = this.#model.functions[callee]?.role === 'context';
    this.emit(insn(MOV, 1, context ? 6 : 7), insn(MOV, 2, context ? 7 : 8));
    this.uses.push({
      insnIndex: this.insns.length,
      kind: 'call',
      target: { kind: 'function', id: callee },
      addend: 0,
    });
    this.emit(insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1));
    this.emit(insn(isa.BPF_ALU64 | isa.BPF_MUL | isa.BPF_K, 7, 0, 0, 31), insn(ADD, 7, 0));
  }

  #bpfLoop(callback: number, count: number): void {
    this.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 10, 7, CONTEXT), insn(MOV_IMM, 1, 0, 0, count));
    this.address(2, { kind: 'function', id: callback });
    this.emit(insn(MOV, 3, 10), insn(ADD_IMM, 3, 0, 0, CONTEXT), insn(MOV_IMM, 4));
    this.emit(insn(isa.OP_CALL, 0, 0, 0, LOOP));
    this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 1, 10, CONTEXT), insn(XOR, 7, 1), insn(ADD, 7, 0));
  }

  #compare({ mask, tests }: Op & { readonly kind: 'compare' }): void {
    this.emit(insn(MOV, 1, 8), insn(isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K, 1, 0, 0, mask));
    for (const test of tests) compared(this, 1, test);
    this.emit(insn(ADD, 7, 1));
  }

  #narrow({ form, value }: Op & { readonly kind: 'narrow' }): void {
    const MOV32 = isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X;
    if (form === 0) this.emit(insn(MOV32, 1, 7), insn(XOR, 8, 1));
    else if (form === 1) this.emit(insn(MOV, 1, 7), insn(MOV32, 1, 1), insn(ADD, 7, 1));
    else {
      // the low half is `value`, the high half is 0 or 1
      this.emit(insn(MOV, 1, 7), insn(isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K, 1, 0, 0, 1));
      this.emit(insn(isa.BPF_ALU64 | isa.BPF_LSH | isa.BPF_K, 1, 0, 0, 32));
      this.emit(insn(isa.BPF_ALU64 | isa.BPF_OR | isa.BPF_K, 1, 0, 0, value));
      for (const narrow of form === 2 ? [true, false] : [false, true])
        for (const amount of [5, 70])
          compared(this, 1, { jump: isa.BPF_JNE, narrow, value, amount, changes: false });
      this.emit(insn(MOV32, 2, 1), insn(ADD, 7, 2), insn(XOR, 7, 1));
    }
  }

  #frame({ insn: branch, body }: Op & { readonly kind: 'frame' }): void {
    const [near, far] = FRAME;
    this.emit(insn(MOV, 9, 10), insn(ADD_IMM, 9, 0, 0, near), insn(MOV, 1, 10), insn(ADD_IMM, 1, 0, 0, far));
    const over = this.jump(branch);
    this.emit(insn(MOV, 9, 1));
    this.land(over);
    this.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 9, 7));
    this.ops(body);
    this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 1, 9), insn(ADD, 7, 1));
  }

  #map(op: Op & { readonly kind: 'lookup' | 'update' | 'delete' }): void {
    const map = this.#model.maps[op.map];
    this.emit(insn(MOV, 1, 7), insn(isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K, 1, 0, 0, op.mask));
    this.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_W, 10, 1, KEY));
    if (op.kind === 'update')
      for (let word = 0; word < (map?.valueWords ?? 0); word++)
        this.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 10, word % 2 === 0 ? 8 : 7, VALUE + 8 * word));
    this.address(1, { kind: 'map', id: op.map });
    this.emit(insn(MOV, 2, 10), insn(ADD_IMM, 2, 0, 0, KEY));
    if (op.kind === 'update')
      this.emit(insn(MOV, 3, 10), insn(ADD_IMM, 3, 0, 0, VALUE), insn(MOV_IMM, 4, 0, 0, op.flags));
    const helper = op.kind === 'lookup' ? LOOKUP : op.kind === 'update' ? UPDATE : DELETE;
    this.emit(insn(isa.OP_CALL, 0, 0, 0, helper));
    if (op.kind !== 'lookup') {
      this.emit(insn(ADD, 7, 0));
      return;
    }
    const over = this.jump(insn(isa.BPF_JMP | isa.BPF_JEQ | isa.BPF_K, 0));
    this.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 1, 0), insn(XOR, 7, 1));
    if (op.atomic !== null) {
      this.emit(insn(MOV, 1, 0), insn(MOV, 0, 7), insn(MOV, 2, 8));
      this.emit(insn(isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW, 1, 2, 0, op.atomic));
      this.emit(insn(ADD, 7, op.atomic === isa.BPF_CMPXCHG ? 0 : 2));
    } else this.emit(insn(ADD, 1, 8), insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 0, 1));
    this.land(over);
  }
}

/** The instructions of a function. `changed` makes another function of it: what a weak definition that loses says. */
export function assemble(model: Model, owner: FunctionEntity, changed = false): Assembled {
  const assembler = new Assembler(model, owner);
  assembler.line(owner.name);
  const { role } = owner;
  if (role === 'plain') assembler.emit(insn(MOV, 7, 1), insn(MOV, 8, 2));
  else if (role === 'context') assembler.emit(insn(MOV, 6, 1), insn(MOV, 7, 2), insn(MOV, 8, 2));
  else if (role === 'program') {
    assembler.emit(
      insn(MOV, 6, 1),
      insn(MOV_IMM, 7, 0, 0, owner.start),
      insn(MOV_IMM, 8, 0, 0, owner.id + 3),
    );
    // a number that the verifier does not know, as most are that programs compute with
    if ((owner.start & 3) !== 0) {
      const field = CONTEXT_FIELDS[model.hook][0] ?? 0;
      assembler.emit(insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W, 1, 6, field), insn(XOR, 7, 1));
    }
  } else {
    assembler.emit(insn(MOV, 6, 2), insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 7, 6), insn(MOV, 8, 1));
  }
  if (changed) assembler.emit(insn(ADD_IMM, 7, 0, 0, 0x1234567));
  else assembler.ops(owner.ops);
  assembler.line('return');
  if (role === 'callback')
    assembler.emit(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 6, 7), insn(MOV_IMM, 0));
  else assembler.emit(insn(MOV, 0, 7));
  if (role === 'program' && model.verdictMask !== 0) {
    if ((owner.start & 4) === 0) {
      assembler.emit(insn(isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K, 0, 0, 0, model.verdictMask));
    } else {
      // one of two constants
      assembler.emit(insn(MOV_IMM, 0, 0, 0, 1), insn(isa.BPF_JMP | isa.BPF_JSET | isa.BPF_K, 7, 0, 1, 24));
      assembler.emit(insn(MOV_IMM, 0, 0, 0, 2 & model.verdictMask));
    }
  }
  assembler.emit(insn(isa.OP_EXIT));
  const { insns, uses, lines, core } = assembler;
  return { insns, uses, lines, core };
}
