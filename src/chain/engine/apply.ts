/** From a design to the kernel: the generation that a back end builds, and the end of a chain. */

import { given } from '../../bytes/index.ts';
import { bugError, quote, shellWord, usageError } from '../../diag/index.ts';
import {
  type AroundSwitch,
  afterSwitch,
  type GenerationOptions,
  hasPendingChange,
  type Replaced,
} from '../../dynamic/index.ts';
import { removeHook, xdpInterfaceHook } from '../../hooks/index.ts';
import type { BpfProgram, XdpMode } from '../../kernel/index.ts';
import type { StoreEntry } from '../../store/index.ts';
import { openProgramById } from '../facts/index.ts';
import { DISPATCHER_VERSIONS, type DispatcherVersion } from '../libxdp/index.ts';
import type { ChainBackEnd, ChainDesign, ChainHook, ChainState } from '../model/index.ts';
import { changeRootlet, firstRootlet, hookOf, settleRootlet } from './build.ts';
import type { ChainContext, RunningChain } from './context.ts';
import { spellHook } from './hooks.ts';
import { DEFAULT_VERSION, libxdpChain } from './libxdp.ts';
import { namingHook } from './named.ts';
import { removePins, withPins } from './pinned-switch.ts';
import { dispatcherEntries } from './read-libxdp.ts';
import { forBackEnds } from './refused.ts';
import { staticChain } from './static.ts';

export interface ApplyRequest {
  readonly running: RunningChain;
  readonly design: ChainDesign;
  readonly via: ChainBackEnd;
  /** Null: the kernel chooses. */
  readonly mode: XdpMode | null;
  /** The program that is on the hook now; null where there is none. */
  readonly expected: BpfProgram | null;
  readonly fresh: readonly string[];
  readonly load: Omit<GenerationOptions, 'globals' | 'maxEntries'>;
  readonly dryRun: boolean;
}

/** Builds the next generation and switches the hook to it. */
export function applyDesign(context: ChainContext, request: ApplyRequest): Replaced {
  const { running, design, via } = request;
  if (via === 'libxdp') return applyLibxdp(context, request);
  if (via !== 'static') throw noBackEnd(running.state, via);
  requireFiles(running.state, design);
  if (running.state.via !== 'libxdp') return applyStatic(context, request);
  const replaced = applyStatic(context, request);
  const { program, hook } = running.state;
  if (!request.dryRun && program !== null)
    afterSwitch(spellHook(hook), () => removePins(context.sys, hook, program.id, running.entry));
  return replaced;
}

function applyStatic(context: ChainContext, request: ApplyRequest): Replaced {
  const { running, design, via: _via, expected, ...others } = request;
  const { state, entry } = running;
  const chain = staticChain(state.hook, design);
  const build = { ...others, hook: state.hook, design, chain, slotsVia: 'static' } as const;
  const replaced = namingHook(state.hook, chain.change.rootlet.name, () =>
    entry === undefined
      ? firstRootlet(context, build, expected)
      : changeRootlet(context, entry, build, expected),
  );
  return { ...replaced, notes: [...chain.notes, ...replaced.notes] };
}

/** Programs that another tool loaded have no file to link. */
function requireFiles({ hook }: ChainState, { members }: ChainDesign): void {
  const guest = members.find(({ file }) => file === null);
  if (guest === undefined) return;
  const what = `member ${quote(guest.name)} was loaded by another tool, so that there is no file to link`;
  throw usageError('chain-option', `${spellHook(hook)}: ${what}`, {
    hint: `put its file in its place first: rootlet xdp replace ${shellWord(hook.interface)} ${shellWord(guest.name)} FILE`,
  });
}

function applyLibxdp(context: ChainContext, request: ApplyRequest): Replaced {
  const { running, design, via: _via, expected, ...others } = request;
  const { state, entry } = running;
  const { hook } = state;
  if (hook.kind !== 'xdp') throw noBackEnd(state, 'libxdp');
  const chain = libxdpChain(hook, design, versionOf(state));
  const replaced = expected === null ? null : expected.info().id;
  const build = { ...others, hook, design, chain, slotsVia: 'ext', replaced } as const;
  const change = (around?: AroundSwitch): Replaced =>
    entry === undefined
      ? firstRootlet(context, { ...build, ...given({ around }) }, expected)
      : changeRootlet(context, entry, { ...build, ...given({ around }) }, expected);
  if (request.dryRun) {
    const planned = forBackEnds(hook, () => change());
    return { ...planned, notes: [...chain.notes, ...planned.notes] };
  }
  const notes = removeStaleEntries(context, hook, replaced, entry);
  const made = forBackEnds(hook, () =>
    withPins(context.sys, hook, { expected: replaced, entry }, around => change(around)),
  );
  return { ...made, notes: [...notes, ...chain.notes, ...made.notes] };
}

/**
 * Removes entries of dispatchers that no longer run on this interface, with their pins: another tool, or a process that
 * was killed, detached them. One sentence each.
 */
function removeStaleEntries(
  { sys, store }: ChainContext,
  hook: ChainHook,
  running: number | null,
  kept: StoreEntry | undefined,
): string[] {
  return dispatcherEntries(store, hook).flatMap(({ entry, programId }) => {
    if (programId === running || entry.name === kept?.name) return [];
    removePins(sys, hook, programId, entry);
    store.remove(entry);
    return [`entry ${quote(entry.name)} was removed: its chain no longer runs on ${spellHook(hook)}`];
  });
}

/** The version that was found is kept, so that the tool that built it can go on with it. */
function versionOf({ via, version }: ChainState): DispatcherVersion {
  const found = DISPATCHER_VERSIONS.find(known => known === version);
  return via === 'libxdp' && found !== undefined ? found : DEFAULT_VERSION;
}

function noBackEnd({ hook }: ChainState, via: ChainBackEnd) {
  return usageError('chain-option', `${spellHook(hook)}: --via ${via} is not for ${hook.kind}`, {
    hint: '--via static works on every hook',
  });
}

/** Whether a killed process left a change of the chain unfinished; finishes it, or takes it back. */
export function settleChain(context: ChainContext, { state, entry }: RunningChain): boolean {
  if (entry === undefined || !hasPendingChange(entry)) return false;
  settleRootlet(context, entry, { hook: state.hook, mode: state.mode });
  return true;
}

/** Detaches a chain and removes its entry. */
export function removeChain(context: ChainContext, running: RunningChain): void {
  const { state, entry } = running;
  if (state.via === 'libxdp') {
    removeDispatcher(context, running);
    return;
  }
  if (entry === undefined) throw bugError([], 'a chain without an entry');
  using hook = hookOf(context, entry, state.hook, state.mode);
  removeHook(context.store, entry, false, hook);
}

/** Whoever built it. An entry that another tool has taken over goes as well. */
function removeDispatcher(context: ChainContext, { state, entry }: RunningChain): void {
  const { program, hook } = state;
  if (program === null) return;
  removeForeign(context, state);
  afterSwitch(spellHook(hook), () => {
    removePins(context.sys, hook, program.id, entry);
    if (entry !== undefined) context.store.remove(entry);
  });
}

/** Detaches a program that is not a chain, if it is still there. */
export function removeForeign({ sys }: ChainContext, { hook: at, mode, program }: ChainState): void {
  if (program === null) return;
  using expected = openProgramById(sys, program.id);
  if (expected === undefined) return; // gone already
  using hook = xdpInterfaceHook(sys, at, mode, [program]).hook;
  hook.detach(expected);
}
