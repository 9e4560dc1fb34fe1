/**
 * Chains on interfaces, changed in one atomic switch.
 *
 * Every change is the same work: read what runs, make the next design of it, choose a back end, build the next
 * generation beside the running one, switch the hook. Whoever loses a race reads again.
 */

import { given } from '../bytes/index.ts';
import { RootletError, requireOptions, requireRecord } from '../diag/index.ts';
import type { XdpMode } from '../kernel/index.ts';
import { changeByTcx, requireTcx, usesTcx } from './by-tcx.ts';
import {
  adoptedMember,
  type ChainContext,
  type ChosenBackEnd,
  chooseChainBackEnd,
  describerFor,
  inputFor,
  linked,
  type RunningChain,
} from './engine/index.ts';
import { libxdpDirectory } from './libxdp/index.ts';
import {
  type ChainDesign,
  type ChainEdit,
  type ChainHook,
  type ChainState,
  isSameDesign,
  lostSettings,
  type MemberRequest,
  nextDesign,
  withSettings,
} from './model/index.ts';
import type { ChainChange, ChainOptions } from './options.ts';
import { built, foreign, unchanged, unloaded, unloadOther } from './outcomes.ts';
import { modeClash, requireReady } from './preflight/index.ts';
import { readRunning, requireChainArguments } from './reading.ts';
import { byKernelRule } from './tcx/index.ts';

export type { ChainChange, ChainOptions } from './options.ts';

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
    return changeByTcx(context, running, designOf(context, running, edit, options), options);
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
  options: Pick<ChainOptions, 'failClosed' | 'counters' | 'optimize' | 'via'> = {},
): { readonly running: RunningChain; readonly design: ChainDesign } {
  const running = readRunning(context, hook);
  return { running, design: designOf(context, running, edit, options) };
}

/** The same design as the back end records it: by tcx, verdicts that are not given are those of the kernel. */
function designOf(
  context: ChainContext,
  running: RunningChain,
  edit: ChainEdit,
  options: Pick<ChainOptions, 'failClosed' | 'counters' | 'optimize' | 'via'>,
): ChainDesign {
  const design = designAfter(running, edit, options);
  return usesTcx(context, running.state, options) ? byKernelRule(design) : design;
}

function designAfter(
  { state, design }: RunningChain,
  edit: ChainEdit,
  options: Pick<ChainOptions, 'failClosed' | 'counters' | 'optimize'>,
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
  { failClosed, counters, optimize }: Pick<ChainOptions, 'failClosed' | 'counters' | 'optimize'>,
): ChainDesign {
  return { ...design, ...given({ failClosed, counters, optimize }) };
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
