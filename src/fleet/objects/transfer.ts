/** Objects to a registry, and from it: the steps of `push` and `pull`, with signatures, policy and cache. */

import type { KeyObject } from 'node:crypto';
import type { InputObject } from '../../object/index.ts';
import type { ObjectCache } from './cache.ts';
import {
  architectureOf,
  type Descriptor,
  type ImageManifest,
  imageOf,
  labelsIn,
  objectIn,
  objectLayer,
  readManifest,
} from './image.ts';
import { type Policy, type PolicyRule, ruleFor, unsignedError } from './policy.ts';
import { type PinnedReference, pinned, type Reference, spellReference } from './reference.ts';
import type { ObjectRegistry } from './registry.ts';
import { signatureImage, signatureLayers, signatureTag, signerOf } from './signature.ts';

/** An object that was stored. */
export interface Pushed {
  /** By digest. */
  readonly reference: PinnedReference;
  readonly programs: Readonly<Record<string, string>>;
  readonly maps: Readonly<Record<string, string>>;
  /** Bytes of the manifest and of all that it names. */
  readonly size: number;
  readonly signed: boolean;
}

/** How an object is stored. */
export interface PushOptions {
  /** Seconds since 1970, kept in the image. */
  readonly created?: number | undefined;
  readonly key?: KeyObject | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends an object, and a signature of it with a key. Throws `oci-…`. */
export async function pushObject(
  registry: ObjectRegistry,
  input: InputObject,
  reference: Reference,
  { created, key, signal }: PushOptions = {},
): Promise<Pushed> {
  const { manifest, blobs, programs, maps } = imageOf(input, created);
  for (const one of blobs) await registry.pushBlob(reference, one, signal);
  if (reference.digest === null) await registry.pushManifest(reference, manifest, signal);
  const target = pinned(reference, manifest.digest);
  await registry.pushManifest(target, manifest, signal);
  if (key !== undefined) await signObject(registry, target, key, signal);
  const size = [manifest, ...blobs].reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { reference: target, programs, maps, size, signed: key !== undefined };
}

/** Adds a signature to those that an image has. */
async function signObject(
  registry: ObjectRegistry,
  target: PinnedReference,
  key: KeyObject,
  signal?: AbortSignal,
): Promise<void> {
  const { digest } = target;
  const place: Reference = { ...target, digest: null, tag: signatureTag(digest) };
  const before = await signaturesAt(registry, place, signal);
  const image = signatureImage(target, digest, key, before);
  for (const one of image.blobs) await registry.pushBlob(place, one, signal);
  await registry.pushManifest(place, image.manifest, signal);
}

async function signaturesAt(
  registry: ObjectRegistry,
  place: Reference,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const found = await registry.manifestIfThere(place, signal);
  return found === undefined ? [] : layersOf(place, found.bytes);
}

function layersOf(place: Reference, bytes: Uint8Array): readonly Descriptor[] {
  const read = readManifest([spellReference(place)], bytes, '');
  return 'manifest' in read ? signatureLayers(read.manifest) : [];
}

/** An object that was fetched. */
export interface Pulled {
  /** By the digest that the tag had. */
  readonly reference: PinnedReference;
  readonly bytes: Uint8Array;
  /** Of its labels; empty without. */
  readonly programs: ReadonlyMap<string, string>;
  readonly maps: ReadonlyMap<string, string>;
  /** Digests of all that it was made of: what a cache has to keep for it. */
  readonly digests: readonly string[];
  /** Key file of the signature that was accepted; null where the policy needs none. */
  readonly signer: string | null;
}

/** How an object is fetched. */
export interface PullOptions {
  readonly policy: Policy;
  readonly cache?: ObjectCache | undefined;
  /** As Node names processors. */
  readonly arch?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The digest that a name has now. Throws `oci-…`. */
export async function resolveReference(
  registry: ObjectRegistry,
  reference: Reference,
  signal?: AbortSignal,
): Promise<PinnedReference> {
  if (reference.digest !== null) return pinned(reference, reference.digest);
  return pinned(reference, (await registry.manifest(reference, signal)).digest);
}

/**
 * An object by its name, from the cache where it has the digest: manifest, signature, layer, each checked before the next
 * one is asked for. Throws `oci-…`.
 */
export async function pullObject(
  registry: ObjectRegistry,
  reference: Reference,
  options: PullOptions,
): Promise<Pulled> {
  const { policy, signal } = options;
  const rule = ruleFor(policy, reference);
  const target = await resolveReference(registry, reference, signal);
  const where = [spellReference(target)];
  const source = new Source(registry, target, options);
  const manifest = await source.manifest();
  const layer = objectLayer(where, manifest);
  const signer = rule.unsigned ? null : await source.signer(rule);
  const file = objectIn(where, layer.mediaType, await source.blob(layer));
  const config = manifest.config.mediaType.includes('config')
    ? await source.blob(manifest.config)
    : undefined;
  const labels = config === undefined ? NO_LABELS : labelsIn(where, config);
  return { reference: target, bytes: file, ...labels, digests: [...source.used], signer };
}

const NO_LABELS = { programs: new Map<string, string>(), maps: new Map<string, string>() } as const;

/** One object in a registry, read through the cache. */
class Source {
  readonly #registry: ObjectRegistry;
  readonly #target: PinnedReference;
  readonly #options: PullOptions;
  readonly used = new Set<string>();

  constructor(registry: ObjectRegistry, target: PinnedReference, options: PullOptions) {
    this.#registry = registry;
    this.#target = target;
    this.#options = options;
  }

  /** Of an index, the image for this machine. */
  async manifest(digest = this.#target.digest, depth = 0): Promise<ImageManifest> {
    const { arch = process.arch, signal } = this.#options;
    const target = pinned(this.#target, digest);
    const fetched = () => this.#registry.manifest(target, signal).then(({ bytes }) => bytes);
    const bytes = await this.#kept(digest, fetched);
    const read = readManifest([spellReference(target)], bytes, depth === 0 ? architectureOf(arch) : '');
    return 'manifest' in read ? read.manifest : this.manifest(read.other, depth + 1);
  }

  blob(descriptor: Descriptor): Promise<Uint8Array> {
    const fetched = () => this.#registry.blob(this.#target, descriptor, this.#options.signal);
    return this.#kept(descriptor.digest, fetched);
  }

  /** The key that signed it. Kept signatures are checked again, so that the policy of now decides. */
  async signer(rule: PolicyRule): Promise<string> {
    const { cache } = this.#options;
    const { digest } = this.#target;
    const kept = cache?.getSignatures(digest);
    const before = kept === undefined ? undefined : await this.#signerIn(kept, rule);
    if (before !== undefined) return before;
    const place: Reference = { ...this.#target, digest: null, tag: signatureTag(digest) };
    const found = await this.#registry.manifestIfThere(place, this.#options.signal);
    if (found === undefined) throw unsignedError(this.#target, rule, 0);
    const signer = await this.#signerIn(found.bytes, rule);
    if (signer === undefined) throw unsignedError(this.#target, rule, layersOf(place, found.bytes).length);
    cache?.putSignatures(digest, found.bytes);
    return signer;
  }

  async #signerIn(manifest: Uint8Array, { keys }: PolicyRule): Promise<string | undefined> {
    for (const layer of layersOf(this.#target, manifest)) {
      const payload = await this.blob(layer);
      const signer = signerOf(this.#target, this.#target.digest, layer, payload, keys);
      if (signer !== undefined) return signer;
    }
    return undefined;
  }

  async #kept(digest: string, fetched: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { cache } = this.#options;
    this.used.add(digest);
    const kept = cache?.get(digest);
    if (kept !== undefined) return kept;
    const bytes = await fetched();
    cache?.put(digest, bytes);
    return bytes;
  }
}
