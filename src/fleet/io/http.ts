/**
 * Requests over HTTP and HTTPS, with client certificates, limits on time and bytes, and an end by a signal. On Node's
 * own client: `fetch` takes no certificates. The one file of the project that opens connections.
 */

import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { given } from '../../bytes/index.ts';
import { type CodeOf, type ProblemCode, platformError, RootletError } from '../../diag/index.ts';

/** Certificates and keys as PEM. */
export interface Tls {
  /** Certificates of authorities instead of those of the system. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface HttpOptions {
  /** Code of a server that is away. */
  readonly code: CodeOf<'platform'>;
  /** What is away, for messages: `registry`, `etcd`. */
  readonly what: string;
  readonly hint: string;
  readonly tls?: Tls | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Most bytes of the answer. */
  readonly limit: number;
  /** Milliseconds until the answer must be complete. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Buffer;
}

/** An answer whose body comes in pieces. */
export interface HttpStream {
  readonly status: number;
  readonly pieces: AsyncIterable<Buffer>;
  close(): void;
}

const KEEP_ALIVE_MS = 15_000;

/** Owns its connections. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #plain = new PlainAgent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS });
  readonly #tls: TlsAgent;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#tls = new TlsAgent({
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      minVersion: 'TLSv1.2',
      ...given({ ca: options.tls?.ca, cert: options.tls?.cert, key: options.tls?.key }),
    });
  }

  /** The whole answer. Throws the code of the options when there is none, also for one that is too large. */
  async send(wanted: HttpRequest): Promise<HttpAnswer> {
    const { timeout, signal: outer, limit } = wanted;
    const limitOfTime = AbortSignal.timeout(timeout);
    const signal = outer === undefined ? limitOfTime : AbortSignal.any([outer, limitOfTime]);
    return this.#explained(wanted, async () => {
      const answer = await this.#open(wanted, signal);
      const body = await readAll(answer, limit);
      const header = (name: string): string | undefined => firstOf(answer.headers[name.toLowerCase()]);
      return { status: statusOf(answer), header, body };
    });
  }

  /** An answer that may last. `timeout` is until it begins. */
  async stream(wanted: HttpRequest): Promise<HttpStream> {
    const { timeout, signal: outer } = wanted;
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(new Error(`no answer within ${timeout} ms`)), timeout);
    const signal = outer === undefined ? end.signal : AbortSignal.any([outer, end.signal]);
    try {
      const answer = await this.#explained(wanted, () => this.#open(wanted, signal));
      const close = (): void => {
        answer.destroy();
      };
      return { status: statusOf(answer), pieces: this.#pieces(wanted, answer), close };
    } finally {
      clearTimeout(timer);
    }
  }

  async *#pieces(wanted: HttpRequest, answer: IncomingMessage): AsyncIterable<Buffer> {
    const pieces = answer[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#explained(wanted, () => pieces.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  async #explained<T>({ url, signal }: HttpRequest, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof RootletError) throw error;
      const { code, what, hint } = this.#options;
      const origin = originOf(url);
      throw platformError(code, [origin], `${what} cannot be reached: ${reasonOf(error)}`, {
        subject: origin,
        hint,
      });
    }
  }

  #open({ url, method, headers = {}, body }: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isTls = url.startsWith('https:');
      const options = { method, headers, signal, agent: isTls ? this.#tls : this.#plain };
      const request = isTls ? tlsRequest(url, options, resolve) : plainRequest(url, options, resolve);
      request.on('error', reject);
      request.on('socket', socket => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      request.end(body);
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

async function readAll(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) {
      answer.destroy();
      throw new Error(`the answer has more than ${limit} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function statusOf({ statusCode = 0 }: IncomingMessage): number {
  return statusCode;
}

function firstOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

export function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

/** Texts of Node's errors are in English and name the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors.find(one => one instanceof Error) : undefined;
  const { message } = inner ?? error;
  return error.name === 'TimeoutError' ? 'no answer in time' : message || error.name;
}

/** Whether an error is one of these codes: what may be tried again. */
export function isProblem(error: unknown, ...codes: readonly ProblemCode[]): error is RootletError {
  return error instanceof RootletError && codes.includes(error.code);
}
