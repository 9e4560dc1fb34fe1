/** Chains on TC by tcx: when they are used, and how a design gets there. */

import { shellWord, usageError } from '../diag/index.ts';
import { type ChainContext, type RunningChain, spellHook } from './engine/index.ts';
import { type ChainDesign, type ChainEdit, type ChainState, memberStates } from './model/index.ts';
import type { ChainChange, ChainOptions } from './options.ts';
import { readChanged } from './reading.ts';
import { applyTcx, hasTcx } from './tcx/index.ts';

/** tcx where the kernel has it, unless a chain of one filter is there or wanted. */
export function usesTcx(
  context: ChainContext,
  { hook, via }: ChainState,
  options: Pick<ChainOptions, 'via'>,
): boolean {
  const isWanted = (options.via ?? via ?? 'tcx') === 'tcx';
  if (hook.kind !== 'tc' || (!isWanted && via !== 'tcx')) return false;
  return options.via === 'tcx' || via === 'tcx' || hasTcx(context, hook);
}

const BESIDE = 'nothing is adopted: on tcx programs of other tools run beside the members, in their places';

/** Makes the hook what the design says. */
export function changeByTcx(
  context: ChainContext,
  { state: before }: RunningChain,
  design: ChainDesign,
  options: ChainOptions,
): ChainChange {
  const { hook, via } = before;
  const { steps, state, notes, optimization } = applyTcx(context, hook, design, options);
  const after: ChainState =
    options.dryRun === true
      ? { ...before, kind: 'chain', via: 'tcx', members: memberStates(design) }
      : readChanged(context, hook);
  const reason = via === 'tcx' ? 'as it was' : 'the kernel has tcx: each member has a link of its own';
  const beside = options.adopt === true ? [BESIDE] : [];
  return {
    before,
    after,
    changed: steps.length > 0,
    via: 'tcx',
    reason,
    state,
    notes: [...notes, ...beside],
    optimization,
  };
}

/** Throws `chain-option` for what tcx does not have, and `chain-none` where there is nothing to unload. */
export function requireTcx({ hook, via }: ChainState, edit: ChainEdit, options: ChainOptions): void {
  const here = spellHook(hook);
  if (edit.kind === 'unload' && via === null)
    throw usageError('chain-none', `${here}: no chain is attached`, {
      hint: `rootlet ${hook.kind} status lists what is there`,
    });
  if (via !== null && options.via !== undefined && via !== options.via)
    throw usageError('chain-option', `${here}: --via ${options.via}, but its chain runs by ${via}`, {
      hint: `unload it first: rootlet tc unload ${shellWord(hook.interface)} --all`,
    });
  if (options.mode !== undefined)
    throw usageError('chain-option', `${here}: modes are for XDP`, { hint: 'leave out --mode' });
  if (options.failClosed === true)
    throw usageError('chain-option', `${here}: with tcx the kernel goes on without a member that is lost`, {
      hint: '--via static makes a chain that fails closed',
    });
}
