/**
 * A program as one graph over virtual registers, with the bodies of functions in place of calls.
 *
 * Each instance of a function has ten virtual registers of its own, so no call has to save any. Arguments and
 * results are copies; `exit` is a jump to what follows the call. The frame of an instance is below those of its
 * callers, by upper bounds; instances of one caller share the same bytes, except those of the program (`frames.ts`), and
 * where something stays in a frame (`isFrameKept`).
 */

import type { LineRecord } from '../../../btf/index.ts';
import { elementAt, valueAt } from '../../../bytes/index.ts';
import { BPF_CMPXCHG, isAtomic, isLoad, isStore } from '../../../isa/index.ts';
import { callGraph, type SymbolIndex, tailCallers } from '../../../object/index.ts';
import {
  type BlockIndex,
  FRAME_POINTER,
  Graph,
  type Ins,
  isCall,
  isCopy,
  move,
  OP_ADD_NUMBER,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
  readsDst,
  readsSrc,
  retargeted,
  type Terminator,
  withFields,
  writtenRegister,
} from '../ir/index.ts';
import type { InlinedCall, KeptCall } from '../model/index.ts';
import { Refusal } from '../model/index.ts';
import type { ProgramDecisions } from './decide.ts';
import type { StackNeed } from './frames.ts';
import type { Functions, LiftableFunction } from './functions.ts';
import type { CallUse } from './register-use.ts';

/** A program, lifted. */
export interface Lifted {
  readonly graph: Graph;
  readonly inlined: readonly InlinedCall[];
  readonly kept: readonly KeptCall[];
  readonly stack: StackNeed;
}

/** Registers that a function can write. */
const OWN_REGISTERS = 10;
const ARGUMENT_REGISTERS = [1, 2, 3, 4, 5];

/** One use of a function's body. */
interface Instance {
  readonly of: LiftableFunction;
  /** Functions whose code it is in, the program first and itself last. */
  readonly path: readonly SymbolIndex[];
  /** Virtual register of r0. */
  readonly base: Register;
  /** Where its frame is: bytes of the program's frame above it. */
  readonly shift: number;
  /** Bytes of the frames above it; less than `shift` where members have bytes of their own. */
  readonly depth: number;
  /** Which of the functions that the program calls itself it is or belongs to; -1 for the program. */
  readonly member: number;
  /** Number of its first block; the others follow in their order. */
  readonly first: BlockIndex;
  /** Where `exit` leads and which register gets the result; null: out of the program. */
  readonly leave: Leave | null;
}

interface Leave {
  readonly to: BlockIndex;
  readonly result: Register | null;
}

/**
 * Lifts a program. `places`: where the frame of each function is that the program calls itself (`placeMembers`);
 * without them all share their bytes. Throws `Refusal` where its own code cannot be lifted.
 */
export function liftProgram(
  functions: Functions,
  program: SymbolIndex,
  decisions: ProgramDecisions,
  places: readonly number[] | null = null,
): Lifted {
  return new Lifter(functions, decisions, places).lift(program);
}

class Lifter {
  readonly #functions: Functions;
  readonly #decisions: ProgramDecisions;
  readonly #graph = new Graph();
  readonly #pending: Instance[] = [];
  readonly #inlined: InlinedCall[] = [];
  readonly #kept: KeptCall[] = [];
  readonly #places: readonly number[] | null;
  readonly #members: number[] = [];
  #below = 0;
  #hasTailCalls = false;
  #isFrameKept = false;
  /** Bytes of the stack that instances to come may not use. */
  #reserved = 0;

  constructor(functions: Functions, decisions: ProgramDecisions, places: readonly number[] | null) {
    this.#functions = functions;
    this.#decisions = decisions;
    this.#places = places;
  }

  lift(program: SymbolIndex): Lifted {
    const entry = this.#graph.addBlock();
    const root = this.#addInstance(program, null, null);
    const { ins } = this.#graph.block(entry);
    for (const register of ARGUMENT_REGISTERS)
      if (hasRegister(root.of.use.parameters, register))
        ins.push(move(root.base + register, register, firstLine(root)));
    this.#graph.block(entry).terminator = { kind: 'jump', target: root.first };
    for (let done = 0; done < this.#pending.length; done++)
      this.#liftInstance(elementAt(this.#pending, done));
    const stack = {
      own: root.of.frame,
      members: this.#members,
      below: this.#below,
      hasTailCalls: this.#hasTailCalls,
      isFrameKept: this.#isFrameKept,
    };
    return { graph: this.#graph, inlined: this.#inlined, kept: this.#kept, stack };
  }

  /** Room for a function's body, which is lifted later: calls that a caller makes come before those inside them. */
  #addInstance(index: SymbolIndex, caller: Instance | null, leave: Leave | null): Instance {
    const of = this.#functions.liftable(index);
    const graph = this.#graph;
    const frame = this.#placeFrame(caller, of);
    const { shift } = frame;
    const first = graph.blocks.length;
    for (let count = of.code.blocks.length; count > 0; count--) graph.addBlock();
    graph.frame = Math.max(graph.frame, shift + of.frame);
    if (of.isFrameKept && caller !== null) this.#keepFrames();
    const base = graph.addRegisters(OWN_REGISTERS);
    const path = caller === null ? [index] : [...caller.path, index];
    const instance = { of, path, base, ...frame, first, leave };
    this.#pending.push(instance);
    for (const { kind, symbol } of of.symbol.references) if (kind === 'address') this.#stays(symbol);
    return instance;
  }

  #placeFrame(caller: Instance | null, of: LiftableFunction): Pick<Instance, 'shift' | 'depth' | 'member'> {
    if (caller === null) return { shift: 0, depth: 0, member: -1 };
    const depth = caller.depth + caller.of.frame;
    const shift = this.#belowKept(caller.shift + caller.of.frame, of);
    if (caller.member < 0) {
      const member = this.#members.push(of.frame) - 1;
      return { shift: this.#places?.[member] ?? shift, depth, member };
    }
    const { member } = caller;
    const above = depth - elementAt(this.#pending, 0).of.frame;
    this.#members[member] = Math.max(elementAt(this.#members, member), above + of.frame);
    return { shift, depth, member };
  }

  /** What is placed so far is not used again. */
  #keepFrames(): void {
    this.#reserved = this.#graph.frame;
    this.#isFrameKept = true;
  }

  /** Bytes of stack above a frame: one that is kept is below all that is placed already. */
  #belowKept(above: number, { isFrameKept }: LiftableFunction): number {
    return Math.max(above, isFrameKept ? this.#graph.frame : this.#reserved);
  }

  /** Notes a function that stays one: its frame is below that of the program. */
  #stays(callee: SymbolIndex): void {
    const { object } = this.#functions;
    if (this.#functions.symbol(callee) === undefined) return;
    const graph = callGraph(object);
    this.#below = Math.max(this.#below, this.#functions.mostStack(callee));
    const tailing = tailCallers(object);
    if (graph.reach([callee]).some(at => tailing.has(at))) this.#hasTailCalls = true;
  }

  #liftInstance(instance: Instance): void {
    const { code, order } = instance.of;
    for (const number of order) {
      const block = code.block(number);
      let at = instance.first + number;
      for (let index = 0; index < block.ins.length; index++) {
        const ins = elementAt(block.ins, index);
        const { ins: out } = this.#graph.block(at);
        if (isCall(ins)) at = this.#liftCall(instance, ins, at);
        else if (readsFramePointer(ins)) index += pushFrameAddress(instance, ins, block.ins[index + 1], out);
        else pushRenamed(instance, ins, out);
      }
      this.#close(instance, at, block.terminator);
    }
  }

  #close(instance: Instance, at: BlockIndex, terminator: Terminator): void {
    const block = this.#graph.block(at);
    if (terminator.kind === 'exit') block.terminator = leave(instance, terminator, block.ins);
    else {
      const moved = retargeted(terminator, target => instance.first + target);
      block.terminator = moved.kind === 'branch' ? { ...moved, ins: renamed(instance, moved.ins) } : moved;
    }
  }

  /** The block that goes on after the call. */
  #liftCall(instance: Instance, ins: Ins, at: BlockIndex): BlockIndex {
    const use = valueAt(instance.of.use.calls, ins);
    const callee = this.#calledFunction(ins);
    if (callee === null || !this.#isReplaced(instance, callee, ins)) {
      pushCall(instance, ins, use, this.#graph.block(at).ins);
      return at;
    }
    return this.#inline(instance, callee, { ins, use, at });
  }

  /** The function of the object, or a name that is none, that a call leads to; null for helpers and kfuncs. */
  #calledFunction({ reference }: Ins): SymbolIndex | null {
    if (reference === null) return null;
    const symbol = this.#functions.object.symbols[reference.symbol];
    const isKernels = symbol?.kind === 'extern' && symbol.section === '.ksyms';
    return isKernels ? null : reference.symbol;
  }

  #isReplaced(caller: Instance, callee: SymbolIndex, { reference }: Ins): boolean {
    const { path, of } = caller;
    const isWhole = reference?.addend === 0;
    const place = { callee, path, stack: this.#stackAbove(caller, callee) };
    const reason = isWhole ? this.#decisions.decline(place) : 'the call leads into the middle of it';
    const names = { function: this.#nameOf(callee), caller: of.symbol.name };
    if (reason === null) this.#inlined.push(names);
    else {
      this.#kept.push({ ...names, reason });
      this.#stays(callee);
    }
    return reason === null;
  }

  /** The same for every choice of places, so that all of them inline the same. */
  #stackAbove({ shift, depth, of }: Instance, callee: SymbolIndex): number {
    const above = (this.#places === null ? shift : depth) + of.frame;
    if (this.#functions.objection(callee) !== null) return Math.max(above, this.#reserved);
    return this.#belowKept(above, this.#functions.liftable(callee));
  }

  #nameOf(index: SymbolIndex): string {
    return elementAt(this.#functions.object.symbols, index).name;
  }

  #inline(
    caller: Instance,
    callee: SymbolIndex,
    { ins: { line }, use, at }: { readonly ins: Ins; readonly use: CallUse; readonly at: BlockIndex },
  ): BlockIndex {
    const to = this.#graph.addBlock();
    const result = needsResult(caller, use) ? caller.base : null;
    const instance = this.#addInstance(callee, caller, { to, result });
    const block = this.#graph.block(at);
    for (const register of ARGUMENT_REGISTERS) {
      if (!hasRegister(instance.of.use.parameters & ~use.undefined, register)) continue;
      block.ins.push(move(instance.base + register, caller.base + register, line));
    }
    block.terminator = { kind: 'jump', target: instance.first };
    return to;
  }
}

function hasRegister(set: number, register: number): boolean {
  return (set & (1 << register)) !== 0;
}

function firstLine({ of: { code } }: Instance): LineRecord | null {
  const block = elementAt(code.blocks, 0);
  const { terminator } = block;
  if (block.ins[0] !== undefined) return block.ins[0].line;
  return terminator.kind === 'exit' ? terminator.line : null;
}

/** Whether the r0 of an instance is read after a call in it. */
function needsResult({ leave }: Instance, use: CallUse): boolean {
  return use.usesResult || (use.returnsResult && (leave === null || leave.result !== null));
}

// --- nodes --------------------------------------------------------------------------------------------------------

function leave({ leave, base }: Instance, exit: Terminator & { kind: 'exit' }, out: Ins[]): Terminator {
  if (leave === null) {
    out.push(move(0, base, exit.line));
    return exit;
  }
  if (leave.result !== null) out.push(move(leave.result, base, exit.line));
  return { kind: 'jump', target: leave.to };
}

/** A call that stays: arguments and result are copied, what the callee reads has a value. */
function pushCall(instance: Instance, ins: Ins, use: CallUse, out: Ins[]): void {
  const args = 31 - Math.clz32(use.reads | 1);
  for (let register = 1; register <= args; register++) {
    const isGiven = hasRegister(use.reads & ~use.undefined, register);
    out.push(isGiven ? move(register, instance.base + register, ins.line) : zero(register, ins.line));
  }
  out.push({ ...ins, args });
  if (needsResult(instance, use)) out.push(move(instance.base, 0, ins.line));
}

/** For a register below the last one that a call reads, which the call itself does not read. */
function zero(register: Register, line: LineRecord | null): Ins {
  return { ...move(register, 0, line), opcode: OP_MOVE_NUMBER, src: 0 };
}

function readsFramePointer(ins: Ins): boolean {
  return isCopy(ins) && ins.src === FRAME_POINTER;
}

/** `dst = r10`, together with the constant that follows; how many further nodes it took. */
function pushFrameAddress({ base, shift }: Instance, ins: Ins, next: Ins | undefined, out: Ins[]): number {
  const joins = next?.opcode === OP_ADD_NUMBER && next.dst === ins.dst && next.core === null;
  const imm = (joins ? next.imm : 0) - shift;
  out.push({ ...ins, opcode: OP_FRAME_ADDRESS, dst: base + ins.dst, src: 0, imm });
  return joins ? 1 : 0;
}

function pushRenamed(instance: Instance, ins: Ins, out: Ins[]): void {
  const isExchange = isAtomic(ins.opcode) && ins.imm === BPF_CMPXCHG;
  if (isExchange) out.push(move(0, instance.base, ins.line));
  out.push(renamed(instance, ins));
  if (isExchange) out.push(move(instance.base, 0, ins.line));
}

/** The node over the registers of the instance, and its place in the frame. */
function renamed({ base, shift }: Instance, ins: Ins): Ins {
  const usesDst = readsDst(ins) || writtenRegister(ins) === ins.dst;
  const usesSrc = readsSrc(ins);
  const isFrameUsed = (usesDst && ins.dst === FRAME_POINTER) || (usesSrc && ins.src === FRAME_POINTER);
  if (isFrameUsed && !isFrameAccess(ins)) throw new Refusal('it computes with the frame pointer');
  return withFields(
    ins,
    usesDst && ins.dst !== FRAME_POINTER ? base + ins.dst : ins.dst,
    usesSrc && ins.src !== FRAME_POINTER ? base + ins.src : ins.src,
    isFrameUsed ? ins.offset - shift : ins.offset,
  );
}

/** A load or store with the frame pointer as base, and as nothing else. */
function isFrameAccess(ins: Ins): boolean {
  if (isLoad(ins)) return ins.src === FRAME_POINTER && ins.dst !== FRAME_POINTER;
  if (!isStore(ins) || ins.dst !== FRAME_POINTER) return false;
  return !readsSrc(ins) || ins.src !== FRAME_POINTER;
}
