/**
 * Signatures of images with ed25519 keys, in the form of cosign: an image with the tag `sha256-DIGEST.sig`, whose layers
 * are signed texts that name repository and digest. `cosign verify --key` reads them.
 */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { inputError, type RootletError } from '../../diag/index.ts';
import { Misfit, object, parseJson, text, word } from '../io/index.ts';
import { type Blob, blob, CONFIG, type Descriptor, describe, type ImageManifest, MANIFEST } from './image.ts';
import { DIGEST, type Reference, repositoryOf } from './reference.ts';

const PAYLOAD = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIGNATURE = 'dev.cosignproject.cosign/signature';
const TYPE = 'cosign container image signature';
/** Most signatures of an object that are looked at. */
export const MOST_SIGNATURES = 32;

/** Throws `oci-key`. */
export function readPrivateKey(name: string, pem: string): KeyObject {
  return requireEd25519(name, () => createPrivateKey(pem), 'a private key');
}

/** Throws `oci-key`. */
export function readPublicKey(name: string, pem: string): KeyObject {
  if (/PRIVATE KEY/.test(pem)) throw keyError(name, 'is a private key: a policy has public keys');
  return requireEd25519(name, () => createPublicKey(pem), 'a public key');
}

function requireEd25519(name: string, read: () => KeyObject, what: string): KeyObject {
  const key = tryRead(read);
  if (key === undefined) throw keyError(name, `is not ${what} as PEM`);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw keyError(name, `is a key of type ${key.asymmetricKeyType}, not ed25519`);
}

function tryRead(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function keyError(name: string, message: string): RootletError {
  return inputError('oci-key', [name], message, {
    hint: 'make one with "openssl genpkey -algorithm ed25519 -out KEY" and "openssl pkey -in KEY -pubout -out KEY.pub"',
  });
}

/** Where signatures of an image are. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}

/** What is signed: this digest under this name. */
function payloadOf(reference: Reference, digest: string): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': repositoryOf(reference) },
      image: { 'docker-manifest-digest': digest },
      type: TYPE,
    },
    optional: null,
  });
}

/** The signature image with a signature more. `before`: the layers that it has already. */
export function signatureImage(
  reference: Reference,
  digest: string,
  key: KeyObject,
  before: readonly Descriptor[],
): { readonly manifest: Blob; readonly blobs: readonly Blob[] } {
  const payload = blob(PAYLOAD, payloadOf(reference, digest));
  const signature = sign(null, payload.bytes, key).toString('base64');
  const kept = before
    .map(({ annotations, ...one }) => ({ ...one, annotations: Object.fromEntries(annotations ?? new Map()) }))
    .filter(one => one.annotations[SIGNATURE] !== signature);
  const layers = [...kept, { ...describe(payload), annotations: { [SIGNATURE]: signature } }];
  const diffIds = layers.map(one => one.digest);
  const config = blob(
    CONFIG,
    JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: describe(config), layers };
  return { manifest: blob(MANIFEST, JSON.stringify(manifest)), blobs: [config, payload] };
}

/** Layers of a signature image that may be signatures. */
export function signatureLayers({ layers }: ImageManifest): readonly Descriptor[] {
  return layers
    .filter(one => one.mediaType === PAYLOAD && one.annotations?.has(SIGNATURE) === true)
    .slice(0, MOST_SIGNATURES);
}

const SIGNED = object({
  critical: object({
    identity: object({ 'docker-reference': text(512) }),
    image: object({ 'docker-manifest-digest': text(80, DIGEST) }),
    type: word([TYPE]),
  }),
});

/** Which of the keys made this signature of that digest under that name; undefined when none did. */
export function signerOf(
  reference: Reference,
  digest: string,
  { annotations }: Descriptor,
  payload: Uint8Array,
  keys: ReadonlyMap<string, KeyObject>,
): string | undefined {
  const encoded = annotations?.get(SIGNATURE);
  if (encoded === undefined) return undefined;
  const signature = Buffer.from(encoded, 'base64');
  const signer = [...keys].find(([, key]) => verify(null, payload, key, signature))?.[0];
  if (signer === undefined) return undefined;
  try {
    const { critical } = parseJson(Buffer.from(payload).toString('utf8'), SIGNED);
    const isSame =
      critical.image['docker-manifest-digest'] === digest &&
      critical.identity['docker-reference'] === repositoryOf(reference);
    return isSame ? signer : undefined;
  } catch (error) {
    if (error instanceof Misfit) return undefined;
    throw error;
  }
}
