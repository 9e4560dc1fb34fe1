/**
 * One program through all passes: from its code to its code.
 *
 * Apart from `optimize.ts`, which decides what becomes of the result. A pass that cannot handle the program throws
 * `Refusal`.
 */

import {
  type FunctionSymbol,
  programTypeOf,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';
import { BPF_PROG_TYPE_SCHED_ACT, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import { clean, mergeRanges, mergeTails, simplify } from './clean/index.ts';
import {
  type Decisions,
  type Functions,
  fitsAbove,
  type Lifted,
  liftProgram,
  lower,
  ProgramDecisions,
  placeMembers,
} from './inline/index.ts';
import type { Graph } from './ir/index.ts';
import type { InlinedCall, InlineScope, KeptCall, Passes } from './model/index.ts';
import { Refusal } from './model/index.ts';
import { colour, splitWebs, type Webs } from './registers/index.ts';
import type { ContextKind } from './specialise/index.ts';
import { specialise } from './specialise/index.ts';

/** What programs of one object are optimized with. */
export interface OptimizeContext {
  readonly functions: Functions;
  readonly decisions: Decisions;
  readonly passes: Passes;
}

/** A program after its passes. */
export interface OptimizedProgram {
  readonly symbol: FunctionSymbol;
  readonly inlined: readonly InlinedCall[];
  readonly kept: readonly KeptCall[];
  readonly stack: { readonly before: number; readonly after: number };
  readonly shared: number;
  readonly decided: number;
  readonly spilled: number;
}

/** Version of the instruction set that has `gotol`. */
const ISA_WITH_LONG_JUMPS = 4;
/** Bytes of a frame that the kernel allows. */
const MAX_FRAME = 512;

/**
 * Runs the passes. `insns`: slots of the program and the functions that it calls. Members get stack of their own
 * where it is enough, else they share it. Throws `Refusal`.
 */
export function optimizeProgram(
  context: OptimizeContext,
  program: SymbolIndex,
  scope: InlineScope,
  insns: number,
): OptimizedProgram {
  const { functions, decisions, passes } = context;
  const lift = (places: readonly number[] | null): Lifted =>
    liftProgram(
      functions,
      program,
      new ProgramDecisions(decisions, program, passes.inline ? scope : 'none', insns),
      places,
    );
  const lifted = lift(null);
  const places = placeMembers(lifted.stack);
  const spread = places === null ? null : finishedIfFits(context, program, lift(places), insns);
  return spread ?? finished(context, program, lifted, insns);
}

/** Null where the stack is not enough. */
function finishedIfFits(
  context: OptimizeContext,
  program: SymbolIndex,
  lifted: Lifted,
  insns: number,
): OptimizedProgram | null {
  try {
    const done = finished(context, program, lifted, insns);
    return fitsAbove(lifted.stack, done.stack.after) ? done : null;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** The program after its passes. */
function finished(
  { functions, passes }: OptimizeContext,
  program: SymbolIndex,
  { graph, inlined, kept }: Lifted,
  insns: number,
): OptimizedProgram {
  const own = functions.liftable(program);
  const counts = runPasses(graph, passes, contextOf(functions, program), insns);
  if (graph.frame > MAX_FRAME) throw new Refusal(`it would need ${graph.frame} bytes of stack`);
  const lowered = lower(graph, functions.object.byteOrder, functions.object.flags >= ISA_WITH_LONG_JUMPS);
  const stack = { before: own.frame, after: graph.frame };
  return { symbol: { ...own.symbol, ...lowered }, inlined, kept, stack, ...counts };
}

/** What the passes count. */
type Counts = Pick<OptimizedProgram, 'shared' | 'decided' | 'spilled'>;

/** `growth`: instructions that copies of blocks may add. */
function runPasses(graph: Graph, passes: Passes, context: ContextKind | null, growth: number): Counts {
  tidy(graph, passes, splitWebs(graph));
  const { shared, decided } = specialise(graph, { context, passes, growth });
  tidy(graph, passes, splitWebs(graph));
  if (passes.tails) mergeTails(graph);
  if (passes.ranges) mergeRanges(graph);
  const { spilled } = colour(graph, { coalesce: passes.coalesce });
  simplify(graph);
  return { shared, decided, spilled };
}

function tidy(graph: Graph, passes: Passes, webs: Webs): void {
  if (passes.clean) clean(graph, webs);
  simplify(graph);
}

/** How the program reads its packet: what its context is. */
function contextOf({ object }: Functions, program: SymbolIndex): ContextKind | null {
  const type = programTypeOf(sectionNameOf(object, symbolOf(object, program)))?.progType;
  if (type === BPF_PROG_TYPE_XDP) return 'xdp';
  return type === BPF_PROG_TYPE_SCHED_CLS || type === BPF_PROG_TYPE_SCHED_ACT ? 'skb' : null;
}
