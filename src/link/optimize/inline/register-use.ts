/**
 * Which registers a function reads from its caller, which its calls read, and whether their results are used.
 *
 * A call names no argument: it reads as many of r1 to r5 as the callee has parameters. Helpers have a table, kfuncs
 * and global functions have prototypes (the kernel checks every parameter of theirs), static functions read what
 * their code reads: compilers remove unused parameters, and leave the types as the author wrote them. What is not
 * known this way is narrowed to registers that are surely written.
 *
 * Sets of registers are numbers with one bit for each.
 */

import { elementAt } from '../../../bytes/index.ts';
import {
  BPF_PSEUDO_CALL,
  helperArguments,
  helperId,
  readsDst,
  readsR0,
  readsSrc,
  writtenRegister,
} from '../../../isa/index.ts';
import { type BpfObject, type BpfSymbol, hasKnownType, prototypeOf } from '../../../object/index.ts';
import { type Block, FRAME_POINTER, type Graph, type Ins, isCall, targetsOf } from '../ir/index.ts';

/** A set of machine registers: bit n is rn. */
export type RegisterSet = number;

/** r1 to r5. */
export const ARGUMENTS: RegisterSet = 0b111110;
const RESULT: RegisterSet = 1;
/** Not a register: what `exit` reads. r0 is written to it as well, so that the two uses differ. */
const RETURNED: RegisterSet = 1 << 11;
const CLOBBERED: RegisterSet = ARGUMENTS | RESULT | RETURNED;
const ALL: RegisterSet = 0xfff;
const TRACE_PRINTK = helperId('bpf_trace_printk');
/** What the kernel requires of its arguments. */
const TRACE_PRINTK_REQUIRED = 2;

/** What a call does with registers. */
export interface CallUse {
  /** Arguments that it reads: of r1 to r5. */
  readonly reads: RegisterSet;
  /** Those of them that have a value on no path. */
  readonly undefined: RegisterSet;
  /** Whether the caller uses r0 afterwards, other than by returning it. */
  readonly usesResult: boolean;
  /** Whether the caller returns it. */
  readonly returnsResult: boolean;
}

/** What a function does with registers of its caller. */
export interface RegisterUse {
  /** Of r1 to r5: those that it reads. */
  readonly parameters: RegisterSet;
  readonly calls: ReadonlyMap<Ins, CallUse>;
}

/** Parameters of a called function of the object: of r1 to r5 those that it reads; null where its code does not say. */
export type ParametersOf = (symbol: number) => RegisterSet | null;

/** The first `count` arguments. */
export function firstArguments(count: number): RegisterSet {
  return ((1 << Math.min(count, 5)) - 1) << 1;
}

/** Analyses a function; `entry`: what has a value when it starts, null for whatever it reads. */
export function registerUse(
  object: BpfObject,
  code: Graph,
  parametersOf: ParametersOf,
  entry: RegisterSet | null,
): RegisterUse {
  const order = code.order();
  const known = new Map<Ins, Arguments>();
  for (const block of order)
    for (const ins of code.block(block).ins)
      if (isCall(ins)) known.set(ins, argumentsOf(object, ins, parametersOf));
  const certain = (ins: Ins): RegisterSet => known.get(ins)?.required ?? 0;
  const given = entry ?? entrySet(liveSets(code, order, certain));
  if (entry === null && known.size === 0) return { parameters: given, calls: new Map() };
  const written = writtenAtCalls(code, order, given);
  const reads = new Map<Ins, RegisterSet>();
  for (const [ins, { required, possible }] of known)
    reads.set(ins, required | prefix(possible & (written.get(ins)?.surely ?? ALL)));
  const live = liveSets(code, order, ins => readBy(reads, ins));
  return {
    parameters: entrySet(live),
    calls: callUses(code, order, reads, written, live),
  };
}

/** Arguments that are live at the entry. */
function entrySet(live: Int32Array): RegisterSet {
  return (live[0] ?? 0) & ARGUMENTS;
}

/** Arguments of a call; other instructions are not in the map, and have none. */
function readBy(reads: ReadonlyMap<Ins, RegisterSet>, ins: Ins): RegisterSet {
  return reads.get(ins) ?? 0;
}

/** The part of the set that starts at r1 and has no gap. */
function prefix(set: RegisterSet): RegisterSet {
  let count = 0;
  while ((set & (2 << count)) !== 0) count++;
  return firstArguments(count);
}

// --- arguments ------------------------------------------------------------------------------------------------

/** `required`: surely read. `possible`: read as far as it has a value. */
interface Arguments {
  readonly required: RegisterSet;
  readonly possible: RegisterSet;
}

const NOT_KNOWN: Arguments = { required: 0, possible: ARGUMENTS };

function argumentsOf(object: BpfObject, ins: Ins, parametersOf: ParametersOf): Arguments {
  const { reference } = ins;
  if (reference === null) return ins.src === 0 ? argumentsOfHelper(ins.imm) : NOT_KNOWN;
  const callee = object.symbols[reference.symbol];
  if (callee === undefined || ins.src !== BPF_PSEUDO_CALL) return NOT_KNOWN;
  const declared = declaredArguments(object, callee);
  if (declared !== null && isChecked(callee)) return { required: declared, possible: 0 };
  const read = callee.kind === 'function' ? parametersOf(reference.symbol) : null;
  return read === null ? { required: 0, possible: declared ?? ARGUMENTS } : { required: read, possible: 0 };
}

function argumentsOfHelper(id: number): Arguments {
  const count = helperArguments(id);
  if (count === undefined) return NOT_KNOWN;
  if (id !== TRACE_PRINTK) return { required: firstArguments(count), possible: 0 };
  return { required: firstArguments(TRACE_PRINTK_REQUIRED), possible: firstArguments(count) };
}

/** Whether the kernel checks arguments by the prototype: those of kfuncs and global functions. */
function isChecked(symbol: BpfSymbol): boolean {
  return symbol.kind === 'extern' || symbol.binding !== 'local';
}

function declaredArguments(object: BpfObject, symbol: BpfSymbol): RegisterSet | null {
  const { btf } = object;
  if (btf === null || symbol.btfId === 0) return null;
  if (symbol.kind === 'function' && !hasKnownType(object, symbol)) return null;
  const prototype = prototypeOf(btf, symbol.btfId);
  return prototype === undefined ? null : firstArguments(prototype.params.length);
}

// --- what is written ------------------------------------------------------------------------------------------

/** Registers with a value where a call is: on every path, or on one. */
interface Written {
  readonly surely: RegisterSet;
  readonly perhaps: RegisterSet;
}

function writtenAtCalls(
  code: Graph,
  order: readonly number[],
  entry: RegisterSet,
): ReadonlyMap<Ins, Written> {
  const surely = new Int32Array(code.blocks.length).fill(ALL);
  const perhaps = new Int32Array(code.blocks.length);
  surely[0] = entry;
  perhaps[0] = entry;
  for (let changed = true; changed; ) {
    changed = false;
    for (const at of order) {
      const block = code.block(at);
      const all = writtenThrough(block, elementAt(surely, at));
      const some = writtenThrough(block, elementAt(perhaps, at));
      for (const target of targetsOf(block.terminator)) {
        const [before, after] = [elementAt(surely, target), elementAt(perhaps, target)];
        surely[target] = before & all;
        perhaps[target] = after | some;
        changed ||= surely[target] !== before || perhaps[target] !== after;
      }
    }
  }
  const atCalls = new Map<Ins, Written>();
  for (const at of order)
    collectWritten(code.block(at), elementAt(surely, at), elementAt(perhaps, at), atCalls);
  return atCalls;
}

function writtenThrough({ ins }: Block, before: RegisterSet): RegisterSet {
  let written = before;
  for (const one of ins) written = writtenAfter(one, written);
  return written;
}

function writtenAfter(ins: Ins, before: RegisterSet): RegisterSet {
  if (isCall(ins)) return (before & ~CLOBBERED) | RESULT;
  const register = writtenRegister(ins);
  return register < 0 ? before : before | (1 << register);
}

function collectWritten(
  { ins }: Block,
  all: RegisterSet,
  some: RegisterSet,
  atCalls: Map<Ins, Written>,
): void {
  let surely = all;
  let perhaps = some;
  for (const one of ins) {
    if (isCall(one)) atCalls.set(one, { surely, perhaps });
    surely = writtenAfter(one, surely);
    perhaps = writtenAfter(one, perhaps);
  }
}

// --- what is read ---------------------------------------------------------------------------------------------

/** For each block, registers that are read before they are written. */
function liveSets(code: Graph, order: readonly number[], reads: (call: Ins) => RegisterSet): Int32Array {
  const live = new Int32Array(code.blocks.length);
  for (let changed = true; changed; ) {
    changed = false;
    for (let position = order.length - 1; position >= 0; position--) {
      const at = elementAt(order, position);
      const { ins } = code.block(at);
      let set = liveAtEnd(code.block(at), live);
      for (let index = ins.length - 1; index >= 0; index--)
        set = liveBefore(elementAt(ins, index), set, reads);
      if (set === live[at]) continue;
      live[at] = set;
      changed = true;
    }
  }
  return live;
}

function liveAtEnd({ terminator }: Block, live: Int32Array): RegisterSet {
  if (terminator.kind === 'exit') return RETURNED;
  let set = terminator.kind === 'branch' ? registersRead(terminator.ins) : 0;
  for (const target of targetsOf(terminator)) set |= elementAt(live, target);
  return set;
}

function liveBefore(ins: Ins, after: RegisterSet, reads: (call: Ins) => RegisterSet): RegisterSet {
  if (isCall(ins)) return (after & ~CLOBBERED) | reads(ins);
  const register = writtenRegister(ins);
  const written = register === 0 ? RESULT | RETURNED : 1 << register;
  return (register < 0 ? after : after & ~written) | registersRead(ins);
}

function registersRead(ins: Ins): RegisterSet {
  let set = readsR0(ins) ? RESULT : 0;
  if (readsDst(ins)) set |= 1 << ins.dst;
  if (readsSrc(ins)) set |= 1 << ins.src;
  return set & ~(1 << FRAME_POINTER);
}

function callUses(
  code: Graph,
  order: readonly number[],
  reads: ReadonlyMap<Ins, RegisterSet>,
  written: ReadonlyMap<Ins, Written>,
  live: Int32Array,
): ReadonlyMap<Ins, CallUse> {
  const uses = new Map<Ins, CallUse>();
  const readsOf = (ins: Ins): RegisterSet => readBy(reads, ins);
  for (const at of order) {
    const { ins } = code.block(at);
    let set = liveAtEnd(code.block(at), live);
    for (let index = ins.length - 1; index >= 0; index--) {
      const one = elementAt(ins, index);
      if (isCall(one)) {
        uses.set(one, {
          reads: readsOf(one),
          undefined: ~(written.get(one)?.perhaps ?? ALL) & ARGUMENTS,
          usesResult: (set & RESULT) !== 0,
          returnsResult: (set & RETURNED) !== 0,
        });
      }
      set = liveBefore(one, set, readsOf);
    }
  }
  return uses;
}
