/** Steps that commands share which look at running chains: which chains, and their switch. */

import type { ChainContext, ChainKind, ChainState } from '../../src/chain/index.ts';
import { findChainHook, listChains, readChain, WatchedChain } from '../../src/chain/index.ts';
import { quote, usageError } from '../../src/diag/index.ts';
import type { Sys } from '../../src/kernel/index.ts';
import type { Context } from '../io/context.ts';
import { openStore, type StoreFlags } from './loading.ts';

export function chainContext(context: Context, flags: StoreFlags, sys: Sys): ChainContext {
  return { sys, store: openStore(context, flags, sys), time: null };
}

const KINDS: readonly ChainKind[] = ['xdp', 'tc'];

/** Chains of one interface, or of all; there may be none. Throws `kernel-no-interface`. */
export function findChains(context: ChainContext, name: string | undefined): readonly ChainState[] {
  const all = name === undefined ? KINDS.flatMap(kind => listChains(context, kind)) : statesOn(context, name);
  return all.filter(({ kind }) => kind === 'chain');
}

/** Chains of one interface, or of all. Throws `kernel-no-interface`, `watch-no-chain`. */
export function runningChains(context: ChainContext, name: string | undefined): readonly ChainState[] {
  const chains = findChains(context, name);
  if (chains.length > 0) return chains;
  throw usageError(
    'watch-no-chain',
    `${name === undefined ? 'no interface' : `interface ${quote(name)}`} has no chain`,
    {
      hint: 'rootlet xdp load IFACE FILE... makes one',
    },
  );
}

function statesOn(context: ChainContext, name: string): readonly ChainState[] {
  const hooks = [
    findChainHook(context.sys, name, 'xdp'),
    findChainHook(context.sys, name, 'tc', 'ingress'),
    findChainHook(context.sys, name, 'tc', 'egress'),
  ];
  return hooks.map(hook => readChain(context, hook));
}

/** As tables and labels have it: `xdp`, `tc-ingress`. */
export function hookName({ hook }: { hook: { kind: string; direction: string | null } }): string {
  return hook.direction === null ? hook.kind : `${hook.kind}-${hook.direction}`;
}

/**
 * Opens chains with their counters. Throws `watch-no-counters` when none of them has any; `close` them all.
 */
export function openWatched(context: ChainContext, states: readonly ChainState[]): readonly WatchedChain[] {
  const opened = states.map(state => WatchedChain.open(context, state));
  if (opened.some(({ isCounted }) => isCounted)) return opened;
  for (const one of opened) one.close();
  const names = states.map(state => `${state.hook.interface} ${hookName(state)}`).join(', ');
  throw usageError('watch-no-counters', `${names}: the members have no counters`, {
    hint: 'members are loaded with counters unless they would exceed a limit of the kernel; loading them says so',
  });
}
