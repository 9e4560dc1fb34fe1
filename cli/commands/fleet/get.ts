/** `rootlet fleet get`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { FLEET_FLAGS } from '../../flags/fleet.ts';
import type { GetFlags } from '../../flags/fleet-commands.ts';
import { type Context, guarded } from '../../io/context.ts';

export const getCommand = buildCommand<GetFlags, [number | undefined], Context>({
  docs: {
    brief: 'Print the documents of a revision',
    fullDescription:
      'Print the documents of a revision as they were given: of the newest one, unless another one is named.',
  },
  parameters: {
    flags: {
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
      (await import('../../fleet/get.ts')).get(this, flags, revision),
    );
  },
});
