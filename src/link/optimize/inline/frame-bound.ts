/**
 * How much stack a function may use: an upper bound, for laying the frame of an inlined function below it.
 *
 * `stackDepth` of `isa/stack.ts` is a lower bound: it leaves out what it does not know, which is right for refusing
 * code, and would make two frames overlap here. This one follows every address that is made from the frame pointer
 * over the control flow, through branches, calculations with ranges of numbers, memory, callees and callbacks; where
 * an address is not known to stay above some offset, the function has no bound.
 *
 * What it relies on is what the kernel checks: offsets from the frame pointer do not wrap, memory that a helper
 * gets starts at the address that it gets, addresses come out of memory as they were stored, all 8 bytes, and no
 * function returns an address of its callers' frames.
 */

import { alignUp, elementAt } from '../../../bytes/index.ts';
import {
  CodeView,
  hasSourceRegister,
  isAlu,
  isLoad,
  isStore,
  readsSrc,
  reversePostorder,
  stackDepth,
} from '../../../isa/index.ts';
import { type BpfObject, callGraph, type FunctionSymbol, type SymbolIndex } from '../../../object/index.ts';
import { BPF_CORE_ENUMVAL_VALUE } from '../../../uapi/index.ts';
import type { FrameCode } from '../frame/index.ts';
import {
  ANY_NUMBER,
  ANYWHERE,
  FRAME,
  type FrameUse,
  followFrame,
  type Range,
  UNKNOWN_USE,
} from '../frame/index.ts';
import { Refusal } from '../model/index.ts';

/** Bytes below the frame pointer, a multiple of 8; or why there is no bound, as words. */
export type FrameBound = { readonly bytes: number } | { readonly reason: string };

const FRAME_POINTER = 10;

const KNOWN = new WeakMap<BpfObject, Map<SymbolIndex, Followed>>();

/** The bound of a function of an object. Nothing is known about code with calls that lead back to it. */
export function frameBound(object: BpfObject, at: SymbolIndex): FrameBound {
  const symbol = object.symbols[at];
  if (symbol?.kind !== 'function') return { reason: 'it is not defined here' };
  const code = new CodeView(symbol.code, object.byteOrder);
  const direct = directDepth(code);
  if (direct !== undefined) return { bytes: alignUp(direct, 8) };
  const { use, reason } = followed(object, at);
  if (reason !== null) return { reason };
  return { bytes: alignUp(Math.max(stackDepth(code), -Math.min(0, use.reach(FRAME))), 8) };
}

/** Depth of a function that uses its frame by loads and stores alone; undefined where it makes addresses. */
function directDepth(code: CodeView): number | undefined {
  let depth = 0;
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    const insn = code.at(insnIndex);
    if (isLoad(insn)) {
      if (insn.src === FRAME_POINTER) depth = Math.max(depth, -insn.offset);
    } else if (isStore(insn)) {
      if (readsSrc(insn) && insn.src === FRAME_POINTER) return undefined;
      if (insn.dst === FRAME_POINTER) depth = Math.max(depth, -insn.offset);
    } else if (isAlu(insn.opcode) && hasSourceRegister(insn.opcode) && insn.src === FRAME_POINTER) {
      return undefined;
    }
  }
  return depth;
}

interface Followed {
  readonly use: FrameUse;
  readonly reason: string | null;
}

/** Follows a function after its callees; each once. */
function followed(object: BpfObject, at: SymbolIndex): Followed {
  const known = KNOWN.get(object) ?? new Map<SymbolIndex, Followed>();
  KNOWN.set(object, known);
  for (const index of calleesFirst(object, at))
    if (!known.has(index)) known.set(index, follow(object, index, known));
  return known.get(at) ?? { use: UNKNOWN_USE, reason: 'it is not defined here' };
}

/** The function and what it calls, each after its callees where calls do not lead back. */
function calleesFirst(object: BpfObject, at: SymbolIndex): SymbolIndex[] {
  const graph = callGraph(object);
  const functions = graph.reach([at]);
  const positions = new Map(functions.map((index, position) => [index, position]));
  const order = reversePostorder(functions.length, position =>
    graph.callees(elementAt(functions, position)).flatMap(callee => positions.get(callee) ?? []),
  );
  return order.map(position => elementAt(functions, position)).reverse();
}

function follow(object: BpfObject, at: SymbolIndex, known: ReadonlyMap<SymbolIndex, Followed>): Followed {
  const symbol = object.symbols[at];
  if (symbol?.kind !== 'function') return { use: UNKNOWN_USE, reason: 'it is not defined here' };
  try {
    const recorder = followFrame(frameCode(object, symbol, known));
    const use = recorder.result();
    return { use, reason: use.reach(FRAME) === ANYWHERE ? unknownReach(recorder.unknownAt) : null };
  } catch (error) {
    if (error instanceof Refusal) return { use: UNKNOWN_USE, reason: error.reason };
    throw error;
  }
}

function unknownReach(insnIndex: number): string {
  return insnIndex < 0
    ? 'it uses addresses of its stack that it stored, at offsets that are not known'
    : `instruction ${insnIndex} uses its stack at an offset that is not known`;
}

/** The function as the analysis sees it. Functions that are not known yet lead back here. */
function frameCode(
  object: BpfObject,
  symbol: FunctionSymbol,
  known: ReadonlyMap<SymbolIndex, Followed>,
): FrameCode {
  const uses = new Map<number, FrameUse>();
  const callbacks: FrameUse[] = [];
  const symbols = new Set<number>();
  for (const { insnIndex, kind, symbol: target } of symbol.references) {
    if (kind === 'address') symbols.add(insnIndex);
    if (object.symbols[target]?.kind !== 'function') continue;
    const use = known.get(target)?.use ?? UNKNOWN_USE;
    if (kind === 'call') uses.set(insnIndex, use);
    else callbacks.push(use);
  }
  const relocated = new Map(
    symbol.coreRecords.map(({ insnIndex, kind }) => [insnIndex, relocatedRange(kind)]),
  );
  return {
    code: new CodeView(symbol.code, object.byteOrder),
    callee: insnIndex => uses.get(insnIndex),
    callbacks,
    isSymbol: insnIndex => symbols.has(insnIndex),
    relocated: insnIndex => relocated.get(insnIndex),
  };
}

/** Offsets, sizes, shifts, identifiers and answers are not negative; values of enumerations may be. */
function relocatedRange(kind: number): Range {
  return kind === BPF_CORE_ENUMVAL_VALUE ? ANY_NUMBER : { min: 0, max: Number.POSITIVE_INFINITY };
}
