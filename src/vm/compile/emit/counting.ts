/**
 * Counting which instructions run, and marks of those that are of interest: only where they are asked for; other
 * machines have none of this code.
 *
 * A counter is 8 bytes in memory that no program may access. Instructions that run one after the other share one, and
 * what may end a run (loads, stores, calls) is the last of those that do, so that counts are exact after an error, too.
 */

import { BPF_ALU, BPF_ALU64, classOf } from '../../../isa/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { CodeUnit } from '../analysis/index.ts';
import { COUNTER_SIZE } from './counters.ts';
import type { FunctionEmitter } from './emitter.ts';

/** Counts entries of the function. */
export function countEntry(f: FunctionEmitter): void {
  const { counters } = f;
  if (counters !== undefined) increment(f, counters.address);
}

/** Counts the instructions of a block; called before each of them, in order. */
export class BlockCounter {
  readonly #f: FunctionEmitter;
  readonly #unit: CodeUnit;
  /** The slot whose counter counts the ones after it; -1: the next one takes its own. */
  #current = -1;

  constructor(f: FunctionEmitter, unit: CodeUnit) {
    this.#f = f;
    this.#unit = unit;
  }

  before(slot: number): void {
    const { counters } = this.#f;
    if (counters === undefined) return;
    if (this.#current < 0) {
      this.#current = slot;
      increment(this.#f, counters.address + COUNTER_SIZE * (1 + slot));
    }
    counters.countedBy[slot] = this.#current + 1;
    const insnClass = classOf(this.#unit.code.opcode(slot));
    if (insnClass !== BPF_ALU && insnClass !== BPF_ALU64) this.#current = -1;
  }
}

/** Stores the number that the instruction is marked with. */
export function storeMark({ code, plan, unit }: FunctionEmitter, slot: number): void {
  const number = plan.marks?.marks.get(unit.symbol)?.get(slot);
  if (plan.marks === undefined || number === undefined) return;
  code.i32(plan.marks.address);
  code.i32(number);
  code.memory(w.I32_STORE);
}

function increment({ code }: FunctionEmitter, address: number): void {
  code.i32(address);
  code.i32(address);
  code.memory(w.I64_LOAD);
  code.i64(1);
  code.op(w.I64_ADD);
  code.memory(w.I64_STORE);
}
