/** `rootlet fleet diff`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { FLEET_FLAGS } from '../../flags/fleet.ts';
import type { DiffFlags } from '../../flags/fleet-commands.ts';
import { text } from '../../flags/kinds.ts';
import { type Context, guarded } from '../../io/context.ts';

export const diffCommand = buildCommand<DiffFlags, [number | undefined, number | undefined], Context>({
  docs: {
    brief: 'Compare revisions line by line',
    fullDescription:
      'Print what differs between the documents of two revisions: without numbers, between the one that all hosts run and the ' +
      'newest one. With --file, between a revision and a file. Also digests of objects are compared.',
  },
  parameters: {
    flags: {
      file: { ...text, brief: 'Compare with the documents in FILE', placeholder: 'FILE' },
      ...FLEET_FLAGS,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Revision before', parse: numberParser, placeholder: 'BEFORE', optional: true },
        { brief: 'Revision after', parse: numberParser, placeholder: 'AFTER', optional: true },
      ],
    },
    aliases: { f: 'file' },
  },
  async func(flags, before, after) {
    await guarded(this, flags.json, async () =>
      (await import('../../fleet/diff.ts')).diff(this, flags, before, after),
    );
  },
});
