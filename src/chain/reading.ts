/** What is on hooks, of every kind. Nothing is changed. */

import { afterChange, RootletError, requireRecord, shellWord } from '../diag/index.ts';
import { currentNetns, listInterfaces } from '../kernel/index.ts';
import {
  type ChainContext,
  emptyState,
  type RunningChain,
  readTc,
  readXdp,
  spellHook,
} from './engine/index.ts';
import type { ChainHook, ChainKind, ChainState } from './model/index.ts';

/** What is on a hook. Changes nothing. Throws `kernel-no-interface`, `relink-record`, … */
export function readChain(context: ChainContext, hook: ChainHook): ChainState {
  requireChainArguments('readChain', context, hook);
  return readRunning(context, hook).state;
}

/** The same after a change. Where it cannot be read, the error is `chain-incomplete`: the change has happened. */
export function readChanged(context: ChainContext, hook: ChainHook): ChainState {
  const { kind, interface: name } = hook;
  const happened = {
    code: 'chain-incomplete',
    where: [spellHook(hook)],
    message: 'is changed, but what it runs now cannot be read',
    hint: `"rootlet ${kind} status ${shellWord(name)}" shows it`,
  } as const;
  return afterChange(happened, () => readRunning(context, hook).state);
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

/** Throws a `TypeError` for what is not a context or a hook. */
export function requireChainArguments(name: string, context: unknown, hook: unknown): void {
  requireRecord(`${name}: context`, '{ sys, store, time }', context);
  requireRecord(`${name}: hook`, 'what findChainHook() returns', hook);
}
