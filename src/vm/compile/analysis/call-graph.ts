/**
 * Whether calls have to be counted at run time, because some path may break the verifier's limits on frames
 * or stack.
 *
 * The graph, its limits and the rounding of frames are those of `object/call-graph.ts`; separate, because the
 * machine measures the stack of a function by its analysis of values, and wants to count only where it must.
 */

import { CallGraph, type SymbolIndex } from '../../../object/index.ts';

export interface CallNode {
  readonly symbol: SymbolIndex;
  /** Bytes that the function itself uses. */
  readonly stackDepth: number;
  /** Functions that run on its stack: those that it calls or passes as callbacks for now. */
  readonly callees: readonly SymbolIndex[];
}

export interface CallPlan {
  /** Some path of calls may break a limit, or functions are each other in a cycle: calls are counted. */
  readonly checked: boolean;
  /** Bytes that a frame of the function counts. */
  frameBytes(symbol: SymbolIndex): number;
}

export function planCalls(nodes: readonly CallNode[]): CallPlan {
  const bySymbol = new Map(nodes.map(node => [node.symbol, node]));
  const graph = new CallGraph({
    callees: symbol => bySymbol.get(symbol)?.callees.filter(callee => bySymbol.has(callee)) ?? [],
    stackDepth: symbol => bySymbol.get(symbol)?.stackDepth ?? 0,
  });
  return {
    checked: !nodes.every(({ symbol }) => graph.fits(symbol)),
    frameBytes: symbol => graph.frameBytes(symbol),
  };
}
