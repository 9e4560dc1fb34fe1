/**
 * Calls of a planned program whose map does not fit the helper. Apart from the rule, which `src/object/maps/`
 * has: this file finds the calls.
 *
 * Only the verifier knows which instructions it visits: it takes code behind a decided condition as dead, and
 * accepts such a call there. So every call found is either certain (a path from the start of the program leads
 * to it that depends on nothing but packets, contexts and results of lookups) or possible.
 */

import { elementAt } from '../../bytes/index.ts';
import * as isa from '../../isa/index.ts';
import { HOST_ORDER } from '../../kernel/index.ts';
import { type MapCallRefusal, mapCallRefusal, mapRegister } from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { branches, type PathState, type Register, startOf, UNKNOWN } from './path-state.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from './plan.ts';

/** A call that the kernel refuses if it reaches it. */
export interface RefusedCall {
  /** From the start of the program. */
  readonly insnIndex: number;
  readonly map: MapPlan;
  readonly refusal: MapCallRefusal;
  /** The kernel reaches it. */
  readonly certain: boolean;
}

/** Calls of the program whose map does not fit, in the order of instructions. */
export function refusedCalls(plan: LoadPlan, program: ProgramPlan): readonly RefusedCall[] {
  const calls = program.fixups.some(({ kind }) => kind === 'map') ? new Walk(program).calls : [];
  const { progType, expectedAttachType } = program.type;
  return calls
    .flatMap(({ helper, map: index, ...call }) => {
      const map = elementAt(plan.maps, index);
      const refusal = mapCallRefusal(helper, map, { progType, expectedAttachType });
      return refusal === undefined ? [] : [{ ...call, map, refusal }];
    })
    .sort((a, b) => a.insnIndex - b.insnIndex);
}

interface FoundCall {
  readonly insnIndex: number;
  readonly helper: number;
  readonly map: number;
  readonly certain: boolean;
}

/** Visits each instruction once, by the first path that leads to it; certain paths go first. */
class Walk {
  readonly calls: FoundCall[] = [];
  readonly #code: isa.CodeView;
  readonly #maps: ReadonlyMap<number, number>;
  readonly #seen = new Set<number>();

  constructor(program: ProgramPlan) {
    this.#code = new isa.CodeView(program.code, HOST_ORDER);
    this.#maps = new Map(
      program.fixups.flatMap(fixup => (fixup.kind === 'map' ? [[fixup.insnIndex, fixup.map] as const] : [])),
    );
    const certain = [startOf(program.type.progType)];
    const possible: PathState[] = [];
    const end = program.code.length / INSN_SIZE;
    for (let state = certain.pop(); state !== undefined; state = certain.pop() ?? possible.pop()) {
      if (state.at >= end || this.#seen.has(state.at)) continue;
      this.#seen.add(state.at);
      for (const next of this.#step(state)) (next.certain ? certain : possible).push(next);
    }
  }

  #step(state: PathState): readonly PathState[] {
    const code = this.#code;
    const { at } = state;
    const opcode = code.opcode(at);
    const insnClass = isa.classOf(opcode);
    if (opcode === isa.OP_CALL) return this.#call(state);
    if (isa.isJumpClass(opcode)) return branches(code, state);
    const next = { ...state, at: at + code.width(at) };
    if (opcode === isa.OP_LD_IMM64) {
      const map = this.#maps.get(at);
      return [withRegister(next, code.dst(at), map === undefined ? UNKNOWN : { kind: 'map', map })];
    }
    if (insnClass === isa.BPF_ST || insnClass === isa.BPF_STX) return [this.#store(next, at)];
    if (insnClass === isa.BPF_LD) return [clobbered(next)];
    return [withRegister(next, code.dst(at), this.#result(state))];
  }

  /** What an instruction writes into its destination. */
  #result({ at, registers }: PathState): Register {
    const code = this.#code;
    const opcode = code.opcode(at);
    const [dst, src] = [elementAt(registers, code.dst(at)), elementAt(registers, code.src(at))];
    if (isa.classOf(opcode) === isa.BPF_LDX) return loaded(src, opcode, code.offset(at));
    if (opcode === MOVE && code.offset(at) === 0) return src.kind === 'value' ? UNKNOWN : src; // the verifier links them
    if (opcode === ADD && dst.kind === 'field') return { ...dst, added: dst.added + code.imm(at) };
    if (isa.operationOf(opcode) === isa.BPF_END)
      return dst.kind === 'value' && code.imm(at) === 8 * dst.bytes ? dst : UNKNOWN;
    return UNKNOWN;
  }

  /** Atomic operations may write a register. */
  #store(next: PathState, at: number): PathState {
    const written = isa.writtenRegister(this.#code.at(at));
    return written < 0 ? next : withRegister(next, written, UNKNOWN);
  }

  #call(state: PathState): readonly PathState[] {
    const code = this.#code;
    const { at, certain, registers } = state;
    const after = { ...clobbered(state), at: at + 1 };
    if (code.src(at) === isa.BPF_PSEUDO_CALL) {
      return [after, { ...state, at: at + 1 + code.imm(at), packet: null }];
    }
    if (code.src(at) !== 0) return [after];
    const helper = code.imm(at);
    const position = mapRegister(helper);
    const argument = position === undefined ? UNKNOWN : elementAt(registers, position);
    if (argument.kind === 'map') this.calls.push({ insnIndex: at, helper, map: argument.map, certain });
    return [helper === MAP_LOOKUP ? withRegister(after, 0, { kind: 'element' }) : after];
  }
}

const MAP_LOOKUP = 1;
const MOVE = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const ADD = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K;

function loaded(base: Register, opcode: number, offset: number): Register {
  const bytes = isa.accessSize(opcode);
  if (isa.modeOf(opcode) !== isa.BPF_MEM || bytes === 8) return UNKNOWN;
  if (base.kind === 'context') return bytes === 4 ? { kind: 'field', offset, added: 0 } : UNKNOWN;
  return base.kind === 'field' || base.kind === 'element' ? { kind: 'value', bytes } : UNKNOWN;
}

function withRegister(state: PathState, to: number, value: Register): PathState {
  return { ...state, registers: state.registers.with(to, value) };
}

function clobbered(state: PathState): PathState {
  return { ...state, registers: state.registers.map((value, at) => (at < 6 ? UNKNOWN : value)) };
}
