/** `rootlet xdp order`, `rootlet tc order`: change the order of the members of a chain. */

import { buildCommand } from '@stricli/core';
import type { ChainKind } from '../../../src/chain/index.ts';
import { CHANGE_FLAGS, type ChangeFlags, DIRECTION_FLAGS, type DirectionFlags } from '../../flags/chain.ts';
import { words } from '../../flags/components.ts';
import { placeOf } from '../../format/chain-change.ts';
import { type Context, guarded } from '../../io/context.ts';
import { chainContext, change, hookOf, INTERFACE } from './hook.ts';

interface Flags extends ChangeFlags {}

const POSITIONAL = {
  kind: 'tuple',
  parameters: [
    INTERFACE,
    { brief: 'Names of all members, the first one runs first', parse: String, placeholder: 'NAME,...' },
  ],
} as const;

const ALIASES = { v: 'verbose' } as const;

const DESCRIPTION =
  'Run the members of a chain in this order. Priorities are changed only where the order requires it; members keep ' +
  'their state.';

export const xdpOrderCommand = buildCommand<Flags, [string, string], Context>({
  docs: {
    brief: 'Change the order of the members',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: CHANGE_FLAGS, aliases: ALIASES, positional: POSITIONAL },
  async func(flags, name, names) {
    await guarded(this, flags.json, () => order(this, 'xdp', flags, name, names));
  },
});

export const tcOrderCommand = buildCommand<Flags & DirectionFlags, [string, string], Context>({
  docs: {
    brief: 'Change the order of the members',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: { ...CHANGE_FLAGS, ...DIRECTION_FLAGS }, aliases: ALIASES, positional: POSITIONAL },
  async func(flags, name, names) {
    await guarded(this, flags.json, () => order(this, 'tc', flags, name, names));
  },
});

function order(
  context: Context,
  kind: ChainKind,
  flags: Flags & Partial<DirectionFlags>,
  name: string,
  list: string,
): void {
  const chains = chainContext(context, flags, !flags.dryRun);
  const hook = hookOf(chains, kind, name, flags);
  const names = words(list);
  const what = `${placeOf(hook)}: ${names.join(', ')}`;
  change(context, chains, flags, {
    hook,
    edit: { kind: 'order', names },
    options: {},
    asked: [`ordered ${what}`, `would order ${what}`],
  });
}
