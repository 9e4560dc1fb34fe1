/** What the flags of registries mean: clients, credentials, policies. */

import { dirname, isAbsolute, join } from 'node:path';
import { given } from '../../src/bytes/index.ts';
import { usageError } from '../../src/diag/index.ts';
import {
  ANY_SIGNATURE,
  Credentials,
  ObjectRegistry,
  type Policy,
  parsePolicy,
  type Tls,
} from '../../src/fleet/index.ts';
import type { PolicyFlags, RegistryFlags } from '../flags/registry.ts';
import { readNamed } from '../io/files.ts';

export function textOf(path: string): string {
  return Buffer.from(readNamed(path).bytes).toString('utf8');
}

export function openRegistry(flags: RegistryFlags): ObjectRegistry {
  const { plainHttp = [], authfile } = flags;
  const credentials = authfile === undefined ? undefined : Credentials.parse(authfile, textOf(authfile));
  const tls = tlsOf(flags.registryCa, flags.registryCert, flags.registryKey, 'registry');
  return new ObjectRegistry({ plainHttp, credentials, tls });
}

/** Throws `fleet-option` for a certificate without its key. */
export function tlsOf(
  ca: string | undefined,
  cert: string | undefined,
  key: string | undefined,
  option: 'registry' | 'etcd',
): Tls | undefined {
  if ((cert === undefined) !== (key === undefined))
    throw usageError('fleet-option', `--${option}-cert and --${option}-key belong together`, {
      hint: `give --${option}-cert PEM --${option}-key PEM`,
    });
  if (ca === undefined && cert === undefined) return undefined;
  const read = (path: string | undefined) => (path === undefined ? undefined : textOf(path));
  return given({ ca: read(ca), cert: read(cert), key: read(key) });
}

/** The policy that the flags state; undefined where they state none. Throws `fleet-option`, `oci-policy`. */
export function policyOf({ policy, allowUnsigned }: PolicyFlags): Policy | undefined {
  if (policy !== undefined && allowUnsigned)
    throw usageError('fleet-option', '--policy and --allow-unsigned are given: one of them decides');
  if (allowUnsigned) return ANY_SIGNATURE;
  if (policy === undefined) return undefined;
  const readKey = (path: string) => textNear(policy, path);
  return parsePolicy(policy, textOf(policy), readKey);
}

/** Throws `fleet-option` where nothing states who may sign. */
export function requirePolicy(flags: PolicyFlags): Policy {
  const policy = policyOf(flags);
  if (policy !== undefined) return policy;
  throw usageError('fleet-option', 'nothing states whose signatures are accepted', {
    hint: '--policy FILE, or --allow-unsigned',
  });
}

function textNear(policy: string, path: string): string {
  return textOf(isAbsolute(path) ? path : join(dirname(policy), path));
}
