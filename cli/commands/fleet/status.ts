/** `rootlet fleet status`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand } from '@stricli/core';
import { FLEET_FLAGS } from '../../flags/fleet.ts';
import type { StatusFlags } from '../../flags/fleet-commands.ts';
import { text } from '../../flags/kinds.ts';
import { type Context, guarded } from '../../io/context.ts';

export const statusCommand = buildCommand<StatusFlags, [], Context>({
  docs: {
    brief: 'Show what each host runs',
    fullDescription:
      'Show the state of each host, the revision that it runs, and what is wrong with a remedy. Then the rollout, if there is one.',
  },
  parameters: {
    flags: {
      state: { ...text, brief: 'Only hosts in this state', placeholder: 'STATE' },
      ...FLEET_FLAGS,
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, async () => (await import('../../fleet/status.ts')).status(this, flags));
  },
});
