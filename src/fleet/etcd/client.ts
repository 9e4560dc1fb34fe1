/**
 * etcd by its JSON gateway (`/v3/kv`, `/v3/lease`, `/v3/watch`, `/v3/auth`): what a fleet needs and no more. Several
 * endpoints are tried one after the other. Keys and values are text; etcd has them as bytes.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { platformError, quote, type RootletError } from '../../diag/index.ts';
import {
  type HttpAnswer,
  HttpClient,
  type HttpStream,
  integer,
  type JsonShape,
  list,
  Misfit,
  object,
  optional,
  otherwise,
  parseJson,
  type Tls,
  text,
} from '../io/index.ts';

/** Which etcd, and as whom. */
export interface EtcdOptions {
  /** URLs, without a path. */
  readonly endpoints: readonly string[];
  readonly tls?: Tls | undefined;
  /** With authentication. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  /** Milliseconds for one request. */
  readonly timeout?: number;
}

/** A key with its value. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision of the store when the key was made, and when it was last written. */
  readonly created: number;
  readonly modified: number;
  /** 0 without a lease. */
  readonly lease: string;
}

export interface Range {
  readonly revision: number;
  readonly values: readonly KeyValue[];
  /** There are more. */
  readonly more: boolean;
}

export type Compare =
  | { readonly key: string; readonly modified: number }
  | { readonly key: string; readonly created: number };

export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: string | undefined }
  | { readonly delete: string };

export interface Outcome {
  readonly succeeded: boolean;
  readonly revision: number;
}

const TIMEOUT_MS = 5_000;
/** etcd takes requests of 1.5 MiB; an answer to a range has a limit of keys. */
const MOST_ANSWER = 32 << 20;
const HINT = 'look whether etcd runs and this host can reach it; agents keep what runs meanwhile';

const int64 = otherwise(
  ((value, path) => integer()(typeof value === 'string' ? Number(value) : value, path)) as JsonShape<number>,
  0,
);
export const HEADER = object({ revision: int64 });
const KEY_VALUE = object({
  key: text(8192),
  value: otherwise(text(8 << 20), ''),
  create_revision: int64,
  mod_revision: int64,
  lease: otherwise(text(32), '0'),
});
const RANGE = object({
  header: HEADER,
  kvs: otherwise(list(KEY_VALUE, 200_000), []),
  more: optional(value => value === true),
});
const TXN = object({ header: HEADER, succeeded: optional(value => value === true) });
const LEASE = object({ ID: text(32), TTL: int64 });
const KEPT = object({ result: object({ ID: text(32), TTL: int64 }) });
const AUTH = object({ token: text(4096) });
const FAILURE = object({ message: otherwise(text(4096), ''), code: otherwise(integer(0, 1000), 0) });

/** Codes of gRPC. */
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

export function encode(value: string): string {
  return Buffer.from(value).toString('base64');
}

export function decode(value: string): string {
  return Buffer.from(value, 'base64').toString('utf8');
}

/** The end of all keys that begin with `prefix`. */
export function afterPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}

export function keyValueOf(found: ReturnType<typeof KEY_VALUE>): KeyValue {
  return {
    key: decode(found.key),
    value: decode(found.value),
    created: found.create_revision,
    modified: found.mod_revision,
    lease: found.lease,
  };
}

export { KEY_VALUE };

/** A client of etcd. Owns its connections. */
export class Etcd {
  readonly #options: EtcdOptions;
  readonly #http: HttpClient;
  #endpoint = 0;
  #token: string | undefined;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#http = new HttpClient({ code: 'fleet-etcd', what: 'etcd', hint: HINT, tls: options.tls });
  }

  /** Undefined when there is no such key. Throws `fleet-etcd`, `fleet-denied`, as all of them. @internal */
  async get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly found: KeyValue | undefined; readonly revision: number }> {
    const { kvs, header } = await this.#ask('kv/range', { key: encode(key) }, RANGE, signal);
    const [found] = kvs;
    return { found: found === undefined ? undefined : keyValueOf(found), revision: header.revision };
  }

  /** Keys from `from` up to, not including, `end`, in order. @internal */
  async range(
    from: string,
    end: string,
    limit: number,
    signal?: AbortSignal,
    keysOnly = false,
  ): Promise<Range> {
    const asked = {
      key: encode(from),
      range_end: encode(end),
      limit,
      ...(keysOnly ? { keys_only: true } : {}),
    };
    const { kvs, header, more } = await this.#ask('kv/range', asked, RANGE, signal);
    return { revision: header.revision, values: kvs.map(keyValueOf), more: more === true };
  }

  /** All keys of a prefix, in parts. @internal */
  async all(prefix: string, signal?: AbortSignal, keysOnly = false): Promise<KeyValue[]> {
    const values: KeyValue[] = [];
    const end = afterPrefix(prefix);
    for (let from = prefix; ; ) {
      const part = await this.range(from, end, PART, signal, keysOnly);
      values.push(...part.values);
      const last = part.values.at(-1);
      if (!part.more || last === undefined) return values;
      from = `${last.key}\0`;
    }
  }

  /** @internal */
  async put(key: string, value: string, lease?: string, signal?: AbortSignal): Promise<void> {
    const asked = { key: encode(key), value: encode(value), ...given({ lease }) };
    await this.#ask('kv/put', asked, object({ header: HEADER }), signal);
  }

  /** Everything or, where a comparison fails, nothing. @internal */
  async transact(
    compare: readonly Compare[],
    operations: readonly Operation[],
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const asked = { compare: compare.map(comparison), success: operations.map(operationOf) };
    const { header, succeeded } = await this.#ask('kv/txn', asked, TXN, signal);
    return { succeeded: succeeded === true, revision: header.revision };
  }

  /** A lease of so many seconds. @internal */
  async grant(seconds: number, signal?: AbortSignal): Promise<string> {
    return (await this.#ask('lease/grant', { TTL: seconds }, LEASE, signal)).ID;
  }

  /** Whether the lease was alive, and is for its time again. @internal */
  async keepAlive(lease: string, signal?: AbortSignal): Promise<boolean> {
    return (await this.#ask('lease/keepalive', { ID: lease }, KEPT, signal)).result.TTL > 0;
  }

  /** @internal */
  async revoke(lease: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('lease/revoke', { ID: lease }, object({ header: HEADER }), signal);
  }

  /** The answer to `path` as it comes. @internal */
  async open(path: string, body: string, signal: AbortSignal): Promise<HttpStream> {
    const url = `${this.#url()}/v3/${path}`;
    const { timeout = TIMEOUT_MS } = this.#options;
    try {
      const headers = await this.#headers(signal);
      const stream = await this.#http.stream({
        method: 'POST',
        url,
        headers,
        body,
        timeout,
        limit: 0,
        signal,
      });
      if (stream.status === 200) return stream;
      stream.close();
      if (stream.status === 401 || stream.status === 403) this.#token = undefined;
      throw answered(url, stream.status, '');
    } catch (error) {
      this.#next();
      throw error;
    }
  }

  /** Asks another endpoint from now on. */
  #next(): void {
    this.#endpoint = (this.#endpoint + 1) % this.#options.endpoints.length;
    this.#token = undefined;
  }

  #url(): string {
    return elementAt(this.#options.endpoints, this.#endpoint);
  }

  async #headers(signal?: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { user } = this.#options;
    const base = { 'content-type': 'application/json' };
    if (user === undefined) return base;
    this.#token ??= await this.#authenticate(user, signal);
    return { ...base, authorization: this.#token };
  }

  async #authenticate(
    { name, password }: NonNullable<EtcdOptions['user']>,
    signal?: AbortSignal,
  ): Promise<string> {
    const url = `${this.#url()}/v3/auth/authenticate`;
    const answer = await this.#send(url, { name, password }, { 'content-type': 'application/json' }, signal);
    if (answer.status === 200) return parsed(url, answer, AUTH).token;
    const { message } = failureIn(answer);
    throw denied(url, name, message);
  }

  /** Each endpoint once; a token that has ended is renewed once. */
  async #ask<T>(path: string, asked: object, shape: JsonShape<T>, signal?: AbortSignal): Promise<T> {
    const { endpoints } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const url = `${this.#url()}/v3/${path}`;
      const isLast = attempt >= endpoints.length;
      try {
        const answer = await this.#authenticated(url, asked, signal);
        if (answer.status === 200) return parsed(url, answer, shape);
        const { code, message } = failureIn(answer);
        if (code === PERMISSION_DENIED) throw denied(url, this.#options.user?.name, message);
        throw answered(url, answer.status, message);
      } catch (error) {
        if (isLast || signal?.aborted === true || !isAway(error)) throw error;
        this.#next();
      }
    }
  }

  async #authenticated(url: string, asked: object, signal?: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#send(url, asked, await this.#headers(signal), signal);
    const isOld = answer.status !== 200 && this.#token !== undefined && isTokenRefused(answer);
    if (!isOld) return answer;
    this.#token = undefined;
    return this.#send(url, asked, await this.#headers(signal), signal);
  }

  #send(
    url: string,
    asked: object,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const { timeout = TIMEOUT_MS } = this.#options;
    const body = JSON.stringify(asked);
    return this.#http.send({ method: 'POST', url, headers, body, timeout, limit: MOST_ANSWER, signal });
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Keys that are asked for at once. */
const PART = 2_000;

function comparison(compare: Compare): object {
  const key = encode(compare.key);
  return 'modified' in compare
    ? { target: 'MOD', result: 'EQUAL', key, mod_revision: String(compare.modified) }
    : { target: 'CREATE', result: 'EQUAL', key, create_revision: String(compare.created) };
}

function operationOf(operation: Operation): object {
  if ('delete' in operation) return { request_delete_range: { key: encode(operation.delete) } };
  const { put, value, lease } = operation;
  return { request_put: { key: encode(put), value: encode(value), ...given({ lease }) } };
}

function parsed<T>(url: string, { body }: HttpAnswer, shape: JsonShape<T>): T {
  try {
    return parseJson(body.toString('utf8'), shape);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    throw platformError('fleet-etcd', [url], `answers with something else than etcd: ${error.message}`, {
      hint: '--etcd has URLs of etcd 3.4 or newer, as in https://etcd.example.com:2379',
    });
  }
}

function failureIn({ body }: HttpAnswer): { readonly code: number; readonly message: string } {
  try {
    return parseJson(body.toString('utf8'), FAILURE);
  } catch {
    return { code: 0, message: body.toString('utf8').slice(0, 200) };
  }
}

function isTokenRefused(answer: HttpAnswer): boolean {
  const { code, message } = failureIn(answer);
  return code === UNAUTHENTICATED || /invalid auth token/.test(message);
}

function answered(url: string, status: number, message: string): RootletError {
  const detail = message === '' ? '' : `: ${message}`;
  return platformError('fleet-etcd', [url], `etcd answers with status ${status}${detail}`, { hint: HINT });
}

function denied(url: string, name: string | undefined, message: string): RootletError {
  const user = name === undefined ? 'without a user' : `to the user ${quote(name)}`;
  return platformError('fleet-denied', [url], `etcd denies this ${user}: ${message}`, {
    ...given({ subject: name }),
    hint: /CommonName/.test(message)
      ? '--etcd-cert needs a certificate without a common name: etcd refuses others where users have passwords'
      : '--etcd-user FILE has NAME:PASSWORD; docs/fleet.md has the roles of operators and agents',
  });
}

function isAway(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'fleet-etcd';
}
