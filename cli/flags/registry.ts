/** Flags of commands that speak to registries. What they mean for the client is in cli/fleet/registry.ts. */

import { off, text } from './kinds.ts';

export interface RegistryFlags {
  readonly plainHttp?: readonly string[];
  readonly authfile?: string;
  readonly registryCa?: string;
  readonly registryCert?: string;
  readonly registryKey?: string;
}

export const REGISTRY_FLAGS = {
  plainHttp: {
    ...text,
    variadic: true,
    brief: 'Speak to this registry without TLS; may be repeated',
    placeholder: 'HOST[:PORT]',
  },
  authfile: {
    ...text,
    brief: 'User names and passwords of registries, as "podman login" writes them',
    placeholder: 'FILE',
  },
  registryCa: { ...text, brief: 'Accept certificates of registries from this authority', placeholder: 'PEM' },
  registryCert: { ...text, brief: 'Certificate of this client, for registries', placeholder: 'PEM' },
  registryKey: { ...text, brief: 'Key of that certificate', placeholder: 'PEM' },
} as const;

export interface PolicyFlags {
  readonly policy?: string;
  readonly allowUnsigned: boolean;
}

export const POLICY_FLAGS = {
  policy: { ...text, brief: 'Accept only objects that this policy allows', placeholder: 'FILE' },
  allowUnsigned: { ...off, brief: 'Accept objects without a signature' },
} as const;
