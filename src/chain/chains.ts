/**
 * Chains on interfaces: reading what is on a hook, and changing it in one atomic switch.
 *
 * Every change is the same work: read what runs, make the next design of it, choose a back end, build the next
 * generation beside the running one, switch the hook. Whoever loses a race reads again.
 */

import { given } from '../bytes/index.ts';
import { quote, RootletError, requireOptions, requireRecord, usageError } from '../diag/index.ts';
import type { Replaced } from '../dynamic/index.ts';
import { currentNetns, listInterfaces, type XdpMode } from '../kernel/index.ts';
import { changeByTcx, requireTcx, usesTcx } from './by-tcx.ts';
import {
  adoptedMember,
  applyDesign,
  type ChainContext,
  type ChosenBackEnd,
  chooseChainBackEnd,
  describerFor,
  emptyState,
  inputFor,
  linked,
  type RunningChain,
  readTc,
  readXdp,
  removeChain,
  removeForeign,
  removeStale,
  settleChain,
  spellHook,
  staleChains,
} from './engine/index.ts';
import { openProgramById } from './facts/index.ts';
import { libxdpDirectory } from './libxdp/index.ts';
import {
  type ChainDesign,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainState,
  isSameDesign,
  lostSettings,
  type MemberRequest,
  memberStates,
  nextDesign,
  withSettings,
} from './model/index.ts';
import type { ChainChange, ChainOptions } from './options.ts';

export type { ChainChange, ChainOptions } from './options.ts';

import { modeClash, requireReady } from './preflight/index.ts';

/** What is on a hook. Changes nothing. Throws `kernel-no-interface`, `relink-record`, … */
export function readChain(context: ChainContext, hook: ChainHook): ChainState {
  requireChainArguments('readChain', context, hook);
  return readRunning(context, hook).state;
}

/**
 * What is on every hook of a kind, by interfaces of this network namespace in their order; for TC ingress before
 * egress. Throws what `readChain` throws.
 */
export function listChains(context: ChainContext, kind: ChainKind): readonly ChainState[] {
  const netns = currentNetns();
  const directions = kind === 'xdp' ? [null] : (['ingress', 'egress'] as const);
  return listInterfaces(context.sys).flatMap(({ index, name }) =>
    directions.flatMap(direction =>
      listedState(context, { kind, direction, interface: name, ifindex: index, netns }),
    ),
  );
}

/** One that cannot be read does not hide the others; none for an interface that is gone meanwhile. */
function listedState(context: ChainContext, hook: ChainHook): ChainState[] {
  try {
    return [readChain(context, hook)];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    if (error.code === 'kernel-no-interface') return [];
    return [{ ...emptyState(hook), kind: 'foreign', problems: error.problems }];
  }
}

/** What is on a hook, with its design and entry. Changes nothing. Throws as `readChain` does. */
export function readRunning(context: ChainContext, hook: ChainHook): RunningChain {
  return hook.kind === 'xdp' ? readXdp(context, hook) : readTc(context, hook);
}

/** How often a change begins again because another process changed the hook meanwhile. */
const ATTEMPTS = 10;

/**
 * Changes a chain. The hook runs the old chain or the new one, never a mixture; when this throws, it runs the old
 * one, except with class `partial`. Throws what is wrong with the edit, `chain-foreign`, `chain-mode`,
 * `kernel-lock-busy`, `hook-changed` where others keep changing the hook, and the verifier's refusals.
 */
export function changeChain(
  context: ChainContext,
  hook: ChainHook,
  edit: ChainEdit,
  options: ChainOptions = {},
): ChainChange {
  requireChainArguments('changeChain', context, hook);
  requireRecord('changeChain: edit', "an edit such as { kind: 'load', members: [{ file }] }", edit);
  requireOptions('changeChain: options', options);
  return context.store.locked(() => {
    for (let attempt = 1; ; attempt++) {
      try {
        return changeOnce(context, hook, edit, options);
      } catch (error) {
        if (attempt === ATTEMPTS || !isLostRace(error)) throw error;
      }
    }
  });
}

/** Another program is on the hook than was read, or none. */
const LOST_RACE: readonly string[] = ['hook-changed', 'kernel-xdp-changed', 'attach-gone'];

function requireChainArguments(name: string, context: unknown, hook: unknown): void {
  requireRecord(`${name}: context`, '{ sys, store, time }', context);
  requireRecord(`${name}: hook`, 'what findChainHook() returns', hook);
}

function isLostRace(error: unknown): boolean {
  return error instanceof RootletError && LOST_RACE.includes(error.code);
}

function changeOnce(
  context: ChainContext,
  hook: ChainHook,
  edit: ChainEdit,
  options: ChainOptions,
): ChainChange {
  const running = readRunning(context, hook);
  const { state } = running;
  if (usesTcx(context, state, options)) {
    requireTcx(state, edit, options);
    return changeByTcx(context, running, designAfter(running, edit, options), options);
  }
  if (edit.kind === 'unload') requireMode(state, options.mode);
  if (edit.kind === 'unload' && state.kind !== 'chain') return unloadOther(context, running, edit, options);
  const adopts = state.kind === 'foreign' && options.adopt === true;
  const needsMembers = edit.kind === 'replace' || edit.kind === 'order';
  if (state.kind === 'foreign' && needsMembers && options.force !== true && !adopts)
    throw foreign(state, 'load a program with --adopt: what is attached becomes the first member of a chain');
  const before = adopts ? { ...running, design: adoptedDesign(state, options) } : running;
  const design = designAfter(before, edit, options);
  if (design.members.length === 0) return unloaded(context, running, options);
  const isSame = isSameDesign(running.design, design) && options.fresh === undefined;
  const stays = state.via !== null && (options.via ?? state.via) === state.via;
  if (isSame && stays && modeClash(state, options.mode ?? null) === undefined)
    return unchanged(context, running, options);
  const choice = chooseChainBackEnd(context, state, design, options.via);
  const dropped = lostSettings(running.design, design, edit);
  const build = (chosen: ChosenBackEnd): ChainChange => {
    const change = checkedBuild(context, running, design, chosen, options, adopts);
    return { ...change, notes: [...dropped, ...change.notes] };
  };
  try {
    return build(choice);
  } catch (error) {
    if (!choice.free || !(error instanceof RootletError) || !isOfBackEnd(error)) throw error;
    return build(linked(error.problems.map(({ message }) => message).join('; ')));
  }
}

/** What another back end may do. */
function isOfBackEnd({ code }: RootletError): boolean {
  return code === 'chain-back-end' || code === 'chain-tail-call';
}

function checkedBuild(
  context: ChainContext,
  running: RunningChain,
  design: ChainDesign,
  choice: ChosenBackEnd,
  options: ChainOptions,
  adopt: boolean,
): ChainChange {
  const request = {
    before: running.state,
    design,
    via: choice.via,
    mode: options.mode ?? null,
    force: options.force === true,
    adopt,
  };
  const pinRoots = choice.via === 'libxdp' ? [libxdpDirectory()] : [];
  const notes = requireReady(context.sys, context.store, request, pinRoots);
  const change = built(context, running, design, choice, options);
  return { ...change, notes: [...notes, ...change.notes] };
}

/** What runs on a hook, and what an edit would make of it. Changes nothing. Throws as `changeChain` does. */
export function previewChain(
  context: ChainContext,
  hook: ChainHook,
  edit: ChainEdit,
  options: Pick<ChainOptions, 'failClosed' | 'counters'> = {},
): { readonly running: RunningChain; readonly design: ChainDesign } {
  const running = readRunning(context, hook);
  return { running, design: designAfter(running, edit, options) };
}

function designAfter(
  { state, design }: RunningChain,
  edit: ChainEdit,
  options: Pick<ChainOptions, 'failClosed' | 'counters'>,
): ChainDesign {
  const { hook } = state;
  const typed = withSettings(withTypes(hook, ofWhole(edit, state)), design);
  return nextDesign(withPolicy(design, options), typed, describerFor(hook));
}

function adoptedDesign({ program }: ChainState, { failClosed = false }: ChainOptions): ChainDesign {
  return { members: program === null ? [] : [adoptedMember(program, failClosed)], failClosed };
}

function withPolicy(
  design: ChainDesign,
  { failClosed, counters }: Pick<ChainOptions, 'failClosed' | 'counters'>,
): ChainDesign {
  return { ...design, ...given({ failClosed, counters }) };
}

/** The id of the program on the hook stands for the whole chain. */
function ofWhole(edit: ChainEdit, { program }: ChainState): ChainEdit {
  if (edit.kind !== 'unload' || edit.members === 'all' || program === null) return edit;
  return edit.members.includes(program.id) ? { kind: 'unload', members: 'all' } : edit;
}

/** Programs without a type get that of the hook, in every file of the edit. */
function withTypes(hook: ChainHook, edit: ChainEdit): ChainEdit {
  const typed = (request: MemberRequest): MemberRequest => ({ ...request, file: inputFor(hook, request) });
  switch (edit.kind) {
    case 'load':
    case 'set':
      return { ...edit, members: edit.members.map(typed) };
    case 'replace':
      return { ...edit, member: typed(edit.member) };
    default:
      return edit;
  }
}

function requireMode(state: ChainState, wanted: XdpMode | undefined): void {
  const clash = modeClash(state, wanted ?? null);
  if (clash !== undefined) throw new RootletError([clash]);
}

/** `hint`: options of the command. */
function foreign({ hook, program }: ChainState, hint: string): RootletError {
  const what = program === null ? 'a program' : `program ${program.id} (${quote(program.name)})`;
  return usageError('chain-foreign', `${spellHook(hook)}: ${what} is attached, which is not a chain`, {
    hint,
  });
}

// --- outcomes -----------------------------------------------------------------------------------------------------

function unchanged(context: ChainContext, running: RunningChain, { dryRun }: ChainOptions): ChainChange {
  const { state } = running;
  const isSettled = dryRun !== true && settleChain(context, running);
  const notes = isSettled ? ['what a killed process left of a change of the chain was removed'] : [];
  const base = { before: state, after: state, changed: false, state: [], notes };
  return { ...base, via: state.via, reason: 'as it was' };
}

function built(
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
    options.dryRun === true
      ? { ...state, kind: 'chain', via, members: memberStates(design), failClosed: design.failClosed }
      : readChain(context, hook);
  return {
    before: state,
    after,
    changed: true,
    via,
    reason,
    state: replaced.state,
    notes: replaced.notes,
  };
}

function unloaded(context: ChainContext, running: RunningChain, options: ChainOptions): ChainChange {
  const { state } = running;
  if (options.dryRun !== true) removeChain(context, running);
  return gone(context, state, options);
}

function gone(context: ChainContext, state: ChainState, { dryRun }: ChainOptions): ChainChange {
  const none: ChainState = { ...state, kind: 'none', via: null, program: null, members: [], entry: null };
  const after = dryRun === true ? none : readChain(context, state.hook);
  return { before: state, after, changed: true, via: state.via, reason: '', state: [], notes: [] };
}

/** Nothing, or what is not a chain. */
function unloadOther(
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
