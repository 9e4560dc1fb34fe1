/** Chains on all interfaces of the network namespace. One that cannot be read does not hide the others. */

import { RootletError } from '../diag/index.ts';
import { currentNetns, listInterfaces } from '../kernel/index.ts';
import { readChain } from './chains.ts';
import { type ChainContext, emptyState } from './engine/index.ts';
import type { ChainHook, ChainKind, ChainState } from './model/index.ts';

/** In the order of their indexes; of TC both directions. Throws `kernel-interface`. */
export function listChains(context: ChainContext, kind: ChainKind): readonly ChainState[] {
  const netns = currentNetns();
  const directions = kind === 'xdp' ? [null] : (['ingress', 'egress'] as const);
  return listInterfaces(context.sys).flatMap(({ index, name }) =>
    directions.flatMap(direction =>
      stateOf(context, { kind, direction, interface: name, ifindex: index, netns }),
    ),
  );
}

/** Empty for an interface that is gone meanwhile. */
function stateOf(context: ChainContext, hook: ChainHook): ChainState[] {
  try {
    return [readChain(context, hook)];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    if (error.code === 'kernel-no-interface') return [];
    return [{ ...emptyState(hook), kind: 'foreign', problems: error.problems }];
  }
}
