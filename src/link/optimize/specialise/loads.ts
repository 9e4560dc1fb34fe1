/** Value numbers of loads. Only loads from the context and from the packet are shared. */

import { BPF_DW, BPF_MEM, BPF_W } from '../../../isa/index.ts';
import { FRAME_POINTER, type Ins } from '../ir/index.ts';
import type { Passes } from '../model/index.ts';
import { type Expressions, NOT_SHARED } from './expressions.ts';
import { type ContextKind, pointerField } from './fields.ts';
import type { State } from './state.ts';
import { type Kind, NO_VALUE, type Traits, type Value, type Values } from './values.ts';

/** First parts of keys: four sizes each. */
const CONTEXT_LOAD = 0;
const PACKET_LOAD = 4;
/** Makes offsets positive: those of values and of instructions together are smaller. */
const BIAS = 2 ** 25 + 2 ** 16;

export class Loads {
  readonly #values: Values;
  readonly #expressions: Expressions;
  readonly #kind: ContextKind | null;
  readonly #context: Value;
  readonly #passes: Passes;

  constructor(
    values: Values,
    expressions: Expressions,
    context: { readonly kind: ContextKind | null; readonly value: Value },
    passes: Passes,
  ) {
    this.#values = values;
    this.#expressions = expressions;
    this.#kind = context.kind;
    this.#context = context.value;
    this.#passes = passes;
  }

  /** What is to be executed for a load; null for nothing. */
  step(state: State, ins: Ins): Ins | null {
    const isPlain = (ins.opcode & 0xe0) === BPF_MEM && ins.core === null;
    if (!isPlain) return this.#expressions.define(state, ins, NOT_SHARED, {});
    if (ins.src === FRAME_POINTER) return this.#other(state, ins, 'frame');
    const address = state.valueOf(ins.src, this.#values);
    if (address === this.#context && this.#kind !== null) return this.#fromContext(state, ins, this.#kind);
    const { kind } = this.#values.traits(address);
    const isPacket = kind === 'packet' || kind === 'metadata';
    return isPacket ? this.#fromPacket(state, ins, address) : this.#other(state, ins, kind);
  }

  #fromContext(state: State, ins: Ins, context: ContextKind): Ins | null {
    const kind = pointerField(context, ins.offset);
    const version = kind === undefined ? state.fields : state.pointers;
    const size = sizeOf(ins);
    const values = this.#values;
    const key = values.pair(values.pair(CONTEXT_LOAD + size, version), BIAS + ins.offset);
    const traits: Partial<Traits> =
      kind === undefined
        ? { isNarrow: isUpToWord(ins), isUniform: true }
        : { kind, isUniform: true, isBounded: true };
    return this.#expressions.define(state, ins, this.#passes.context ? key : NOT_SHARED, traits);
  }

  #fromPacket(state: State, ins: Ins, address: Value): Ins | null {
    const traits = { isNarrow: isUpToWord(ins), isUniform: true };
    if (!this.#passes.packet) return this.#expressions.define(state, ins, NOT_SHARED, traits);
    const values = this.#values;
    const { base, offset } = values.traits(address);
    const place = values.pair(base === NO_VALUE ? address : base, BIAS + offset + ins.offset);
    const key = values.pair(values.pair(PACKET_LOAD + sizeOf(ins), state.packet), place);
    return this.#expressions.define(state, ins, key, traits);
  }

  /**
   * Others write it, or the stack: never shared. A word through a pointer that may be the context may give a
   * pointer.
   */
  #other(state: State, ins: Ins, kind: Kind): Ins | null {
    const mayBeContext = kind === 'unknown' || kind === 'context';
    const isNarrow = isUpToWord(ins) && (!mayBeContext || (ins.opcode & 0x18) !== BPF_W);
    return this.#expressions.define(state, ins, NOT_SHARED, { isNarrow, isUniform: kind === 'memory' });
  }
}

function sizeOf({ opcode }: Ins): number {
  return (opcode & 0x18) >> 3;
}

function isUpToWord({ opcode }: Ins): boolean {
  return (opcode & 0x18) !== BPF_DW;
}
