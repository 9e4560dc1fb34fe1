/**
 * What a function can return: the numbers that reach r0 where it exits, as far as the code alone tells.
 *
 * A forward data flow over single instructions. A value is a small set of numbers, of which only the low 32 bits
 * are followed, since a verdict has no more; or it is not known. Whatever is not understood is not known, so that
 * a result that is complete holds for every run. Separate from the call graph, which does not look at values.
 */

import {
  accessSize,
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_FUNC_TAIL_CALL,
  BPF_JEQ,
  BPF_JMP32,
  BPF_JNE,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MEM,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_PSEUDO_CALL,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_X,
  BPF_XOR,
  CodeView,
  classOf,
  helperName,
  type Insn,
  isJumpClass,
  modeOf,
  OP_CALL,
  OP_CALLX,
  OP_EXIT,
  OP_GOTOX,
  OP_JA,
  OP_JA32,
  OP_LD_IMM64,
  operationOf,
  writtenRegister,
} from '../../isa/index.ts';
import {
  BPF_PROG_TYPE_XDP,
  TC_ACT_REDIRECT,
  TC_ACT_SHOT,
  XDP_ABORTED,
  XDP_REDIRECT,
} from '../../uapi/index.ts';
import type { BpfObject, SymbolIndex } from '../model/index.ts';

/** What a function can return. */
export interface ReturnValues {
  /** As signed 32-bit numbers, ascending. */
  readonly values: readonly number[];
  /** Why it can return anything else; empty: it cannot. One phrase each: `a value that it computes`. */
  readonly unknown: readonly string[];
}

/** Numbers as unsigned 32 bits; null: not known. */
type Values = readonly number[] | null;

/** Registers r0 to r9, then the stack by byte offset from the frame pointer and size. */
interface State {
  readonly registers: readonly Values[];
  readonly stack: ReadonlyMap<string, Values>;
}

const REGISTERS = 10;
const FRAME_POINTER = 10;
/** A set with more numbers is not known. */
const MOST_VALUES = 16;
const COMPUTED = 'a value that it computes';

/** What the function can return as a program of this type, callees included. */
export function returnValues(object: BpfObject, index: SymbolIndex, progType: number): ReturnValues {
  return new Analysis(object, progType).of(index);
}

class Analysis {
  readonly #object: BpfObject;
  readonly #progType: number;
  readonly #known = new Map<SymbolIndex, ReturnValues>();

  constructor(object: BpfObject, progType: number) {
    this.#object = object;
    this.#progType = progType;
  }

  /** A function that calls itself returns anything, as far as is known of it here. */
  of(index: SymbolIndex): ReturnValues {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    this.#known.set(index, { values: [], unknown: [COMPUTED] });
    const symbol = this.#object.symbols[index];
    const result =
      symbol?.kind === 'function'
        ? this.#flow(new CodeView(symbol.code, this.#object.byteOrder), callsOf(symbol.references))
        : { values: [], unknown: ['what another object defines'] };
    this.#known.set(index, result);
    return result;
  }

  #flow(code: CodeView, calls: ReadonlyMap<number, SymbolIndex>): ReturnValues {
    const states: (State | undefined)[] = new Array(code.length).fill(undefined);
    const returned = new Set<number>();
    const unknown = new Set<string>();
    states[0] = ENTRY;
    const work = [0];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      const state = states[at];
      if (state === undefined) continue;
      const insn = code.at(at);
      if (insn.opcode === OP_EXIT) {
        addReturned(state.registers[0] ?? null, returned, unknown);
        continue;
      }
      if (insn.opcode === OP_GOTOX) return { values: [], unknown: ['what follows an indirect jump'] };
      for (const [to, next] of this.#successors(code, at, insn, state, calls.get(at), unknown)) {
        const before = states[to];
        const joined = before === undefined ? next : join(before, next);
        if (to >= code.length || (before !== undefined && isSame(before, joined))) continue;
        states[to] = joined;
        work.push(to);
      }
    }
    const values = [...returned].map(value => value | 0).sort((a, b) => a - b);
    return { values, unknown: [...unknown] };
  }

  #successors(
    code: CodeView,
    at: number,
    insn: Insn,
    state: State,
    callee: SymbolIndex | undefined,
    unknown: Set<string>,
  ): readonly (readonly [number, State])[] {
    const next = at + code.width(at);
    const insnClass = classOf(insn.opcode);
    if (insn.opcode === OP_CALL || insn.opcode === OP_CALLX)
      return [[next, this.#called(insn, state, callee, unknown)]];
    if (insn.opcode === OP_JA) return [[next + insn.offset, state]];
    if (insn.opcode === OP_JA32) return [[next + insn.imm, state]];
    if (isJumpClass(insn.opcode)) return branches(insn, state, next);
    const value = insn.opcode === OP_LD_IMM64 && insn.src === 0 ? [insn.imm >>> 0] : null;
    // a load from the packet that fails ends the program with 0
    if (insnClass === BPF_LD && insn.opcode !== OP_LD_IMM64) unknown.add('0, where a packet is too short');
    return [[next, step(insn, state, value)]];
  }

  #called(insn: Insn, state: State, callee: SymbolIndex | undefined, unknown: Set<string>): State {
    const result = this.#result(insn, state, callee, unknown);
    const registers = state.registers.map((value, register) => (register <= 5 ? null : value));
    registers[0] = result;
    return { registers, stack: NO_STACK };
  }

  #result(insn: Insn, state: State, callee: SymbolIndex | undefined, unknown: Set<string>): Values {
    if (insn.opcode === OP_CALL && insn.src === BPF_PSEUDO_CALL && callee !== undefined) {
      const inner = this.of(callee);
      for (const reason of inner.unknown) if (reason !== COMPUTED) unknown.add(reason);
      return inner.unknown.length > 0 ? null : inner.values.map(value => value >>> 0);
    }
    if (insn.opcode !== OP_CALL || insn.src !== 0) return null;
    if (insn.imm === BPF_FUNC_TAIL_CALL) unknown.add('the verdict of a program that it tail-calls');
    return this.#helperResult(helperName(insn.imm), state);
  }

  #helperResult(name: string | undefined, { registers }: State): Values {
    const isXdp = this.#progType === BPF_PROG_TYPE_XDP;
    switch (name) {
      case 'bpf_redirect':
        return isXdp ? [XDP_ABORTED, XDP_REDIRECT] : [TC_ACT_SHOT, TC_ACT_REDIRECT];
      case 'bpf_redirect_neigh':
      case 'bpf_redirect_peer':
        return [TC_ACT_SHOT, TC_ACT_REDIRECT];
      case 'bpf_redirect_map': {
        // the low bits of the flags are the verdict where nothing is in the map
        const flags = registers[3] ?? null;
        return isXdp ? union([XDP_REDIRECT], flags?.map(value => value & 3) ?? [0, 1, 2, 3]) : null;
      }
      default:
        return null;
    }
  }
}

const NO_STACK: ReadonlyMap<string, Values> = new Map();
const ENTRY: State = { registers: new Array<Values>(REGISTERS).fill(null), stack: NO_STACK };

function callsOf(references: readonly { readonly insnIndex: number; readonly symbol: SymbolIndex }[]) {
  return new Map(references.map(({ insnIndex, symbol }) => [insnIndex, symbol]));
}

function addReturned(values: Values, returned: Set<number>, unknown: Set<string>): void {
  if (values === null) unknown.add(COMPUTED);
  else for (const value of values) returned.add(value);
}

// --- states -------------------------------------------------------------------------------------------------------

function union(a: Values, b: Values): Values {
  if (a === null || b === null) return null;
  const all = [...new Set([...a, ...b])].sort((x, y) => x - y);
  return all.length > MOST_VALUES ? null : all;
}

function join(a: State, b: State): State {
  const registers = a.registers.map((values, register) => union(values, b.registers[register] ?? null));
  const stack = new Map<string, Values>();
  for (const [key, values] of a.stack) {
    const joined = union(values, b.stack.get(key) ?? null);
    if (joined !== null) stack.set(key, joined);
  }
  return { registers, stack };
}

function isSame(a: State, b: State): boolean {
  return (
    a.stack.size === b.stack.size &&
    a.registers.every((values, at) => isEqual(values, b.registers[at] ?? null)) &&
    [...a.stack].every(([key, values]) => isEqual(values, b.stack.get(key) ?? null))
  );
}

function isEqual(a: Values, b: Values): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

function withRegister(state: State, register: number, values: Values): State {
  if (register >= REGISTERS) return state;
  return { ...state, registers: state.registers.map((old, at) => (at === register ? values : old)) };
}

// --- instructions -------------------------------------------------------------------------------------------------

/** All but calls and jumps. `loaded`: what a `ld_imm64` loads. */
function step(insn: Insn, state: State, loaded: Values): State {
  switch (classOf(insn.opcode)) {
    case BPF_ALU:
    case BPF_ALU64:
      return withRegister(state, insn.dst, computed(insn, state));
    case BPF_LDX:
      return withRegister(state, insn.dst, fromStack(insn, state));
    case BPF_LD:
      return insn.opcode === OP_LD_IMM64
        ? withRegister(state, insn.dst, loaded)
        : { registers: state.registers.map((old, at) => (at <= 5 ? null : old)), stack: state.stack };
    case BPF_ST:
    case BPF_STX:
      return stored(insn, state);
    default:
      return state;
  }
}

function slotKey(offset: number, opcode: number): string {
  return `${offset} ${accessSize(opcode)}`;
}

function fromStack({ opcode, src, offset }: Insn, { stack }: State): Values {
  const isPlain = modeOf(opcode) === BPF_MEM;
  return isPlain && src === FRAME_POINTER ? (stack.get(slotKey(offset, opcode)) ?? null) : null;
}

function stored(insn: Insn, state: State): State {
  const { opcode, dst, src, offset, imm } = insn;
  if (dst !== FRAME_POINTER || modeOf(opcode) !== BPF_MEM) {
    // through a pointer, which may be to the stack
    return { ...withRegister(state, writtenRegister(insn), null), stack: NO_STACK };
  }
  const size = accessSize(opcode);
  const value = classOf(opcode) === BPF_ST ? [imm >>> 0] : (state.registers[src] ?? null);
  const stack = new Map([...state.stack].filter(([key]) => !overlaps(key, offset, size)));
  const holds = size >= 4 ? value : null;
  if (holds !== null) stack.set(slotKey(offset, opcode), holds);
  return { ...state, stack };
}

function overlaps(key: string, offset: number, size: number): boolean {
  const [start = 0, bytes = 0] = key.split(' ').map(Number);
  return start < offset + size && offset < start + bytes;
}

function computed(insn: Insn, { registers }: State): Values {
  const operation = operationOf(insn.opcode);
  const right = (insn.opcode & BPF_X) === 0 ? [insn.imm >>> 0] : (registers[insn.src] ?? null);
  if (operation === BPF_MOV) return insn.offset === 0 ? right : null;
  const left = registers[insn.dst] ?? null;
  if (operation === BPF_NEG) return left?.map(value => -value >>> 0) ?? null;
  if (operation === BPF_AND && (left === null || right === null)) return masked(left ?? right);
  const is64 = classOf(insn.opcode) === BPF_ALU64;
  if (operation === BPF_RSH && left === null) return shifted(right, is64 ? 64 : 32);
  const apply = OPERATIONS.get(operation);
  if (left === null || right === null || apply === undefined || (is64 && operation === BPF_RSH)) return null;
  return left.reduce<Values>(
    (all, a) =>
      union(
        all,
        right.map(b => apply(a, b) >>> 0),
      ),
    [],
  );
}

/** Anything `&` one of a few bits. */
function masked(mask: Values): Values {
  if (mask === null) return null;
  const [only, other] = mask;
  if (only === undefined || other !== undefined) return null;
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter(bit => ((only >>> bit) & 1) === 1);
  if (bits.length > 4) return null;
  return Array.from({ length: 1 << bits.length }, (_, chosen) =>
    bits.reduce((value, bit, at) => (value | (((chosen >>> at) & 1) << bit)) >>> 0, 0),
  );
}

/** Anything shifted until a few bits are left. */
function shifted(by: Values, width: number): Values {
  if (by === null) return null;
  const [only, other] = by;
  if (only === undefined || other !== undefined || only >= width || width - only > 4) return null;
  return Array.from({ length: 1 << (width - only) }, (_, value) => value);
}

/** Those whose low 32 bits depend on the low 32 bits only. */
const OPERATIONS: ReadonlyMap<number, (a: number, b: number) => number> = new Map([
  [BPF_ADD, (a: number, b: number) => a + b],
  [BPF_SUB, (a: number, b: number) => a - b],
  [BPF_MUL, Math.imul],
  [BPF_AND, (a: number, b: number) => a & b],
  [BPF_OR, (a: number, b: number) => a | b],
  [BPF_XOR, (a: number, b: number) => a ^ b],
  [BPF_LSH, (a: number, b: number) => (b < 32 ? a << b : 0)],
  [BPF_RSH, (a: number, b: number) => (b < 32 ? a >>> b : 0)],
]);

/** Both ways of a conditional jump; what a comparison for equality tells is used. */
function branches(insn: Insn, state: State, next: number): readonly (readonly [number, State])[] {
  const to = next + insn.offset;
  const operation = operationOf(insn.opcode);
  const isEquality = operation === BPF_JEQ || operation === BPF_JNE;
  if (!isEquality || (insn.opcode & BPF_X) !== 0 || insn.dst >= REGISTERS)
    return [
      [next, state],
      [to, state],
    ];
  const value = insn.imm >>> 0;
  const known = state.registers[insn.dst] ?? null;
  const equal = known === null || known.includes(value) ? withRegister(state, insn.dst, [value]) : undefined;
  // of 64 bits only the low ones are followed: they may be equal and the number another one
  const is32 = classOf(insn.opcode) === BPF_JMP32;
  const rest = known === null || !is32 ? known : known.filter(one => one !== value);
  const other = rest !== null && rest.length === 0 ? undefined : withRegister(state, insn.dst, rest);
  const [taken, falls] = operation === BPF_JEQ ? [equal, other] : [other, equal];
  const paths: (readonly [number, State])[] = [];
  if (falls !== undefined) paths.push([next, falls]);
  if (taken !== undefined) paths.push([to, taken]);
  return paths;
}
