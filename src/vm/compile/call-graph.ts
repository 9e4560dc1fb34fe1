/**
 * Which functions call which, how many frames and how much stack that can take, and whether calls have to be checked
 * at run time because it could be too much.
 *
 * The limits are the kernel verifier's: 8 frames, 512 bytes of stack over all frames of a program, where a frame
 * counts at least one byte and is rounded up to 32.
 */

import { alignUp } from '../../bytes/index.ts';
import type { SymbolIndex } from '../../object/index.ts';

export const MAX_CALL_FRAMES = 8;
export const MAX_STACK_BYTES = 512;

export interface CallNode {
  readonly symbol: SymbolIndex;
  /** Bytes that the function itself uses. */
  readonly stackDepth: number;
  /** Functions that it calls or hands out as callbacks. */
  readonly callees: readonly SymbolIndex[];
}

export interface CallPlan {
  /** Some chain of calls may break a limit, or functions call each other in a circle: calls count. */
  readonly checked: boolean;
  /** Bytes that a frame of the function counts. */
  frameBytes(symbol: SymbolIndex): number;
}

export function planCalls(nodes: readonly CallNode[]): CallPlan {
  const bytes = new Map(nodes.map(node => [node.symbol, roundFrame(node.stackDepth)]));
  return { checked: !staysInLimits(nodes, bytes), frameBytes: symbol => bytes.get(symbol) ?? roundFrame(0) };
}

function roundFrame(depth: number): number {
  return alignUp(Math.max(depth, 1), 32);
}

/** Longest chains from the leaves up; a function in a circle never becomes ready. */
function staysInLimits(nodes: readonly CallNode[], bytes: ReadonlyMap<SymbolIndex, number>): boolean {
  const callers = new Map<SymbolIndex, SymbolIndex[]>(nodes.map(node => [node.symbol, []]));
  const waiting = new Map<SymbolIndex, number>();
  for (const node of nodes) {
    const callees = [...new Set(node.callees)].filter(callee => callers.has(callee));
    waiting.set(node.symbol, callees.length);
    for (const callee of callees) callers.get(callee)?.push(node.symbol);
  }
  const frames = new Map<SymbolIndex, number>();
  const stack = new Map<SymbolIndex, number>();
  const ready = nodes.filter(node => waiting.get(node.symbol) === 0).map(node => node.symbol);
  for (const symbol of ready) {
    const ownFrames = (frames.get(symbol) ?? 0) + 1;
    const ownStack = (stack.get(symbol) ?? 0) + (bytes.get(symbol) ?? 0);
    if (ownFrames > MAX_CALL_FRAMES || ownStack > MAX_STACK_BYTES) return false;
    for (const caller of callers.get(symbol) ?? []) {
      frames.set(caller, Math.max(frames.get(caller) ?? 0, ownFrames));
      stack.set(caller, Math.max(stack.get(caller) ?? 0, ownStack));
      const left = (waiting.get(caller) ?? 0) - 1;
      waiting.set(caller, left);
      if (left === 0) ready.push(caller);
    }
  }
  return ready.length === nodes.length;
}
