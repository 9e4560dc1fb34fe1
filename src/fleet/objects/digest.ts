/** Digests of contents: what names objects. */

import { createHash } from 'node:crypto';
import { inputError } from '../../diag/index.ts';

/** `sha256:…` */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Throws `oci-digest` unless the bytes are those that the digest names. */
export function requireDigest(where: readonly string[], bytes: Uint8Array, digest: string): void {
  const found = digestOf(bytes);
  if (found === digest) return;
  throw inputError('oci-digest', where, `has the digest ${found}, not ${digest}`, {
    subject: digest,
    hint: 'the registry, its storage or a proxy changed the contents: push the object again, and look who can write there',
  });
}
