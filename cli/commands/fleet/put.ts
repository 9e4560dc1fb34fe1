/** `rootlet fleet put`. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { CHANGE_NOTE_FLAGS, FLEET_FLAGS } from '../../flags/fleet.ts';
import type { PutFlags } from '../../flags/fleet-commands.ts';
import { off, text } from '../../flags/kinds.ts';
import { REGISTRY_FLAGS } from '../../flags/registry.ts';
import { type Context, guarded } from '../../io/context.ts';

export const putCommand = buildCommand<PutFlags, [], Context>({
  docs: {
    brief: 'Write documents as a new revision',
    fullDescription:
      'Check documents, look up the digests of their objects, and write them as a new revision. No host runs it before ' +
      '"rootlet fleet rollout", unless --now gives it to all of them.',
  },
  parameters: {
    flags: {
      file: { ...text, brief: 'Read the documents in FILE (- for stdin)', placeholder: 'FILE' },
      after: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'Refuse unless REVISION is the newest one',
        placeholder: 'REVISION',
      },
      now: { ...off, brief: 'Give it to all hosts at once' },
      ...CHANGE_NOTE_FLAGS,
      ...REGISTRY_FLAGS,
      ...FLEET_FLAGS,
    },
    positional: { kind: 'tuple', parameters: [] },
    aliases: { f: 'file' },
  },
  async func(flags) {
    await guarded(this, flags.json, async () => (await import('../../fleet/put.ts')).put(this, flags));
  },
});
