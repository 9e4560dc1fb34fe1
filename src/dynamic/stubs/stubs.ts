/**
 * Stubs: functions of a consumer (or a rootlet) that stand for code elsewhere.
 *
 * `tail`: a global function that tail-calls entry N of a program array. The callee's exit returns to the stub's caller;
 * an empty entry falls through to the default. The function must be global, so that the verifier does not take the
 * default for the only result.
 *
 * `ext`: two global functions that freplace fills, one in use and one idle, and in front of them a static function that
 * chooses by a word of a map: `foo { return select[n] ? foo__b(…) : foo__a(…) }`. A new definition is attached to the
 * idle one, then the word is changed: no call ever sees an empty stub.
 */

import * as isa from '../../isa/index.ts';
import type { CodeReference, SymbolIndex } from '../../object/index.ts';
import type { ObjectEdit } from './object-edit.ts';

export type StubDefault =
  /** What is returned while nothing is bound. */
  | { readonly kind: 'value'; readonly value: number }
  /** A function with the same prototype that is called instead. */
  | { readonly kind: 'function'; readonly symbol: SymbolIndex };

export interface TailStub {
  readonly name: string;
  /** FUNC of what is replaced: its prototype is the stub's. */
  readonly func: number;
  /** Map symbol of the program array. */
  readonly slots: SymbolIndex;
  /** Entry in it. */
  readonly entry: number;
  readonly fallback: StubDefault;
}

const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const MOV_REG = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const LDX_W = isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W;
const JNE = isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K;
const JEQ = isa.BPF_JMP | isa.BPF_JEQ | isa.BPF_K;
const HELPER_TAIL_CALL = 12;

function insn(opcode: number, dst = 0, src = 0, offset = 0, imm = 0): isa.Insn {
  return { opcode, dst, src, offset, imm };
}

/** Replaces the symbol by a tail-call stub. The symbol's function must take the context alone. */
export function putTailStub(edit: ObjectEdit, index: SymbolIndex, stub: TailStub): void {
  const { fallback } = stub;
  const insns: isa.Insn[] = fallback.kind === 'function' ? [insn(MOV_REG, 6, 1)] : [];
  const references: CodeReference[] = [
    { insnIndex: insns.length, kind: 'address', symbol: stub.slots, addend: 0 },
  ];
  insns.push(
    insn(isa.OP_LD_IMM64, 2),
    insn(0),
    insn(MOV_IMM, 3, 0, 0, stub.entry),
    insn(isa.OP_CALL, 0, 0, 0, HELPER_TAIL_CALL),
  );
  if (fallback.kind === 'function') {
    insns.push(insn(MOV_REG, 1, 6));
    references.push(callAt(insns, fallback.symbol));
  } else insns.push(insn(MOV_IMM, 0, 0, 0, fallback.value));
  insns.push(insn(isa.OP_EXIT));
  edit.replaceWithFunction(index, {
    name: stub.name,
    linkage: 'global',
    proto: edit.namedPrototype(stub.func),
    insns,
    references,
    tagsOf: stub.func,
  });
}

export interface ExtStub {
  readonly name: string;
  /** FUNC of what is replaced. */
  readonly func: number;
  /** Variable of selectors: an array of u32. */
  readonly select: SymbolIndex;
  /** Which of them. */
  readonly entry: number;
  readonly fallback: StubDefault;
  /** Helper that marks the stubs as changing packets; null when what will be bound does not. */
  readonly marker: number | null;
}

/** Names of the two functions that are filled in turn. */
export function extStubNames(name: string): readonly [a: string, b: string] {
  return [`${name}__a`, `${name}__b`];
}

/** Replaces the symbol by the choosing function, and appends the two stubs that it chooses from. */
export function putExtStub(edit: ObjectEdit, index: SymbolIndex, stub: ExtStub): void {
  const proto = edit.namedPrototype(stub.func);
  const [a, b] = extStubNames(stub.name).map(name =>
    edit.addFunction({ name, linkage: 'global', proto, tagsOf: stub.func, ...emptyStub(stub) }),
  );
  const insns: isa.Insn[] = [];
  const references: CodeReference[] = [
    { insnIndex: 0, kind: 'address', symbol: stub.select, addend: stub.entry * 4 },
  ];
  // r0 alone is free: r1 to r5 are the arguments
  insns.push(insn(isa.OP_LD_IMM64, 0), insn(0), insn(LDX_W, 0, 0, 0, 0), insn(JNE, 0, 0, 2, 0));
  references.push(callAt(insns, a ?? -1));
  insns.push(insn(isa.OP_EXIT));
  references.push(callAt(insns, b ?? -1));
  insns.push(insn(isa.OP_EXIT));
  edit.replaceWithFunction(index, { name: stub.name, linkage: 'static', proto, insns, references });
}

/** `return default`, behind the mark of what may be bound: a call on a branch that is never taken. */
function emptyStub(stub: ExtStub): {
  readonly insns: readonly isa.Insn[];
  readonly references: readonly CodeReference[];
} {
  const { fallback, marker } = stub;
  const insns: isa.Insn[] = marker === null ? [] : neverCalled(marker);
  const references: CodeReference[] = [];
  if (fallback.kind === 'value') insns.push(insn(MOV_IMM, 0, 0, 0, fallback.value));
  else references.push(callAt(insns, fallback.symbol));
  insns.push(insn(isa.OP_EXIT));
  return { insns, references };
}

/** The verifier takes note of the helper before it finds the branch dead. */
function neverCalled(helper: number): isa.Insn[] {
  return [
    insn(MOV_IMM, 0),
    insn(JEQ, 0, 0, 5, 0),
    ...[2, 3, 4, 5].map(register => insn(MOV_IMM, register)),
    insn(isa.OP_CALL, 0, 0, 0, helper),
  ];
}

function callAt(insns: isa.Insn[], symbol: SymbolIndex): CodeReference {
  insns.push(insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1));
  return { insnIndex: insns.length - 1, kind: 'call', symbol, addend: 0 };
}
