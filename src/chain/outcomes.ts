/** What becomes of a change that was decided: a generation is built, a chain ends, or nothing has to be done. */

import { quote, type RootletError, usageError } from '../diag/index.ts';
import type { Replaced } from '../dynamic/index.ts';
import {
  applyDesign,
  type ChainContext,
  type ChosenBackEnd,
  type RunningChain,
  removeChain,
  removeForeign,
  removeStale,
  settleChain,
  spellHook,
  staleChains,
} from './engine/index.ts';
import { openProgramById } from './facts/index.ts';
import {
  type ChainBackEnd,
  type ChainDesign,
  type ChainEdit,
  type ChainState,
  memberStates,
} from './model/index.ts';
import type { ChainChange, ChainOptions } from './options.ts';
import { readChanged } from './reading.ts';

export function foreign({ hook, program }: ChainState, hint: string): RootletError {
  const what = program === null ? 'a program' : `program ${program.id} (${quote(program.name)})`;
  return usageError('chain-foreign', `${spellHook(hook)}: ${what} is attached, which is not a chain`, {
    hint,
  });
}

export function unchanged(
  context: ChainContext,
  running: RunningChain,
  { dryRun }: ChainOptions,
): ChainChange {
  const { state } = running;
  const isSettled = dryRun !== true && settleChain(context, running);
  const notes = isSettled ? ['what a killed process left of a change of the chain was removed'] : [];
  const base = { before: state, after: state, changed: false, state: [], notes, optimization: null };
  return { ...base, via: state.via, reason: 'as it was' };
}

export function built(
  context: ChainContext,
  running: RunningChain,
  design: ChainDesign,
  { via, reason }: ChosenBackEnd,
  options: ChainOptions,
): ChainChange {
  const { state } = running;
  const { hook } = state;
  using expected = state.program === null ? undefined : openProgramById(context.sys, state.program.id);
  const replaced: Replaced = applyDesign(context, {
    running,
    design,
    via,
    mode: options.mode ?? state.mode,
    expected: expected ?? null,
    fresh: options.fresh ?? [],
    load: options.load ?? {},
    dryRun: options.dryRun === true,
  });
  const after: ChainState =
    options.dryRun === true ? plannedState(state, design, via, replaced) : readChanged(context, hook);
  return {
    before: state,
    after,
    changed: true,
    via,
    reason,
    state: replaced.state,
    notes: replaced.notes,
    optimization: replaced.optimization,
  };
}

function plannedState(
  { optimized: _before, ...state }: ChainState,
  design: ChainDesign,
  via: ChainBackEnd,
  { optimized }: Replaced,
): ChainState {
  const { failClosed } = design;
  const planned = { ...state, kind: 'chain', via, members: memberStates(design), failClosed } as const;
  return via === 'static' ? { ...planned, optimized } : planned;
}

export function unloaded(context: ChainContext, running: RunningChain, options: ChainOptions): ChainChange {
  const { state } = running;
  if (options.dryRun !== true) removeChain(context, running);
  return gone(context, state, options);
}

const NOTHING_BUILT = { notes: [], optimization: null } as const;

function gone(context: ChainContext, state: ChainState, { dryRun }: ChainOptions): ChainChange {
  const none: ChainState = { ...state, kind: 'none', via: null, program: null, members: [], entry: null };
  const after = dryRun === true ? none : readChanged(context, state.hook);
  return { before: state, after, changed: true, via: state.via, reason: '', state: [], ...NOTHING_BUILT };
}

/** Nothing, or what is not a chain. */
export function unloadOther(
  context: ChainContext,
  { state }: RunningChain,
  edit: ChainEdit & { readonly kind: 'unload' },
  options: ChainOptions,
): ChainChange {
  const { program } = state;
  if (program === null) return unloadNothing(context, state, options);
  const isMeant = edit.members === 'all' || edit.members.includes(program.id);
  if (!isMeant) throw foreign(state, '--all --force removes it');
  if (options.force !== true) throw foreign(state, '--force removes it');
  if (options.dryRun !== true) removeForeign(context, state);
  return gone(context, state, options);
}

/** Nothing is attached, but a process may have been killed after it had detached a chain. */
function unloadNothing(context: ChainContext, state: ChainState, options: ChainOptions): ChainChange {
  const { hook } = state;
  const stale = options.dryRun === true ? staleChains(context, hook) : removeStale(context, hook);
  if (stale.entries.length > 0) return { ...gone(context, state, options), notes: stale.notes };
  throw usageError('chain-none', `${spellHook(hook)}: nothing is attached`, {
    hint: `rootlet ${hook.kind} status lists what is there`,
  });
}
