/** `rootlet fleet rollback`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { CHANGE_NOTE_FLAGS, FLEET_FLAGS } from '../../flags/fleet.ts';
import type { RollbackFlags } from '../../flags/fleet-commands.ts';
import { type Context, guarded } from '../../io/context.ts';

export const rollbackCommand = buildCommand<RollbackFlags, [number | undefined], Context>({
  docs: {
    brief: 'Go back to the contents of an earlier revision',
    fullDescription:
      'Write a new revision with the contents of an earlier one, and give it to all hosts at once: without a number, with ' +
      'those that hosts had before. Hosts never go back to an older number.',
  },
  parameters: {
    flags: {
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
      (await import('../../fleet/rollback.ts')).rollback(this, flags, revision),
    );
  },
});
