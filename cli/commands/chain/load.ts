/** `rootlet xdp load`, `rootlet tc load`: add members to the chain of an interface. */

import { buildCommand } from '@stricli/core';
import { type ChainKind, memberName } from '../../../src/chain/index.ts';
import { usageError } from '../../../src/diag/index.ts';
import {
  type BuildFlags,
  buildFlags,
  CHANGE_FLAGS,
  type ChangeFlags,
  DIRECTION_FLAGS,
  type DirectionFlags,
  MEMBER_ALIASES,
  type MemberFlags,
  MODE_FLAG,
  type ModeFlags,
  memberFlags,
} from '../../flags/chain.ts';
import { memberRequests } from '../../flags/chain-members.ts';
import { off, text } from '../../flags/kinds.ts';
import { placeOf } from '../../format/chain-change.ts';
import { type Context, guarded } from '../../io/context.ts';
import { buildOptions, chainContext, change, hookOf } from './hook.ts';

interface Flags extends MemberFlags, BuildFlags, ChangeFlags {
  readonly name?: string;
  readonly adopt: boolean;
  readonly force: boolean;
}

const NAME_FLAGS = {
  name: { ...text, brief: 'Name of the member (default: file name up to its first dot)', placeholder: 'N' },
} as const;

const FOREIGN_FLAGS = {
  adopt: { ...off, brief: 'Make a program that is attached, and is not a chain, the first member' },
  force: { ...off, brief: 'Replace a program that is attached and is not a chain' },
} as const;

const POSITIONAL = {
  kind: 'array',
  minimum: 1,
  parameter: {
    brief:
      'Interface, then object files. NAME names the member; PROGRAM and VERDICT are as with --prog and --on',
    parse: String,
    placeholder: 'IFACE FILE',
  },
} as const;

const DESCRIPTION =
  'Load programs and add them to the chain of an interface; make the chain if there is none. Members run by priority, ' +
  'lower ones first, then by program name. After a verdict of --on the next member runs; any other verdict is final. ' +
  'Each packet is processed by the old chain or by the new one, never by a mix. If a member does not fit, or if the ' +
  'kernel refuses it, nothing changes.';

export const xdpLoadCommand = buildCommand<Flags & ModeFlags, string[], Context>({
  docs: {
    brief: 'Load XDP programs on an interface, beside those that run there',
    fullDescription: DESCRIPTION,
  },
  parameters: {
    flags: {
      ...memberFlags('xdp'),
      mode: MODE_FLAG,
      ...NAME_FLAGS,
      ...FOREIGN_FLAGS,
      ...buildFlags('xdp'),
      ...CHANGE_FLAGS,
    },
    aliases: { ...MEMBER_ALIASES, m: 'mode' },
    positional: POSITIONAL,
  },
  async func(flags, ...words) {
    await guarded(this, flags.json, () => load(this, 'xdp', flags, words));
  },
});

export const tcLoadCommand = buildCommand<Flags & DirectionFlags, string[], Context>({
  docs: {
    brief: 'Load TC programs on an interface, beside those that run there',
    fullDescription: DESCRIPTION,
  },
  parameters: {
    flags: {
      ...memberFlags('tc'),
      ...DIRECTION_FLAGS,
      ...NAME_FLAGS,
      ...FOREIGN_FLAGS,
      ...buildFlags('tc'),
      ...CHANGE_FLAGS,
    },
    aliases: MEMBER_ALIASES,
    positional: POSITIONAL,
  },
  async func(flags, ...words) {
    await guarded(this, flags.json, () => load(this, 'tc', flags, words));
  },
});

function load(
  context: Context,
  kind: ChainKind,
  flags: Flags & ModeFlags & Partial<DirectionFlags>,
  words: readonly string[],
): void {
  const [name = '', ...files] = words;
  if (files.length === 0)
    throw usageError('usage-no-input', 'FILE is missing', {
      hint: `rootlet ${kind} load IFACE FILE...; "rootlet ${kind} load --help" lists the options`,
    });
  const chains = chainContext(context, flags, !flags.dryRun);
  const hook = hookOf(chains, kind, name, flags);
  const members = memberRequests(flags, flags.name, files);
  const what = `${members.map(memberName).join(', ')} on ${placeOf(hook)}`;
  change(context, chains, flags, {
    hook,
    edit: { kind: 'load', members },
    options: { ...buildOptions(chains, flags), adopt: flags.adopt, force: flags.force },
    asked: [`loaded ${what}`, `would load ${what}`],
  });
}
