/**
 * The assembler for generated code: stubs, chains, probes, small programs of tests.
 *
 * Single instructions are plain values. `assemble` lays out a list of them and sets what depends on places:
 * jumps to labels, and the references of calls and addresses to symbols.
 *
 * ```
 * assemble([
 *   addressOf(0, select), load(BPF_W, 0, 0),          // r0 = *(u32 *)select
 *   jumpIf(BPF_JNE, 0, 0, 'second'),                  // if (r0 != 0) goto second
 *   callSymbol(a), EXIT,
 *   label('second'), callSymbol(b), EXIT,
 * ])
 * ```
 */

import { bugError } from '../diag/index.ts';
import * as isa from './opcodes.ts';

type Insn = isa.Insn;

/** Any instruction by its fields. */
export function insn(opcode: number, dst = 0, src = 0, offset = 0, imm = 0): Insn {
  return { opcode, dst, src, offset, imm };
}

export const EXIT: Insn = insn(isa.OP_EXIT);

/** `dst = imm`, 64 bits with the sign of `imm`. */
export function move(dst: number, imm: number): Insn {
  return insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K, dst, 0, 0, imm);
}

/** `dst = src`, 64 bits. */
export function copy(dst: number, src: number): Insn {
  return insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, dst, src);
}

/** `dst += imm`, 64 bits. */
export function add(dst: number, imm: number): Insn {
  return insn(isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K, dst, 0, 0, imm);
}

/** `dst = *(base + offset)`; `size` is BPF_B, BPF_H, BPF_W or BPF_DW. */
export function load(size: number, dst: number, base: number, offset = 0): Insn {
  return insn(isa.BPF_LDX | isa.BPF_MEM | size, dst, base, offset);
}

/** `*(base + offset) = imm`. */
export function storeImmediate(size: number, base: number, offset: number, imm: number): Insn {
  return insn(isa.BPF_ST | isa.BPF_MEM | size, base, 0, offset, imm);
}

/** A call of a helper by its number. */
export function callHelper(helper: number): Insn {
  return insn(isa.OP_CALL, 0, 0, 0, helper);
}

/** A call of a function that starts `distance` instructions after the next one. */
export function callFunction(distance: number): Insn {
  return insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, distance);
}

/** `ld_imm64` of two words; `src` states what they are (BPF_PSEUDO_…, 0 for a constant). */
export function loadWords(dst: number, src: number, low: number, high = 0): readonly [Insn, Insn] {
  return [insn(isa.OP_LD_IMM64, dst, src, 0, low), insn(0, 0, 0, 0, high)];
}

/** `ld_imm64` of a constant. */
export function loadConstant(dst: number, value: bigint): readonly [Insn, Insn] {
  return loadWords(dst, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** What only a place in the code completes. */
type Placed =
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'jump'; readonly insn: Insn; readonly to: string }
  | { readonly kind: 'call'; readonly symbol: number }
  | { readonly kind: 'address'; readonly dst: number; readonly symbol: number; readonly addend: number };

/**
 * One entry of a list to assemble: an instruction, the two of a `ld_imm64`, or what only its place completes.
 */
export type Step = Insn | readonly Insn[] | Placed;

/** Names the place of the next instruction; the end of the code is a place, too. */
export function label(name: string): Step {
  return { kind: 'label', name };
}

/** `goto to`. */
export function jump(to: string): Step {
  return { kind: 'jump', insn: insn(isa.OP_JA), to };
}

/** `if (dst OP imm) goto to`; `operation` is BPF_JEQ, BPF_JNE, … */
export function jumpIf(operation: number, dst: number, imm: number, to: string): Step {
  return { kind: 'jump', insn: insn(isa.BPF_JMP | operation | isa.BPF_K, dst, 0, 0, imm), to };
}

/** As `jumpIf`, of the low 32 bits. */
export function jumpIf32(operation: number, dst: number, imm: number, to: string): Step {
  return { kind: 'jump', insn: insn(isa.BPF_JMP32 | operation | isa.BPF_K, dst, 0, 0, imm), to };
}

/** A call of a function of the object. */
export function callSymbol(symbol: number): Step {
  return { kind: 'call', symbol };
}

/** `dst = &symbol + addend`, in bytes. */
export function addressOf(dst: number, symbol: number, addend = 0): Step {
  return { kind: 'address', dst, symbol, addend };
}

/** A reference to a symbol, with the form that objects have for it. */
export interface AssembledReference {
  readonly insnIndex: number;
  readonly kind: 'call' | 'address';
  readonly symbol: number;
  readonly addend: number;
}

export interface Assembled {
  readonly insns: readonly Insn[];
  /** In the order of their instructions. */
  readonly references: readonly AssembledReference[];
}

/** Lays out the steps one after the other. */
export function assemble(steps: readonly Step[]): Assembled {
  const insns: Insn[] = [];
  const references: AssembledReference[] = [];
  const labels = new Map<string, number>();
  const jumps: { readonly at: number; readonly to: string }[] = [];
  for (const step of steps) {
    if (!('kind' in step)) insns.push(...('opcode' in step ? [step] : step));
    else if (step.kind === 'label') labels.set(step.name, insns.length);
    else if (step.kind === 'jump') {
      jumps.push({ at: insns.length, to: step.to });
      insns.push(step.insn);
    } else {
      const { kind, symbol } = step;
      const addend = step.kind === 'address' ? step.addend : 0;
      references.push({ insnIndex: insns.length, kind, symbol, addend });
      insns.push(...(step.kind === 'address' ? loadWords(step.dst, 0, 0) : [callFunction(-1)]));
    }
  }
  for (const { at, to } of jumps) insns[at] = landing(insns[at], at, labels.get(to), to);
  return { insns, references };
}

function landing(jump: Insn | undefined, at: number, target: number | undefined, to: string): Insn {
  if (jump === undefined || target === undefined) throw bugError([to], 'a jump has no label to go to');
  return { ...jump, offset: target - at - 1 };
}
