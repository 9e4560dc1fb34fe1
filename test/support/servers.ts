/**
 * Real servers for tests of fleets: etcd and docker-registry of Debian, on loopback with directories of their own. Each
 * ends with its owner; nothing of them is installed as a service.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCommand } from './needs.ts';

/** A port that is free now. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function until(what: string, log: string, ready: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(40)) if (await ready()) return;
  throw new Error(`${what} does not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}

/** A process of a server, which can be killed and started again with what it keeps. */
export class Server {
  readonly directory: string;
  readonly url: string;
  readonly #command: string;
  readonly #words: readonly string[];
  readonly #ready: () => Promise<boolean>;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  constructor(options: {
    readonly directory: string;
    readonly url: string;
    readonly command: string;
    readonly words: readonly string[];
    readonly ready: () => Promise<boolean>;
    readonly env?: Readonly<Record<string, string>>;
  }) {
    this.directory = options.directory;
    this.url = options.url;
    this.#command = options.command;
    this.#words = options.words;
    this.#ready = options.ready;
    this.#env = options.env ?? {};
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const log = openSync(join(this.directory, 'log'), 'a');
    const path = findCommand(this.#command) ?? this.#command;
    this.#child = spawn(path, this.#words, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#env },
    });
    try {
      await until(this.#command, join(this.directory, 'log'), this.#ready);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** At once, as when the machine of the server is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether something listens there; with TLS it would need a certificate for more. */
function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
    const end = (found: boolean) => () => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}

/** Certificates of one authority, as files. */
export interface Authority {
  readonly ca: string;
  /** Paths of certificate and key with this name, for loopback. */
  issue(name: string, subject?: string): { readonly cert: string; readonly key: string };
}

export function makeAuthority(directory: string): Authority {
  mkdirSync(directory, { recursive: true });
  const at = (name: string): string => join(directory, name);
  const openssl = (...words: readonly string[]): void => {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const days = ['-days', '30'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    ...days,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=test',
  );
  writeFileSync(
    at('extensions'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  return {
    ca: at('ca.pem'),
    issue(name, subject = `/CN=${name}`) {
      const [cert, key, request] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.csr`)];
      openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', subject);
      const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
      openssl('x509', '-req', '-in', request, ...signer, ...days, '-extfile', at('extensions'), '-out', cert);
      return { cert, key };
    },
  };
}

export interface EtcdOptions {
  /** TLS, which clients need certificates for as well. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly host?: string;
}

export async function startEtcd({ tls, host = '127.0.0.1' }: EtcdOptions = {}): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-etcd-'));
  const [client, peer] = [await freePort(), await freePort()];
  const scheme = tls === undefined ? 'http' : 'https';
  const url = `${scheme}://${host}:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const words = [
    ...['--data-dir', join(directory, 'data'), '--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `default=${peerUrl}`, '--log-level', 'warn'],
  ];
  const secured = [
    ...['--client-cert-auth', '--trusted-ca-file', tls?.ca ?? ''],
    ...['--cert-file', tls?.cert ?? '', '--key-file', tls?.key ?? ''],
  ];
  const all = tls === undefined ? words : [...words, ...secured];
  const ready = () => answers(url);
  const server = new Server({ directory, url, command: 'etcd', words: all, ready });
  await server.start();
  return server;
}

export interface RegistryServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** The one user, with the bcrypt hash of its password. */
  readonly user?: { readonly name: string; readonly hash: string };
}

export async function startRegistry({ tls, user }: RegistryServerOptions = {}): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-registry-'));
  const port = await freePort();
  const lines = [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${join(directory, 'data')} }, delete: { enabled: true } }`,
    `http:\n  addr: 127.0.0.1:${port}`,
  ];
  if (tls !== undefined) {
    lines.push('  tls:', `    certificate: ${tls.cert}`, `    key: ${tls.key}`);
    if (tls.ca !== undefined) lines.push(`    clientcas: [${tls.ca}]`);
  }
  if (user !== undefined) {
    writeFileSync(join(directory, 'users'), `${user.name}:${user.hash}\n`);
    lines.push('auth:', `  htpasswd: { realm: test, path: ${join(directory, 'users')} }`);
  }
  writeFileSync(join(directory, 'config.yml'), `${lines.join('\n')}\n`);
  const url = `${tls === undefined ? 'http' : 'https'}://localhost:${port}`;
  const words = ['serve', join(directory, 'config.yml')];
  const command = 'docker-registry';
  const env = { OTEL_TRACES_EXPORTER: 'none' };
  const server = new Server({
    directory,
    url,
    command,
    words,
    env,
    ready: () => answers(url),
  });
  await server.start();
  return server;
}

/** `localhost:5000` of a registry. */
export function registryName({ url }: Server): string {
  return new URL(url).host;
}
