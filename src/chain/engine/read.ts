/** Reading what is on a hook: nothing, a chain, or something else. Nothing is changed. */

import { platformError, quote } from '../../diag/index.ts';
import type { Sys } from '../../kernel/index.ts';
import { isHidden, programFacts } from '../facts/index.ts';
import { DISPATCHER_PROGRAM, type DispatcherReading, LibxdpPins, readDispatcher } from '../libxdp/index.ts';
import {
  type ChainDesign,
  type ChainHook,
  type ChainState,
  type MemberState,
  memberStates,
  type ProgramFacts,
} from '../model/index.ts';
import { hasTcx, readTcx } from '../tcx/index.ts';
import type { ChainContext, RunningChain } from './context.ts';
import { spellHook, type XdpOccupant, xdpOccupants } from './hooks.ts';
import { dispatcherChain, readingProblem } from './read-libxdp.ts';
import { chainOfProgram, chainOnFilter, type RecordedChain } from './recorded.ts';

const HIDDEN = 'its program is not visible to this process (no CAP_SYS_ADMIN)';
const NO_DESIGN: ChainDesign = { members: [], failClosed: false };

/** What is on an XDP hook. Throws what prevents reading it, and `relink-record`. */
export function readXdp(context: ChainContext, hook: ChainHook): RunningChain {
  const [occupant] = xdpOccupants(context.sys, hook);
  const base = emptyState(hook);
  if (occupant === undefined) return { state: base, design: NO_DESIGN, entry: undefined };
  const program = occupantFacts(context, hook, occupant);
  const at = { ...base, mode: occupant.mode, program };
  const reading = readOccupant(context.sys, hook, program);
  if (reading.kind === 'dispatcher') return dispatcherChain(context.store, at, reading.dispatcher);
  const recorded = chainOfProgram(context.store, program.id);
  if (recorded === undefined) {
    const problem = readingProblem(at, reading);
    const problems = problem === undefined ? [] : [problem];
    return { state: { ...at, kind: 'foreign', problems }, design: NO_DESIGN, entry: undefined };
  }
  return linked(context, at, recorded);
}

/**
 * What is on a hook of TC: a chain of one filter, else the programs of tcx. Filters of others have no effect on a
 * chain, and are not listed.
 */
export function readTc(context: ChainContext, hook: ChainHook): RunningChain {
  const base = emptyState(hook);
  const recorded = chainOnFilter(context.store, hook);
  if (recorded === undefined) {
    const tcx = hasTcx(context, hook) ? readTcx(context, hook) : undefined;
    return { state: base, design: NO_DESIGN, ...tcx, entry: undefined };
  }
  const program = programFacts(context.sys, recorded.programId) ?? null;
  return linked(context, { ...base, program }, recorded);
}

/** A chain that is one program. */
function linked(
  context: ChainContext,
  at: ChainState,
  { entry, design, optimized }: RecordedChain,
): RunningChain {
  const state: ChainState = {
    ...at,
    kind: 'chain',
    via: 'static',
    members: withAdopted(context, design),
    failClosed: design.failClosed,
    optimized,
    entry: entry.name,
  };
  return { state, design, entry };
}

/**
 * The pins of libxdp are only looked for where a program has the name of a dispatcher. Without a file system for pins
 * they are missing.
 */
function readOccupant(sys: Sys, hook: ChainHook, program: ProgramFacts): DispatcherReading {
  if (isHidden(program)) return { kind: 'other', reason: HIDDEN };
  const { id, name } = program;
  if (name !== DISPATCHER_PROGRAM) return { kind: 'other', reason: `its program is ${quote(name)}` };
  using pins = LibxdpPins.findMounted(sys);
  return readDispatcher(sys, hook.ifindex, id, pins);
}

/** Adopted programs are loaded by themselves. */
function withAdopted({ sys }: ChainContext, design: ChainDesign): MemberState[] {
  return memberStates(design).map((state, at) => {
    const adopted = design.members[at]?.adopted ?? null;
    return adopted === null ? state : { ...state, loaded: programFacts(sys, adopted) ?? null };
  });
}

/** Nothing is attached. */
export function emptyState(hook: ChainHook): ChainState {
  return {
    hook,
    kind: 'none',
    via: null,
    version: null,
    mode: null,
    program: null,
    members: [],
    failClosed: false,
    entry: null,
    problems: [],
  };
}

/** It may be replaced while it is looked at. */
function occupantFacts(context: ChainContext, hook: ChainHook, { id }: XdpOccupant): ProgramFacts {
  const facts = programFacts(context.sys, id);
  if (facts !== undefined) return facts;
  throw platformError('hook-changed', [spellHook(hook)], `program ${id} was replaced while it was read`, {
    hint: 'try again',
  });
}
