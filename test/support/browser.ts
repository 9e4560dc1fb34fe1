/**
 * A browser without a window, and a server of files on the loopback interface. The browser is driven by its own protocol
 * over a pipe; it loads nothing from other hosts.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { COMMANDS, findCommand } from './needs.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Serves the files of a directory. `headers` are those of a page, by its path. */
export class FileServer {
  readonly #server: Server;
  readonly missing: string[] = [];

  private constructor(directory: string, headers: (path: string) => Record<string, string>) {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const file = fileAt(directory, decodeURIComponent(url.pathname));
      if (file === undefined) {
        this.missing.push(url.pathname);
        response.writeHead(404).end();
        return;
      }
      const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, ...headers(url.pathname) }).end(readFileSync(file));
    });
  }

  static async open(
    directory: string,
    headers: (path: string) => Record<string, string> = () => ({}),
  ): Promise<FileServer> {
    const one = new FileServer(directory, headers);
    await new Promise<void>(resolve => one.#server.listen(0, '127.0.0.1', resolve));
    return one;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo; // a server of TCP
    return `http://127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function fileAt(directory: string, name: string): string | undefined {
  const file = path.join(directory, path.posix.normalize(name));
  if (!file.startsWith(directory) || !existsSync(file)) return undefined;
  return statSync(file).isDirectory() ? fileAt(directory, `${name}/index.html`) : file;
}

type Message = Record<string, unknown>;

/** Messages of the protocol, each ended by a NUL. */
class Pipe {
  readonly #write: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listen: (message: Message) => void;
  #count = 0;
  #rest = '';

  constructor(child: ChildProcess, listen: (message: Message) => void) {
    this.#write = child.stdio[3] as Writable; // opened as pipes below
    this.#listen = listen;
    const read = child.stdio[4] as Readable;
    read.setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Message> {
    const id = ++this.#count;
    this.#write.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result as Message);
        else reject(new Error(`${method}: ${JSON.stringify(error)}`));
      });
    });
  }

  #take(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const one of messages) {
      const message = JSON.parse(one) as Message;
      const waiting = this.#waiting.get(Number(message['id']));
      this.#waiting.delete(Number(message['id']));
      if (waiting === undefined) this.#listen(message);
      else waiting(message);
    }
  }
}

/** A page in a browser of its own. */
export class BrowserPage {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #pipe: Pipe;
  #session = '';
  /** Errors on the console, and what the content security policy stopped. */
  readonly complaints: string[] = [];

  private constructor() {
    this.#profile = mkdtempSync(path.join(tmpdir(), 'rootlet-browser-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ];
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-extensions'];
    const places = [`--user-data-dir=${this.#profile}`, '--remote-debugging-pipe', 'about:blank'];
    this.#child = spawn(findCommand(COMMANDS.browser) ?? COMMANDS.browser, [...flags, ...quiet, ...places], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.#pipe = new Pipe(this.#child, message => this.#hear(message));
  }

  static async open(): Promise<BrowserPage> {
    const page = new BrowserPage();
    const { targetId } = await page.#pipe.send('Target.createTarget', { url: 'about:blank' });
    const attached = await page.#pipe.send('Target.attachToTarget', { targetId, flatten: true });
    page.#session = String(attached['sessionId']);
    for (const domain of ['Page', 'Runtime', 'Log']) await page.send(`${domain}.enable`);
    return page;
  }

  send(method: string, params: object = {}): Promise<Message> {
    return this.#pipe.send(method, params, this.#session);
  }

  async goto(url: string): Promise<void> {
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
    await this.until('document.readyState === "complete"');
  }

  /** The value of an expression, which may be a promise. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (answer['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(answer['exceptionDetails']));
    return (answer['result'] as Message)['value'];
  }

  /** Waits until an expression is true. */
  async until(expression: string, seconds = 30): Promise<void> {
    for (let waited = 0; waited < seconds * 20; waited++) {
      if ((await this.evaluate(expression)) === true) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`did not become true: ${expression}`);
  }

  async screenshot(width: number, height: number, isDark: boolean): Promise<Buffer> {
    const features = [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }];
    await this.send('Emulation.setEmulatedMedia', { features });
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send('Emulation.setDeviceMetricsOverride', size);
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve));
    this.#pipe.send('Browser.close').catch(() => {});
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #hear({ method, params }: Message): void {
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
    if (method === 'Log.entryAdded') {
      const { level, text, url } = (params as { entry: { level: string; text: string; url?: string } }).entry;
      if (level === 'error' || level === 'warning') this.complaints.push(`${text} ${url ?? ''}`);
    }
    if (method === 'Runtime.consoleAPICalled' && (params as { type: string }).type === 'error')
      this.complaints.push(JSON.stringify(params));
  }
}
