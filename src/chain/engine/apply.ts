/** From a design to the kernel: the generation that a back end builds, and the end of a chain. */

import { bugError, usageError } from '../../diag/index.ts';
import type { GenerationOptions, Replaced } from '../../dynamic/index.ts';
import { removeHook, xdpInterfaceHook } from '../../hooks/index.ts';
import type { BpfProgram, XdpMode } from '../../kernel/index.ts';
import { openProgramById } from '../facts/index.ts';
import type { ChainBackEnd, ChainDesign, ChainState } from '../model/index.ts';
import { changeRootlet, firstRootlet, hookOf } from './build.ts';
import type { ChainContext, RunningChain } from './context.ts';
import { spellHook } from './hooks.ts';
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
  const { running, design, via, expected, ...others } = request;
  const { state, entry } = running;
  if (via !== 'static') throw noBackEnd(state, via);
  const chain = staticChain(state.hook, design);
  const build = { ...others, hook: state.hook, design, chain, slotsVia: 'static' } as const;
  const replaced =
    entry === undefined ? firstRootlet(context, build, expected) : changeRootlet(context, entry, build);
  return { ...replaced, notes: [...chain.notes, ...replaced.notes] };
}

function noBackEnd({ hook }: ChainState, via: ChainBackEnd) {
  return usageError('chain-option', `${spellHook(hook)}: --via ${via} is not for ${hook.kind}`, {
    hint: '--via static works on every hook',
  });
}

/** Detaches a chain and removes its entry. */
export function removeChain(context: ChainContext, { state, entry }: RunningChain): void {
  if (entry === undefined) throw bugError([], 'a chain without an entry');
  using hook = hookOf(context, entry, state.hook, state.mode);
  removeHook(context.store, entry, false, hook);
}

/** Detaches a program that is not a chain, if it is still there. */
export function removeForeign({ sys }: ChainContext, { hook: at, mode, program }: ChainState): void {
  if (program === null) return;
  using expected = openProgramById(sys, program.id);
  if (expected === undefined) return; // gone already
  using hook = xdpInterfaceHook(sys, at, mode, [program]).hook;
  hook.detach(expected);
}
