/** `rootlet xdp unload`, `rootlet tc unload`: remove members from the chain of an interface. */

import { buildCommand } from '@stricli/core';
import { type ChainKind, type ChainState, readChain } from '../../../src/chain/index.ts';
import { available, usageError } from '../../../src/diag/index.ts';
import {
  CHANGE_FLAGS,
  type ChangeFlags,
  DIRECTION_FLAGS,
  type DirectionFlags,
  parseId,
} from '../../flags/chain.ts';
import { off } from '../../flags/kinds.ts';
import { placeOf } from '../../format/chain-change.ts';
import { type Context, guarded } from '../../io/context.ts';
import { chainContext, change, hookOf } from './hook.ts';

interface Flags extends ChangeFlags {
  readonly id?: readonly number[];
  readonly all: boolean;
  readonly force: boolean;
}

const FLAGS = {
  id: {
    kind: 'parsed',
    parse: parseId,
    variadic: true,
    optional: true,
    brief: 'Unload the member whose program has this id; the id of the program on the hook means all members',
    placeholder: 'N',
  },
  all: { ...off, brief: 'Unload all members' },
  force: { ...off, brief: 'Also remove a program that is not a chain' },
  ...CHANGE_FLAGS,
} as const;

const ALIASES = { i: 'id', a: 'all', v: 'verbose' } as const;

const POSITIONAL = {
  kind: 'array',
  minimum: 1,
  parameter: { brief: 'Interface, then names of members', parse: String, placeholder: 'IFACE NAME' },
} as const;

const DESCRIPTION =
  'Remove members from the chain of an interface; the others go on with their state. With the last member the program ' +
  'on the hook is detached.';

export const xdpUnloadCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Unload members by name or id, or all of them',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: FLAGS, aliases: ALIASES, positional: POSITIONAL },
  async func(flags, ...words) {
    await guarded(this, flags.json, () => unload(this, 'xdp', flags, words));
  },
});

export const tcUnloadCommand = buildCommand<Flags & DirectionFlags, string[], Context>({
  docs: {
    brief: 'Unload members by name or id, or all of them',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: { ...FLAGS, ...DIRECTION_FLAGS }, aliases: ALIASES, positional: POSITIONAL },
  async func(flags, ...words) {
    await guarded(this, flags.json, () => unload(this, 'tc', flags, words));
  },
});

function unload(
  context: Context,
  kind: ChainKind,
  flags: Flags & Partial<DirectionFlags>,
  words: readonly string[],
): void {
  const [name = '', ...names] = words;
  const ids = flags.id === undefined ? [] : flags.id;
  const chosen: (string | number)[] = [...names, ...ids];
  const chains = chainContext(context, flags, false);
  const hook = hookOf(chains, kind, name, flags);
  if (flags.all && chosen.length > 0)
    throw usageError('usage-members', '--all unloads all members: name none of them');
  const state = readChain(chains, hook);
  if (!flags.all && chosen.length === 0) throw nothingChosen(state);
  const all = flags.all || chosen.some(one => one === state.program?.id);
  const what = all
    ? 'all members'
    : chosen.map(one => (typeof one === 'number' ? `id ${one}` : one)).join(', ');
  change(context, chains, flags, {
    hook,
    edit: { kind: 'unload', members: all ? 'all' : chosen },
    options: { force: flags.force },
    asked: [`unloaded ${what} from ${placeOf(hook)}`, `would unload ${what} from ${placeOf(hook)}`],
  });
}

function nothingChosen({ hook, kind, members }: ChainState) {
  const place = placeOf(hook);
  const there =
    kind === 'chain'
      ? available(
          'members are',
          members.map(member => member.name),
        )
      : 'it has no chain';
  return usageError('usage-members', `${place}: specify what to unload: NAME, --id N or --all`, {
    hint: there,
  });
}
