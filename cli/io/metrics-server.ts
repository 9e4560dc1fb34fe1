/** An HTTP server with one page, `/metrics`. Separate from what is on the page. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { quote, RootletError, usageError } from '../../src/diag/index.ts';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9100`, `[::1]:9100`, `:9100` for all addresses. Throws `watch-address`. */
export function parseListen(text: string): ListenAddress {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535)
    throw usageError('watch-address', `${quote(text)} is not a valid address to listen on`, {
      hint: 'ADDR:PORT, [ADDR]:PORT, or :PORT for all addresses',
    });
  const [, bracketed, plain = ''] = found;
  return { host: bracketed === undefined ? plain : bracketed, port };
}

/** Serves until it is closed. `page` may throw: the answer is 500 then. */
export function serveMetrics(
  { host, port }: ListenAddress,
  contentType: string,
  page: () => string,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => answer(request, response, contentType, page));
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(cannotListen(host, port, error)));
    server.listen({ port, ...(host === '' ? {} : { host }) }, () =>
      resolve({ port: portOf(server, port), close: () => closed(server) }),
    );
  });
}

function cannotListen(host: string, port: number, error: Error): RootletError {
  return usageError('watch-address', `cannot listen on ${host}:${port}: ${error.message}`);
}

function portOf(server: Server, asked: number): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : asked;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => {
    server.close(() => resolve());
  });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  contentType: string,
  page: () => string,
): void {
  if (request.url?.split('?')[0] !== '/metrics') reply(response, 404, 'only /metrics is here\n');
  else if (request.method !== 'GET') reply(response.setHeader('Allow', 'GET'), 405, 'only GET\n');
  else {
    try {
      const text = page();
      response.writeHead(200, { 'Content-Type': contentType }).end(text);
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      reply(response, 500, `${error.message}\n`);
    }
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
}
