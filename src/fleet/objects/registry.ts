/**
 * The distribution API of OCI registries, as far as objects need it: manifests and blobs, by HTTP with basic
 * authentication. Whatever a registry answers is bounded and checked by its digest.
 */

import { given } from '../../bytes/index.ts';
import { platformError, quote, type RootletError, usageError } from '../../diag/index.ts';
import { type HttpAnswer, HttpClient, type HttpRequest, originOf, type Tls } from '../io/index.ts';
import type { Credentials } from './credentials.ts';
import { digestOf, requireDigest } from './digest.ts';
import { ACCEPTED, type Blob, type Descriptor, MANIFEST, MOST_MANIFEST } from './image.ts';
import { type Reference, repositoryOf, spellReference } from './reference.ts';

/** How registries are spoken to. */
export interface RegistryOptions {
  /** Registries that are spoken to without TLS. */
  readonly plainHttp?: readonly string[];
  readonly tls?: Tls | undefined;
  readonly credentials?: Credentials | undefined;
  /** Milliseconds for one request. */
  readonly timeout?: number;
}

const TIMEOUT_MS = 30_000;
const MOST_REDIRECTS = 3;
const HINT = 'look whether it runs and this host can reach it; what was pulled before stays in use';

/** A request to a path of the API. */
interface Call extends Omit<HttpRequest, 'url' | 'timeout' | 'limit'> {
  readonly limit?: number;
}

/** A client of OCI registries, of whatever name. Owns its connections. */
export class ObjectRegistry {
  readonly #options: RegistryOptions;
  readonly #http: HttpClient;

  constructor(options: RegistryOptions = {}) {
    this.#options = options;
    this.#http = new HttpClient({ code: 'oci-registry', what: 'the registry', hint: HINT, tls: options.tls });
  }

  /** A manifest with its digest. By digest, it is the one that was asked for. Throws `oci-…`. @internal */
  async manifest(reference: Reference, signal?: AbortSignal): Promise<Blob> {
    const { tag, digest } = reference;
    const url = this.#url(reference, `manifests/${digest ?? tag}`);
    const answer = await this.#call(reference, url, {
      method: 'GET',
      headers: { accept: ACCEPTED },
      limit: MOST_MANIFEST,
      signal,
    });
    this.#require(reference, answer, 200);
    if (digest !== null) requireDigest([spellReference(reference)], answer.body, digest);
    return { mediaType: MANIFEST, digest: digest ?? digestOf(answer.body), bytes: answer.body };
  }

  /** As `manifest`; undefined when there is none. @internal */
  async manifestIfThere(reference: Reference, signal?: AbortSignal): Promise<Blob | undefined> {
    try {
      return await this.manifest(reference, signal);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The contents of a blob, checked. Throws `oci-…`. @internal */
  async blob(reference: Reference, { digest, size }: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
    const url = this.#url(reference, `blobs/${digest}`);
    const answer = await this.#call(reference, url, { method: 'GET', limit: size, signal });
    this.#require(reference, answer, 200);
    requireDigest([spellReference(reference), digest], answer.body, digest);
    return answer.body;
  }

  /** Sends a blob that is not there yet. @internal */
  async pushBlob(reference: Reference, { digest, bytes }: Blob, signal?: AbortSignal): Promise<void> {
    const there = await this.#call(reference, this.#url(reference, `blobs/${digest}`), {
      method: 'HEAD',
      signal,
    });
    if (there.status === 200) return;
    const uploads = this.#url(reference, 'blobs/uploads/');
    const begun = await this.#call(reference, uploads, { method: 'POST', signal });
    this.#require(reference, begun, 202);
    const place = new URL(begun.header('location') ?? uploads, uploads);
    place.searchParams.set('digest', digest);
    if (place.origin !== originOf(uploads))
      throw refusal(reference, `wants the upload at ${quote(place.origin)}, another server`);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) };
    const done = await this.#call(reference, place.href, { method: 'PUT', headers, body: bytes, signal });
    this.#require(reference, done, 201);
  }

  /** @internal */
  async pushManifest(reference: Reference, { mediaType, bytes }: Blob, signal?: AbortSignal): Promise<void> {
    const { tag, digest } = reference;
    const headers = { 'content-type': mediaType, 'content-length': String(bytes.length) };
    const url = this.#url(reference, `manifests/${tag ?? digest}`);
    const answer = await this.#call(reference, url, { method: 'PUT', headers, body: bytes, signal });
    this.#require(reference, answer, 201);
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #url({ registry, name }: Reference, path: string): string {
    const scheme = this.#options.plainHttp?.includes(registry) === true ? 'http' : 'https';
    return `${scheme}://${registry}/v2/${name}/${path}`;
  }

  /** Follows redirects to storage; credentials are for the registry itself. */
  async #call({ registry }: Reference, first: string, call: Call): Promise<HttpAnswer> {
    const { timeout = TIMEOUT_MS, credentials } = this.#options;
    const own = credentials?.for(registry);
    let url = first;
    for (let redirects = 0; ; redirects++) {
      const isOwn = originOf(url) === originOf(first);
      const headers = { ...call.headers, ...given({ authorization: isOwn ? own : undefined }) };
      const answer = await this.#http.send({ limit: MOST_MANIFEST, ...call, url, headers, timeout });
      const next = answer.header('location');
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && call.method === 'GET';
      if (!isRedirect || next === undefined || redirects === MOST_REDIRECTS) return answer;
      const target = new URL(next, url);
      if (target.protocol !== 'https:' && !url.startsWith('http:')) return answer;
      url = target.href;
    }
  }

  #require(reference: Reference, answer: HttpAnswer, status: number): void {
    if (answer.status === status) return;
    if (answer.status === 404) throw missing(reference);
    if (answer.status === 401 || answer.status === 403) throw denied(reference, answer);
    throw refusal(reference, `answers with status ${answer.status}${detailOf(answer)}`);
  }
}

function missing(reference: Reference): RootletError {
  return usageError('oci-not-found', `${spellReference(reference)}: the registry has no such object`, {
    subject: spellReference(reference),
    hint: 'the name, the tag, or the push: "rootlet push FILE REGISTRY/NAME:TAG" makes it',
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'oci-not-found';
}

function denied(reference: Reference, answer: HttpAnswer): RootletError {
  const asks = answer.header('www-authenticate');
  const isBasic = asks === undefined || /^basic\b/i.test(asks);
  const hint = isBasic
    ? '--authfile FILE has user and password, as "podman login --authfile FILE" writes it'
    : 'the registry asks for another authentication than basic, which is not supported';
  return platformError('oci-denied', [repositoryOf(reference)], 'the registry denies access', {
    subject: reference.registry,
    hint,
  });
}

function refusal(reference: Reference, message: string): RootletError {
  return platformError('oci-registry', [repositoryOf(reference)], `the registry ${message}`, {
    subject: reference.registry,
    hint: 'look into the log of the registry',
  });
}

function detailOf({ body }: HttpAnswer): string {
  const text = body.toString('utf8').slice(0, 300).trim();
  return text === '' ? '' : `: ${text}`;
}
