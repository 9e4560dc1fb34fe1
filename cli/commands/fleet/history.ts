/** `rootlet fleet history`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { FLEET_FLAGS } from '../../flags/fleet.ts';
import type { HistoryFlags } from '../../flags/fleet-commands.ts';
import { type Context, guarded } from '../../io/context.ts';

export const historyCommand = buildCommand<HistoryFlags, [], Context>({
  docs: {
    brief: 'List revisions',
    fullDescription: 'List revisions, the newest first: when, by whom, why, and which of them hosts run.',
  },
  parameters: {
    flags: {
      count: { kind: 'parsed', parse: numberParser, default: '20', brief: 'Print so many', placeholder: 'N' },
      ...FLEET_FLAGS,
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, async () =>
      (await import('../../fleet/history.ts')).history(this, flags),
    );
  },
});
