/**
 * What registers are known to hold at each instruction: a constant (numbers, and the addresses of maps,
 * variables and the context, which are constants in the machine's flat memory), or an address in the current
 * stack frame.
 *
 * A forward data flow over the blocks. It decides which accesses need no check at run time, which map a
 * helper call means, and how much stack a function takes. An unknown value is always correct: the check is
 * then made at run time.
 */

import { elementAt } from '../../../bytes/index.ts';
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MOV,
  BPF_MUL,
  BPF_OR,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_X,
  BPF_XOR,
  classOf,
  type Insn,
  OP_CALL,
  OP_LD_IMM64,
  operationOf,
  successorsOf,
  writtenRegister,
} from '../../../isa/index.ts';
import type { CodeReference } from '../../../object/index.ts';
import type { ControlFlow } from './cfg.ts';
import { malformed } from './malformed.ts';
import type { CodeUnit } from './unit.ts';

export type Value =
  /** 64 bits, as a signed number. */
  | { readonly kind: 'const'; readonly value: bigint }
  /** Bytes from the frame pointer; negative inside the frame. */
  | { readonly kind: 'frame'; readonly offset: number }
  | { readonly kind: 'any' };

export const ANY: Value = { kind: 'any' };
export const FRAME_POINTER = 10;
const REGISTERS = 11;
/** An offset outside of this is not followed: no frame is there. */
const FRAME_OFFSET_LIMIT = 1 << 20;

/** Values of r0 to r10. */
export type State = readonly Value[];

/** Address that a reference represents; undefined when it has none. */
export type AddressOf = (reference: CodeReference) => bigint | undefined;

export function constant(value: bigint): Value {
  return { kind: 'const', value: BigInt.asIntN(64, value) };
}

export interface ValueAnalysis {
  /** State at the start of each block. */
  readonly atBlock: readonly State[];
  /** Bytes of stack that the function's own addresses reach below the frame pointer. */
  readonly stackDepth: number;
}

/** Analyses a function that is entered with `r1` as given. */
export function analyseValues(
  unit: CodeUnit,
  flow: ControlFlow,
  r1: Value,
  addressOf: AddressOf,
): ValueAnalysis {
  const states: (State | undefined)[] = flow.blocks.map(() => undefined);
  let lowest = 0;
  if (flow.blocks.length > 0) states[0] = entryState(r1);
  const work = new Set<number>(flow.blocks.length > 0 ? [0] : []);
  for (const block of work) {
    work.delete(block);
    const { start, end } = elementAt(flow.blocks, block);
    const state = [...(states[block] ?? entryState(ANY))];
    let slot = start;
    for (; slot < end && malformed(unit.code, slot) === undefined; slot += unit.code.width(slot)) {
      lowest = Math.min(lowest, lowestFrameOffset(unit, slot, state));
      step(unit, slot, state, addressOf);
    }
    if (slot < end) continue; // a run ends at a malformed instruction
    for (const target of successorsOf(elementAt(flow.blocks, block))) {
      const known = states[target];
      const joined = known === undefined ? [...state] : join(known, state);
      if (joined === undefined) continue;
      states[target] = joined;
      work.add(target);
    }
  }
  return { atBlock: states.map(state => state ?? entryState(ANY)), stackDepth: Math.abs(lowest) };
}

function entryState(r1: Value): State {
  const state = new Array<Value>(REGISTERS).fill(ANY);
  state[1] = r1;
  state[FRAME_POINTER] = { kind: 'frame', offset: 0 };
  return state;
}

/** What both states agree on; undefined when that is `known` itself. */
function join(known: State, other: State): State | undefined {
  let changed = false;
  const joined = known.map((value, register) => {
    if (value.kind === 'any' || sameValue(value, other[register] ?? ANY)) return value;
    changed = true;
    return ANY;
  });
  return changed ? joined : undefined;
}

function sameValue(a: Value, b: Value): boolean {
  if (a.kind === 'const') return b.kind === 'const' && a.value === b.value;
  if (a.kind === 'frame') return b.kind === 'frame' && a.offset === b.offset;
  return b.kind === 'any';
}

/** Lowest frame offset that the instruction at `slot` accesses or could hand to a callee. */
function lowestFrameOffset(unit: CodeUnit, slot: number, state: State): number {
  const { code } = unit;
  const opcode = code.opcode(slot);
  const insnClass = classOf(opcode);
  if (opcode === OP_CALL) {
    let lowest = 0;
    for (let register = 1; register <= 5; register++) {
      const value = state[register] ?? ANY;
      if (value.kind === 'frame') lowest = Math.min(lowest, value.offset);
    }
    return lowest;
  }
  if (insnClass !== BPF_LDX && insnClass !== BPF_ST && insnClass !== BPF_STX) return 0;
  const base = state[insnClass === BPF_LDX ? code.src(slot) : code.dst(slot)] ?? ANY;
  return base.kind === 'frame' ? Math.min(0, base.offset + code.offset(slot)) : 0;
}

/** Applies the instruction at `slot` to `state`. */
export function step(unit: CodeUnit, slot: number, state: Value[], addressOf: AddressOf): void {
  const { code } = unit;
  const opcode = code.opcode(slot);
  const dst = code.dst(slot);
  switch (classOf(opcode)) {
    case BPF_ALU:
    case BPF_ALU64:
      state[dst] = arithmetic(unit, slot, state);
      return;
    case BPF_LDX:
      state[dst] = ANY;
      return;
    case BPF_LD:
      if (opcode === OP_LD_IMM64) state[dst] = loaded(unit, slot, addressOf);
      else state.fill(ANY, 0, 6); // the packet loads are calls
      return;
    case BPF_STX:
      forgetFetched(code.at(slot), state);
      return;
    default:
      if (opcode === OP_CALL) state.fill(ANY, 0, 6);
  }
}

function forgetFetched(insn: Insn, state: Value[]): void {
  const written = writtenRegister(insn);
  if (written >= 0) state[written] = ANY;
}

function loaded(unit: CodeUnit, slot: number, addressOf: AddressOf): Value {
  const reference = unit.references.get(slot);
  if (reference === undefined) return constant(unit.code.imm64(slot));
  const address = addressOf(reference);
  return address === undefined ? ANY : constant(address);
}

function arithmetic(unit: CodeUnit, slot: number, state: State): Value {
  const { code } = unit;
  const opcode = code.opcode(slot);
  const wide = classOf(opcode) === BPF_ALU64;
  const operation = operationOf(opcode);
  if (code.offset(slot) !== 0) return ANY; // sign-extending moves, signed division
  const left = state[code.dst(slot)] ?? ANY;
  const right: Value =
    (opcode & BPF_X) !== 0 ? (state[code.src(slot)] ?? ANY) : constant(BigInt(code.imm(slot)));
  if (operation === BPF_MOV) return wide ? right : truncated(right);
  if (left.kind === 'const' && right.kind === 'const')
    return folded(operation, wide, left.value, right.value);
  if (!wide || right.kind !== 'const' || left.kind !== 'frame') return ANY;
  if (operation === BPF_ADD) return frame(left.offset + Number(right.value));
  return operation === BPF_SUB ? frame(left.offset - Number(right.value)) : ANY;
}

function frame(offset: number): Value {
  return Math.abs(offset) < FRAME_OFFSET_LIMIT ? { kind: 'frame', offset } : ANY;
}

function truncated(value: Value): Value {
  return value.kind === 'const' ? constant(BigInt.asUintN(32, value.value)) : ANY;
}

function folded(operation: number, wide: boolean, a: bigint, b: bigint): Value {
  const bits = wide ? 64 : 32;
  const left = BigInt.asUintN(bits, a);
  const right = BigInt.asUintN(bits, b);
  const shift = right % BigInt(bits);
  const result = foldedBits(operation, left, right, shift);
  if (result === undefined) return ANY;
  return constant(BigInt.asUintN(bits, result));
}

function foldedBits(operation: number, left: bigint, right: bigint, shift: bigint): bigint | undefined {
  switch (operation) {
    case BPF_ADD:
      return left + right;
    case BPF_SUB:
      return left - right;
    case BPF_MUL:
      return left * right;
    case BPF_OR:
      return left | right;
    case BPF_AND:
      return left & right;
    case BPF_XOR:
      return left ^ right;
    case BPF_LSH:
      return left << shift;
    case BPF_RSH:
      return left >> shift;
    default:
      return undefined;
  }
}
