/** `rootlet xdp replace`, `rootlet tc replace`: a new version in the place of a member. */

import { buildCommand } from '@stricli/core';
import { elementAt } from '../../../src/bytes/index.ts';
import type { ChainKind } from '../../../src/chain/index.ts';
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
import { placeOf } from '../../format/chain-change.ts';
import { type Context, guarded } from '../../io/context.ts';
import { buildOptions, chainContext, change, hookOf, INTERFACE } from './hook.ts';

interface Flags extends MemberFlags, BuildFlags, ChangeFlags {}

const POSITIONAL = {
  kind: 'tuple',
  parameters: [
    INTERFACE,
    { brief: 'Name of the member', parse: String, placeholder: 'NAME' },
    { brief: 'Its new version', parse: String, placeholder: 'FILE[:PROGRAM][@VERDICT,...]' },
  ],
} as const;

const DESCRIPTION =
  'Replace a member with a new version. It keeps its name, its place and, unless they are given again, its priority, ' +
  'verdicts and settings. Maps and variables are kept where they agree; everything that is not kept is listed.';

export const xdpReplaceCommand = buildCommand<Flags & ModeFlags, [string, string, string], Context>({
  docs: {
    brief: 'Replace a member with a new version, which keeps its place and state',
    fullDescription: DESCRIPTION,
  },
  parameters: {
    flags: { ...memberFlags('xdp'), mode: MODE_FLAG, ...buildFlags('xdp'), ...CHANGE_FLAGS },
    aliases: { ...MEMBER_ALIASES, m: 'mode' },
    positional: POSITIONAL,
  },
  async func(flags, name, member, file) {
    await guarded(this, flags.json, () => replace(this, 'xdp', flags, [name, member, file]));
  },
});

export const tcReplaceCommand = buildCommand<Flags & DirectionFlags, [string, string, string], Context>({
  docs: {
    brief: 'Replace a member with a new version, which keeps its place and state',
    fullDescription: DESCRIPTION,
  },
  parameters: {
    flags: { ...memberFlags('tc'), ...DIRECTION_FLAGS, ...buildFlags('tc'), ...CHANGE_FLAGS },
    aliases: MEMBER_ALIASES,
    positional: POSITIONAL,
  },
  async func(flags, name, member, file) {
    await guarded(this, flags.json, () => replace(this, 'tc', flags, [name, member, file]));
  },
});

function replace(
  context: Context,
  kind: ChainKind,
  flags: Flags & ModeFlags & Partial<DirectionFlags>,
  [name, member, file]: readonly [string, string, string],
): void {
  const chains = chainContext(context, flags, !flags.dryRun);
  const hook = hookOf(chains, kind, name, flags);
  const request = elementAt(memberRequests(flags, member, [file]), 0);
  const what = `${member} on ${placeOf(hook)}`;
  change(context, chains, flags, {
    hook,
    edit: { kind: 'replace', name: member, member: request },
    options: buildOptions(chains, flags),
    replaced: member,
    asked: [`replaced ${what}`, `would replace ${what}`],
  });
}
