/** What one instruction does to the state of `frame-bound.ts`, and what it accesses. */

import {
  accessSize,
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_LD,
  BPF_LDX,
  BPF_MEMSX,
  BPF_MOV,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  type CodeView,
  callsBack,
  classOf,
  hasSourceRegister,
  helperArguments,
  type Insn,
  isLoad,
  modeOf,
  OP_CALL,
  OP_CALLX,
  OP_LD_IMM64,
  operationOf,
  readsSrc,
  writtenRegister,
} from '../../../isa/index.ts';
import { Refusal } from '../model/index.ts';
import { ANY_NUMBER, computed, exactly, isEmpty, loadedRange, NO_NUMBER, type Range } from './number.ts';
import { ANYWHERE, BASES, FRAME, type FrameState, LOADED, NOWHERE } from './state.ts';
import { type FrameUse, sum, type UseRecorder } from './use.ts';

/** A function with what is known about its surroundings. */
export interface FrameCode {
  readonly code: CodeView;
  /** What the function uses that is called here; undefined for helpers, kfuncs and functions of other objects. */
  callee(insnIndex: number): FrameUse | undefined;
  /** What the functions use that this one hands out as callbacks. */
  readonly callbacks: readonly FrameUse[];
  /** Whether `ld_imm64` loads the address of a symbol. */
  isSymbol(insnIndex: number): boolean;
  /** What a loader may put in the place of the instruction's number; undefined where it changes nothing. */
  relocated(insnIndex: number): Range | undefined;
}

const RESULT = 0;
const ARGUMENTS = 5;

/** Follows the code of one function. */
export class FrameStep {
  readonly #unit: FrameCode;
  readonly #uses: UseRecorder;

  constructor(unit: FrameCode, uses: UseRecorder) {
    this.#unit = unit;
    this.#uses = uses;
  }

  /** Applies an instruction to the state. Throws `Refusal` where it makes something else of a frame address. */
  apply(insn: Insn, at: number, state: FrameState): void {
    switch (classOf(insn.opcode)) {
      case BPF_ALU:
      case BPF_ALU64:
        this.#compute(insn, at, state);
        return;
      case BPF_LDX:
        this.#load(insn, at, state);
        return;
      case BPF_ST:
      case BPF_STX:
        this.#store(insn, at, state);
        return;
      case BPF_LD:
        this.#loadNumber(insn, at, state);
        return;
      default:
        if (insn.opcode === OP_CALL || insn.opcode === OP_CALLX) this.#call(insn, at, state);
    }
  }

  // --- arithmetic ---------------------------------------------------------------------------------------------------

  #compute(insn: Insn, at: number, state: FrameState): void {
    const { opcode, dst, src, offset } = insn;
    const operation = operationOf(opcode);
    const source = hasSourceRegister(opcode) ? src : -1;
    const isWide = classOf(opcode) === BPF_ALU64;
    if (isWide && operation === BPF_MOV && source >= 0 && offset === 0) {
      state.copyRegister(source, dst);
      return;
    }
    const right = source >= 0 ? state.number(source) : (this.#unit.relocated(at) ?? exactly(insn.imm));
    const isSum = isWide && (operation === BPF_ADD || operation === BPF_SUB);
    if (isSum) this.#addTo(state, insn, source, right);
    else this.#computeNumber(state, insn, source, right, at);
  }

  /** An address and a number give an address of the same base; the difference of two addresses is any number. */
  #addTo(state: FrameState, insn: Insn, source: number, right: Range): void {
    const { dst } = insn;
    const left = state.number(dst);
    const isAddition = operationOf(insn.opcode) === BPF_ADD;
    const added = isEmpty(right) ? NOWHERE : isAddition ? right.min : -right.max;
    const difference = !isAddition && source >= 0 && state.isAddress(source);
    for (let base = 0; base < BASES; base++) {
      const low = sum(state.low(dst, base), added);
      const other =
        isAddition && source >= 0 && !isEmpty(left) ? sum(state.low(source, base), left.min) : NOWHERE;
      state.setLow(dst, base, Math.min(low, other));
    }
    state.narrow(dst, difference ? ANY_NUMBER : computed(insn, left, right));
  }

  /** Anything else makes numbers of addresses, which nothing can be accessed through. */
  #computeNumber(state: FrameState, insn: Insn, source: number, right: Range, at: number): void {
    const { dst } = insn;
    const isMove = operationOf(insn.opcode) === BPF_MOV;
    const fromFrame = source >= 0 && state.low(source, FRAME) !== NOWHERE;
    if (fromFrame || (!isMove && state.low(dst, FRAME) !== NOWHERE)) {
      throw new Refusal(`instruction ${at} computes with an address of its stack`);
    }
    const left = state.isAddress(dst) ? ANY_NUMBER : state.number(dst);
    const other = source >= 0 && state.isAddress(source) ? ANY_NUMBER : right;
    state.setNumber(dst, computed(insn, left, other));
  }

  #loadNumber({ opcode, dst, src, imm }: Insn, at: number, state: FrameState): void {
    if (opcode !== OP_LD_IMM64) {
      this.#forgetArguments(state);
      state.setNumber(RESULT, loadedRange(4, false));
    } else if (src !== 0 || this.#unit.isSymbol(at)) state.setNumber(dst, ANY_NUMBER);
    else state.setNumber(dst, this.#unit.relocated(at) ?? exactly(this.#highOf(at) * 2 ** 32 + (imm >>> 0)));
  }

  #highOf(at: number): number {
    return at + 1 < this.#unit.code.length ? this.#unit.code.imm(at + 1) : 0;
  }

  // --- memory -------------------------------------------------------------------------------------------------------

  #load(insn: Insn, at: number, state: FrameState): void {
    const { opcode, dst, src } = insn;
    const isStack = state.isAddress(src);
    this.#access(src, insn, at, state);
    const bytes = accessSize(opcode);
    state.setNumber(dst, loadedRange(bytes, modeOf(opcode) === BPF_MEMSX));
    if (isStack && bytes === 8) state.setLow(dst, LOADED, 0);
  }

  #store(insn: Insn, at: number, state: FrameState): void {
    const { opcode, dst, src } = insn;
    if (isLoad(insn)) {
      this.#load(insn, at, state);
      return;
    }
    const isStack = state.isAddress(dst);
    this.#access(dst, insn, at, state);
    const isWide = accessSize(opcode) === 8;
    if (isWide && readsSrc(insn))
      for (let base = 0; base < BASES; base++) this.#storeAddress(base, state.low(src, base));
    const fetched = writtenRegister(insn);
    if (fetched < 0) return;
    state.setNumber(fetched, loadedRange(accessSize(opcode), false));
    if (isStack && isWide) state.setLow(fetched, LOADED, 0);
  }

  #storeAddress(base: number, low: number): void {
    if (low !== NOWHERE) this.#uses.stores(base, low);
  }

  /** A loader that relocates the instruction puts an offset there that is not negative. */
  #access(register: number, { offset }: Insn, at: number, state: FrameState): void {
    const distance = this.#unit.relocated(at) === undefined ? offset : Math.min(offset, 0);
    for (let base = 0; base < BASES; base++) this.#reach(base, sum(state.low(register, base), distance), at);
  }

  #reach(base: number, low: number, at: number): void {
    if (low !== NOWHERE) this.#uses.accesses(base, low, at);
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  #call(insn: Insn, at: number, state: FrameState): void {
    const isHelper = insn.opcode === OP_CALL && insn.src === 0;
    const callee = this.#unit.callee(at);
    if (callee !== undefined) this.#callFunction(callee, at, state);
    else {
      const count = (isHelper ? helperArguments(insn.imm) : undefined) ?? ARGUMENTS;
      for (let register = 1; register <= count; register++) this.#pass(register, 0, at, state);
      if (isHelper && callsBack(insn.imm)) this.#callBack(at, state);
    }
    this.#forgetArguments(state);
    state.setNumber(RESULT, ANY_NUMBER);
  }

  #callFunction(callee: FrameUse, at: number, state: FrameState): void {
    for (let register = 1; register <= ARGUMENTS; register++) {
      this.#pass(register, callee.reach(register), at, state);
      for (let base = 0; base < BASES; base++)
        this.#storeAddress(base, sum(state.low(register, base), callee.stored(register)));
    }
    this.#useLoaded(callee, at);
  }

  /** A callback may get each of the addresses as any of its parameters. */
  #callBack(at: number, state: FrameState): void {
    const { callbacks } = this.#unit;
    for (let register = 1; register <= ARGUMENTS; register++) {
      if (callbacks.length === 0) this.#pass(register, ANYWHERE, at, state);
      for (const callback of callbacks)
        for (let parameter = 1; parameter <= ARGUMENTS; parameter++) {
          this.#pass(register, callback.reach(parameter), at, state);
          for (let base = 0; base < BASES; base++)
            this.#storeAddress(base, sum(state.low(register, base), callback.stored(parameter)));
        }
    }
    for (const callback of callbacks) this.#useLoaded(callback, at);
  }

  #useLoaded(callee: FrameUse, at: number): void {
    this.#reach(LOADED, callee.reach(LOADED), at);
    this.#storeAddress(LOADED, callee.stored(LOADED));
  }

  /** The callee reaches so far from the address in the register. */
  #pass(register: number, distance: number, at: number, state: FrameState): void {
    for (let base = 0; base < BASES; base++) this.#reach(base, sum(state.low(register, base), distance), at);
  }

  #forgetArguments(state: FrameState): void {
    for (let register = 1; register <= ARGUMENTS; register++) state.setNumber(register, NO_NUMBER);
  }
}
