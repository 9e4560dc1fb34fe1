/**
 * Which functions call which: callees, reach, the deepest path, and the stack that a path takes.
 *
 * The one owner of these and of the kernel's limits on them: limits, effects, callers, the loader and the
 * embedded machine ask here. A function that is handed out as a callback (its address is taken) counts as
 * called, as for the kernel, but one that runs later has a stack of its own. Call graphs come from files:
 * nothing here recurses, and every walk is linear in calls.
 *
 * Source: Linux kernel/bpf/verifier.c (check_max_stack_depth, round_up_stack_depth, MAX_CALL_FRAMES).
 */

import { alignUp, elementAt, valueAt } from '../../bytes/index.ts';
import { CodeView, helperId, OP_CALL, stackDepth } from '../../isa/index.ts';
import type { BpfObject, CodeReference, FunctionSymbol, SymbolIndex } from '../model/index.ts';
import { isDeferred } from './async-callbacks.ts';

/** Functions of a program that may be active at the same time. */
export const MAX_CALL_FRAMES = 8;
/** Bytes of stack over all frames of a path. */
export const MAX_STACK_BYTES = 512;
/** Bytes; a called function that uses a tail call needs less than this above its own frame. */
export const MAX_STACK_BYTES_ABOVE_TAIL_CALL = 256;
/** Of kernels that compile programs (since Linux 6.8); others round to 32, at least 32. */
const FRAME_ROUNDING = 16;

/** Bytes that the frame of a function counts which uses `depth` bytes of stack. */
export function frameBytes(depth: number): number {
  return alignUp(depth, FRAME_ROUNDING);
}

/** What a call graph is made from. */
export interface CallSource {
  /** Functions that `at` calls or hands out as callbacks, each once. */
  callees(at: SymbolIndex): readonly SymbolIndex[];
  /** Bytes of stack that `at` itself uses. */
  stackDepth(at: SymbolIndex): number;
  /** Whether `at` only hands `callee` out, to run later on a stack of its own. Default: never. */
  isDeferred?(at: SymbolIndex, callee: SymbolIndex): boolean;
}

/** The path with the largest total, infinite where functions call each other in a cycle. */
export interface CallPath {
  readonly total: number;
  /** From the root on; a path that ends in a cycle ends with the first function that it repeats. */
  readonly path: readonly SymbolIndex[];
}

/** The longest path from a function: what it adds up to, and its first callee (-1: none). */
interface Step {
  readonly total: number;
  readonly next: SymbolIndex;
}

interface Visit {
  readonly at: SymbolIndex;
  readonly callees: readonly SymbolIndex[];
  next: number;
}

/** Answers are kept: asking for every program of an object costs as much as asking for the largest one. */
export class CallGraph {
  readonly #source: CallSource;
  readonly #callees = new Map<SymbolIndex, readonly SymbolIndex[]>();
  readonly #onStack = new Map<SymbolIndex, readonly SymbolIndex[]>();
  readonly #frameBytes = new Map<SymbolIndex, number>();
  readonly #byFrames = new Map<SymbolIndex, Step>();
  readonly #byStack = new Map<SymbolIndex, Step>();

  constructor(source: CallSource) {
    this.#source = source;
  }

  /** Functions that `at` calls or hands out as callbacks, each once, in the order of its instructions. */
  callees(at: SymbolIndex): readonly SymbolIndex[] {
    const known = this.#callees.get(at);
    if (known !== undefined) return known;
    const callees = this.#source.callees(at);
    this.#callees.set(at, callees);
    return callees;
  }

  /** Those of them that run on the stack of `at`: all but asynchronous callbacks. */
  stackCallees(at: SymbolIndex): readonly SymbolIndex[] {
    const known = this.#onStack.get(at);
    if (known !== undefined) return known;
    const all = this.callees(at);
    const isDeferred = this.#source.isDeferred?.bind(this.#source);
    const onStack = isDeferred === undefined ? all : all.filter(callee => !isDeferred(at, callee));
    this.#onStack.set(at, onStack);
    return onStack;
  }

  /** Functions of a program at the bottom of a stack: the program, and asynchronous callbacks. */
  stackRoots(program: SymbolIndex): SymbolIndex[] {
    const deferred = this.reach([program]).flatMap(at => {
      const onStack = this.stackCallees(at);
      return this.callees(at).filter(callee => !onStack.includes(callee));
    });
    return [...new Set([program, ...deferred])];
  }

  /** Bytes of the frame of `at` as the kernel counts them. */
  frameBytes(at: SymbolIndex): number {
    const known = this.#frameBytes.get(at);
    if (known !== undefined) return known;
    const bytes = frameBytes(this.#source.stackDepth(at));
    this.#frameBytes.set(at, bytes);
    return bytes;
  }

  /**
   * The roots and all functions that they reach, each once: depth first, a callee before the next call of its
   * caller. That is the order in which libbpf appends functions to a program.
   */
  reach(roots: readonly SymbolIndex[]): SymbolIndex[] {
    const seen = new Set<SymbolIndex>();
    for (const root of roots) {
      const path: Visit[] = [];
      const enter = (at: SymbolIndex): void => {
        if (seen.has(at)) return;
        seen.add(at);
        path.push({ at, callees: this.callees(at), next: 0 });
      };
      enter(root);
      for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
        const callee = visit.callees[visit.next++];
        if (callee === undefined) path.pop();
        else enter(callee);
      }
    }
    return [...seen];
  }

  /** The path from `root` with the most frames of one stack; `total` is their number. */
  deepest(root: SymbolIndex): CallPath {
    return longestPath(
      root,
      at => this.stackCallees(at),
      () => 1,
      this.#byFrames,
    );
  }

  /** The path from `root` that takes most of one stack; `total` is its bytes. */
  mostStack(root: SymbolIndex): CallPath {
    return longestPath(
      root,
      at => this.stackCallees(at),
      at => this.frameBytes(at),
      this.#byStack,
    );
  }

  /** Whether every path from `root` keeps the kernel's limits on frames and stack. */
  fits(root: SymbolIndex): boolean {
    return this.deepest(root).total <= MAX_CALL_FRAMES && this.mostStack(root).total <= MAX_STACK_BYTES;
  }

  /** The path from `root` with the most stack inside `within`; nothing when `root` is outside. */
  mostStackWithin(root: SymbolIndex, within: ReadonlySet<SymbolIndex>): CallPath {
    if (!within.has(root)) return { total: 0, path: [] };
    const callees = (at: SymbolIndex): SymbolIndex[] =>
      this.stackCallees(at).filter(callee => within.has(callee));
    return longestPath(root, callees, at => this.frameBytes(at), new Map());
  }
}

/** Each function is weighed once, after its callees. */
function longestPath(
  root: SymbolIndex,
  callees: (at: SymbolIndex) => readonly SymbolIndex[],
  weight: (at: SymbolIndex) => number,
  done: Map<SymbolIndex, Step>,
): CallPath {
  const path: Visit[] = [];
  const open = new Set<SymbolIndex>();
  const enter = (at: SymbolIndex): void => {
    if (done.has(at)) return;
    open.add(at);
    path.push({ at, callees: callees(at), next: 0 });
  };
  enter(root);
  for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
    const callee = visit.callees[visit.next++];
    if (callee === undefined) {
      done.set(visit.at, heaviest(visit, weight, done));
      open.delete(visit.at);
      path.pop();
    } else if (open.has(callee) || done.get(callee)?.total === Number.POSITIVE_INFINITY) {
      path.forEach(({ at }, depth) => {
        done.set(at, { total: Number.POSITIVE_INFINITY, next: path[depth + 1]?.at ?? callee });
      });
      break;
    } else {
      enter(callee);
    }
  }
  return { total: valueAt(done, root).total, path: pathFrom(root, done) };
}

function heaviest(
  { at, callees }: Visit,
  weight: (at: SymbolIndex) => number,
  done: ReadonlyMap<SymbolIndex, Step>,
): Step {
  let best: Step = { total: 0, next: -1 };
  for (const callee of callees) {
    const { total } = valueAt(done, callee);
    if (best.next < 0 || total > best.total) best = { total, next: callee };
  }
  return { total: best.total + weight(at), next: best.next };
}

function pathFrom(root: SymbolIndex, done: ReadonlyMap<SymbolIndex, Step>): SymbolIndex[] {
  const path = new Set<SymbolIndex>();
  for (let at = root; at >= 0; at = valueAt(done, at).next) {
    if (path.has(at)) return [...path, at];
    path.add(at);
  }
  return [...path];
}

// --- of an object ------------------------------------------------------------------------------------------

/** Objects do not change, so that what is found out about one is kept as long as the object. */
const KNOWN = new WeakMap<BpfObject, CallGraph>();

/** The call graph of an object; stack depths are lower bounds, as far as stack use is plain to see. */
export function callGraph(object: BpfObject): CallGraph {
  const known = KNOWN.get(object);
  if (known !== undefined) return known;
  const graph = new CallGraph({
    callees: at => calleesIn(object, at),
    isDeferred: (at, callee) => isDeferred(object, at, callee),
    stackDepth: at => stackDepth(new CodeView(functionAt(object, at)?.code ?? NO_CODE, object.byteOrder)),
  });
  KNOWN.set(object, graph);
  return graph;
}

/** Number of the helper. */
const TAIL_CALL = helperId('bpf_tail_call');
const NO_CODE = new Uint8Array(0);

function functionAt(object: BpfObject, at: SymbolIndex): FunctionSymbol | undefined {
  const symbol = object.symbols[at];
  return symbol?.kind === 'function' ? symbol : undefined;
}

function calleesIn(object: BpfObject, at: SymbolIndex): SymbolIndex[] {
  const symbol = functionAt(object, at);
  const callees = new Set<SymbolIndex>();
  for (const reference of symbol === undefined ? [] : referencesInOrder(symbol))
    if (functionAt(object, reference.symbol) !== undefined) callees.add(reference.symbol);
  return [...callees];
}

/** References of a function in the order of its instructions. */
export function referencesInOrder({ references }: FunctionSymbol): readonly CodeReference[] {
  const isInOrder = references.every(
    ({ insnIndex }, position) => position === 0 || insnIndex >= elementAt(references, position - 1).insnIndex,
  );
  return isInOrder ? references : [...references].sort((a, b) => a.insnIndex - b.insnIndex);
}

/** Functions from which calls lead to one of `targets`, symbols of any kind. */
export function callersOf(object: BpfObject, targets: readonly SymbolIndex[]): ReadonlySet<SymbolIndex> {
  const direct = directCallers(object);
  const found = new Set(targets.flatMap(target => direct.get(target) ?? []));
  for (const at of found) for (const caller of direct.get(at) ?? []) found.add(caller);
  return found;
}

const KNOWN_CALLERS = new WeakMap<BpfObject, ReadonlyMap<SymbolIndex, readonly SymbolIndex[]>>();

/** For each symbol, the functions that refer to it. */
function directCallers(object: BpfObject): ReadonlyMap<SymbolIndex, readonly SymbolIndex[]> {
  const known = KNOWN_CALLERS.get(object);
  if (known !== undefined) return known;
  const direct = new Map<SymbolIndex, SymbolIndex[]>();
  object.symbols.forEach((symbol, at) => {
    if (symbol.kind !== 'function') return;
    for (const target of new Set(symbol.references.map(reference => reference.symbol))) {
      const callers = direct.get(target);
      if (callers === undefined) direct.set(target, [at]);
      else callers.push(at);
    }
  });
  KNOWN_CALLERS.set(object, direct);
  return direct;
}

/**
 * Most stack in use when one of `targets`, called from `root`, starts: the frames of the path with the most
 * stack, without that of the target itself. Nothing when no call leads there.
 */
export function stackAbove(object: BpfObject, root: SymbolIndex, targets: readonly SymbolIndex[]): CallPath {
  return callGraph(object).mostStackWithin(root, callersOf(object, targets));
}

const KNOWN_TAIL_CALLERS = new WeakMap<BpfObject, ReadonlySet<SymbolIndex>>();

/** Functions whose own code uses tail calls. */
export function tailCallers(object: BpfObject): ReadonlySet<SymbolIndex> {
  const known = KNOWN_TAIL_CALLERS.get(object);
  if (known !== undefined) return known;
  const found = new Set([...object.symbols.keys()].filter(at => usesTailCall(object, at)));
  KNOWN_TAIL_CALLERS.set(object, found);
  return found;
}

function usesTailCall(object: BpfObject, at: SymbolIndex): boolean {
  const code = new CodeView(functionAt(object, at)?.code ?? NO_CODE, object.byteOrder);
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    const isHelper = code.opcode(insnIndex) === OP_CALL && code.src(insnIndex) === 0;
    if (isHelper && code.imm(insnIndex) === TAIL_CALL) return true;
  }
  return false;
}
