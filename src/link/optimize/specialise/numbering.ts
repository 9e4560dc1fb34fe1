/**
 * Value numbering of one instruction after the other: what it computes, what it changes in memory, and what is to
 * be executed in its place.
 */

import {
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  callKeepsPacket,
  helperName,
  isAlu,
  isAtomic,
  isMove,
  isStore,
  OP_LD_IMM64,
} from '../../../isa/index.ts';
import { FRAME_POINTER, type Ins, isCall, OP_FRAME_ADDRESS, writtenRegister } from '../ir/index.ts';
import type { Passes } from '../model/index.ts';
import { Arithmetic } from './arithmetic.ts';
import { joinWords } from './constants.ts';
import { Expressions } from './expressions.ts';
import { type ContextKind, pointerField } from './fields.ts';
import { Loads } from './loads.ts';
import { State } from './state.ts';
import { type Kind, NO_VALUE, type Value, type Values } from './values.ts';

/** Helpers whose result points neither into the packet nor to the context. */
const MEMORY_HELPERS: ReadonlySet<string> = new Set([
  'bpf_map_lookup_elem',
  'bpf_map_lookup_percpu_elem',
  'bpf_per_cpu_ptr',
  'bpf_this_cpu_ptr',
  'bpf_get_local_storage',
  'bpf_sk_storage_get',
  'bpf_task_storage_get',
  'bpf_cgrp_storage_get',
  'bpf_ringbuf_reserve',
]);

/** r0 to r5, which calls write or leave undefined. */
const CALL_REGISTERS = 6;
const RESULT = 0;
/** The register that has the context at the entry. */
const CONTEXT_ARGUMENT = 1;

export class Numbering {
  readonly #values: Values;
  readonly #kind: ContextKind | null;
  readonly #context: Value;
  readonly #frame: Value;
  readonly #expressions: Expressions;
  readonly #arithmetic: Arithmetic;
  readonly #loads: Loads;

  constructor(values: Values, kind: ContextKind | null, passes: Passes) {
    this.#values = values;
    this.#kind = kind;
    this.#context = values.fresh({ kind: kind === null ? 'unknown' : 'context' });
    this.#frame = values.fresh({ kind: 'frame' });
    this.#expressions = new Expressions(values);
    this.#arithmetic = new Arithmetic(values, this.#expressions, passes.packet);
    this.#loads = new Loads(values, this.#expressions, { kind, value: this.#context }, passes);
  }

  /** The state at the entry of a program. */
  entryState(registers: number): State {
    const state = State.empty(registers);
    state.set(CONTEXT_ARGUMENT, this.#context, this.#values);
    return state;
  }

  /** Follows a list, adds to `out` what is to be executed, and returns how many of them a register had already. */
  follow(state: State, list: readonly Ins[], out: Ins[]): number {
    let shared = 0;
    for (const ins of list) {
      const executed = this.step(state, ins);
      if (executed !== null) out.push(executed);
      if (executed !== ins && !isMove(ins.opcode)) shared++;
    }
    return shared;
  }

  /** Follows an instruction; returns what is to be executed in its place, null for nothing. */
  step(state: State, ins: Ins): Ins | null {
    const { opcode } = ins;
    if (opcode === OP_FRAME_ADDRESS)
      return this.#expressions.assign(state, ins, this.#values.displaced(this.#frame, ins.imm));
    if (isAlu(opcode)) return this.#arithmetic.step(state, ins);
    if ((opcode & 7) === BPF_LDX) return this.#loads.step(state, ins);
    if (opcode === OP_LD_IMM64) return this.#loadNumber(state, ins);
    if ((opcode & 7) === BPF_ST || (opcode & 7) === BPF_STX) this.#write(state, ins);
    else this.#call(state, ins);
    return ins;
  }

  /** Each address is a value of its own: what is learned about one says nothing about another register. */
  #loadNumber(state: State, ins: Ins): Ins {
    const { src, imm, high, reference, core } = ins;
    const isNumber = src === 0 && reference === null && core === null;
    const value = isNumber
      ? this.#values.constant(joinWords(high, imm))
      : this.#values.fresh({ kind: core === null ? 'memory' : 'unknown' });
    return this.#expressions.assign(state, ins, value);
  }

  #write(state: State, ins: Ins): void {
    if (isStore(ins)) this.#store(state, ins);
    const written = isAtomic(ins.opcode) ? writtenRegister(ins) : -1;
    if (written >= 0) state.set(written, this.#values.fresh(), this.#values);
  }

  /** A store through a pointer to anything changes everything. */
  #store(state: State, ins: Ins): void {
    const address = ins.dst === FRAME_POINTER ? this.#frame : state.valueOf(ins.dst, this.#values);
    const { kind } = this.#values.traits(address);
    if (kind === 'frame' || kind === 'memory') return;
    if (kind === 'packet' || kind === 'metadata') state.packet = this.#values.version();
    else if (address === this.#context && this.#isPlainField(ins)) state.fields = this.#values.version();
    else state.forgetMemory(this.#values);
  }

  #isPlainField({ offset, core }: Ins): boolean {
    return this.#kind !== null && core === null && pointerField(this.#kind, offset) === undefined;
  }

  #call(state: State, ins: Ins): void {
    if (!callKeepsPacket(ins)) state.forgetMemory(this.#values);
    for (let register = 0; register < CALL_REGISTERS; register++) state.set(register, NO_VALUE, this.#values);
    if (!isCall(ins) || ins.src !== 0) return;
    const name = helperName(ins.imm);
    const kind: Kind = name !== undefined && MEMORY_HELPERS.has(name) ? 'memory' : 'unknown';
    state.set(RESULT, this.#values.fresh({ kind, isUniform: true }), this.#values);
  }
}
