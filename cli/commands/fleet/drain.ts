/** `rootlet fleet drain`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand } from '@stricli/core';
import { CHANGE_NOTE_FLAGS, FLEET_FLAGS } from '../../flags/fleet.ts';
import type { DrainFlags } from '../../flags/fleet-commands.ts';
import { off } from '../../flags/kinds.ts';
import { type Context, guarded } from '../../io/context.ts';

export const drainCommand = buildCommand<DrainFlags, [string], Context>({
  docs: {
    brief: 'Remove everything of the fleet from a host',
    fullDescription:
      'Make the agent of a host remove all chains of the fleet, and leave the host out of rollouts, until --undo. A host can be ' +
      'drained before its agent runs.',
  },
  parameters: {
    flags: {
      undo: { ...off, brief: 'Let the host run its revision again' },
      ...CHANGE_NOTE_FLAGS,
      ...FLEET_FLAGS,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Name of a host', parse: String, placeholder: 'HOST' }],
    },
  },
  async func(flags, host) {
    await guarded(this, flags.json, async () =>
      (await import('../../fleet/drain.ts')).drain(this, flags, host),
    );
  },
});
