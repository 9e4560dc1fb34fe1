/** `rootlet fleet rollout`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { CHANGE_NOTE_FLAGS, FLEET_FLAGS } from '../../flags/fleet.ts';
import type { RolloutFlags } from '../../flags/fleet-commands.ts';
import { off, text } from '../../flags/kinds.ts';
import { type Context, guarded } from '../../io/context.ts';

export const rolloutCommand = buildCommand<RolloutFlags, [number | undefined], Context>({
  docs: {
    brief: 'Give a revision to hosts in waves',
    fullDescription:
      'Give a revision to a few hosts, watch them, and go on to more: the newest revision, unless another one is named. A wave ' +
      'that fails stops the rollout, and its hosts go back. One process leads; when it is gone, another one with --join goes on.',
  },
  parameters: {
    flags: {
      waves: {
        ...text,
        brief: 'Hosts or shares after each wave (default: 1,1%,10%,all)',
        placeholder: 'WAVE,...',
      },
      settle: {
        kind: 'parsed',
        parse: numberParser,
        default: '60',
        brief: 'Watch each wave for SECONDS',
        placeholder: 'SECONDS',
      },
      timeout: {
        kind: 'parsed',
        parse: numberParser,
        default: '600',
        brief: 'A wave fails after SECONDS',
        placeholder: 'SECONDS',
      },
      mostDropped: {
        ...text,
        brief: 'A wave fails if a hook drops more packets than this share (default: 20%)',
        placeholder: 'SHARE',
      },
      mostAborted: {
        ...text,
        brief: 'A wave fails if a hook aborts more packets than this share (default: 1%)',
        placeholder: 'SHARE',
      },
      join: {
        ...off,
        brief: 'Begin nothing: follow the rollout that runs, and lead it when its leader is gone',
      },
      ...CHANGE_NOTE_FLAGS,
      ...FLEET_FLAGS,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Number of a revision', parse: numberParser, placeholder: 'REVISION', optional: true },
      ],
    },
  },
  async func(flags, revision) {
    await guarded(this, flags.json, async () =>
      (await import('../../fleet/rollout.ts')).rollout(this, flags, revision),
    );
  },
});
