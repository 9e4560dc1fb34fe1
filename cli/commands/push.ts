/** `rootlet push`: an object as an image in a registry. What it does is in cli/fleet/, which only it loads. */

import { buildCommand } from '@stricli/core';
import type { PushFlags } from '../flags/fleet-commands.ts';
import { off, text } from '../flags/kinds.ts';
import { REGISTRY_FLAGS } from '../flags/registry.ts';
import { type Context, guarded } from '../io/context.ts';

export const pushCommand = buildCommand<PushFlags, [string, string], Context>({
  docs: {
    brief: 'Store an object in a registry',
    fullDescription:
      'Send an object to an OCI registry as an image that "rootlet pull", agents and bpfman read, and print its digest. ' +
      'The same object gives the same digest; with $SOURCE_DATE_EPOCH the image has that time.',
  },
  parameters: {
    flags: {
      sign: { ...text, brief: 'Add a signature of this ed25519 key', placeholder: 'KEY' },
      ...REGISTRY_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Object file', parse: String, placeholder: 'FILE' },
        { brief: 'REGISTRY/NAME:TAG', parse: String, placeholder: 'REFERENCE' },
      ],
    },
  },
  async func(flags, file, reference) {
    await guarded(this, flags.json, async () =>
      (await import('../fleet/push.ts')).push(this, flags, file, reference),
    );
  },
});
