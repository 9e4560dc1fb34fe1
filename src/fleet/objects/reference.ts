/** Names of objects in registries: `REGISTRY/NAME:TAG` and `REGISTRY/NAME@sha256:…`. */

import { quote, usageError } from '../../diag/index.ts';

/** A name as its parts. Either a tag or a digest. */
export interface Reference {
  /** Host, with the port if there is one. */
  readonly registry: string;
  /** Path in the registry. */
  readonly name: string;
  readonly tag: string | null;
  /** `sha256:` and 64 digits. */
  readonly digest: string | null;
}

/** An object by its digest. */
export interface PinnedReference extends Reference {
  readonly digest: string;
}

const HOST =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?';
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^(?:oci://)?(${HOST})/(${COMPONENT}(?:/${COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127})|@(sha256:[0-9a-f]{64}))$`,
);
export const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MOST = 512;

const HINT = 'REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, as in registry.example.com/edge/firewall:1.2';

/** Throws `oci-reference`. */
export function parseReference(text: string): Reference {
  const found = text.length > MOST ? null : REFERENCE.exec(text);
  if (found === null)
    throw usageError(
      'oci-reference',
      `${quote(text.slice(0, MOST))} is not the name of an object in a registry`,
      {
        hint: HINT,
      },
    );
  const [, registry = '', name = '', tag, digest] = found;
  return { registry, name, tag: tag ?? null, digest: digest ?? null };
}

export function isReference(text: string): boolean {
  return text.startsWith('oci://');
}

/** `REGISTRY/NAME`. */
export function repositoryOf({ registry, name }: Reference): string {
  return `${registry}/${name}`;
}

/** `REGISTRY/NAME:TAG` or `REGISTRY/NAME@sha256:…`. */
export function spellReference(reference: Reference): string {
  const { tag, digest } = reference;
  return `${repositoryOf(reference)}${digest === null ? `:${tag}` : `@${digest}`}`;
}

/** The same object by its digest. */
export function pinned({ registry, name }: Reference, digest: string): PinnedReference {
  return { registry, name, tag: null, digest };
}
