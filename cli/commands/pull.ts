/** `rootlet pull`: an object from a registry. What it does is in cli/fleet/, which only it loads. */

import { buildCommand } from '@stricli/core';
import type { PullFlags } from '../flags/fleet-commands.ts';
import { off, text } from '../flags/kinds.ts';
import { POLICY_FLAGS, REGISTRY_FLAGS } from '../flags/registry.ts';
import { type Context, guarded } from '../io/context.ts';

export const pullCommand = buildCommand<PullFlags, [string], Context>({
  docs: {
    brief: 'Fetch an object from a registry',
    fullDescription:
      'Fetch an object from an OCI registry: an image of "rootlet push", of bpfman or of a gadget. Everything is checked ' +
      'by its digest before it is written; with --policy the signature is checked, too.',
  },
  parameters: {
    flags: {
      output: { ...text, brief: 'Write the object to this file (- for stdout)', placeholder: 'FILE' },
      state: {
        ...text,
        brief: 'Keep what is fetched below this directory, and use what is there',
        placeholder: 'DIR',
      },
      ...POLICY_FLAGS,
      ...REGISTRY_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST', parse: String, placeholder: 'REFERENCE' },
      ],
    },
    aliases: { o: 'output' },
  },
  async func(flags, reference) {
    await guarded(this, flags.json, async () =>
      (await import('../fleet/pull.ts')).pull(this, flags, reference),
    );
  },
});
