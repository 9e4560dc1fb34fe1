/** The command as a process, for tests of what stays in the kernel. Not shipped. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { mountBpffs } from '../src/load/testing.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

/** With ROOTLET_TEST_KILL the process is killed right before it switches an entry to a new generation. */
const KILLER = `
if (process.env.ROOTLET_TEST_KILL) {
  const fs = require('node:fs');
  const rename = fs.renameSync;
  fs.renameSync = (from, to) => {
    if (String(to).endsWith('/current')) process.kill(process.pid, 'SIGKILL');
    return rename(from, to);
  };
  require('node:module').syncBuiltinESMExports();
}`;

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Runs it through these words, such as `setpriv …`. */
  readonly through?: readonly string[];
  /** Store; default one on a bpf file system of the test's own. */
  readonly bpffs?: string;
}

/** Bundles the command as it is in the sources into one file. */
export function bundleCommand(outfile: string): void {
  buildSync({
    stdin: {
      contents: `import { main } from './main.ts'; await main(process.argv.slice(2));`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // koffi and data files are found relative to the code
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(MAIN).href) },
    banner: {
      js: `import { createRequire as from } from 'node:module'; const require = from(${JSON.stringify(MAIN)}); ${KILLER}`,
    },
    outfile,
  });
}

/** A built command, a bpf file system and a network namespace with the interfaces `v0` and `v1`. */
export class CommandWorld {
  readonly directory = mkdtempSync(join(tmpdir(), 'rootlet-command-'));
  readonly #command = join(this.directory, 'rootlet.mjs');
  readonly #mount = mountBpffs();
  readonly bpffs = this.#mount.path;
  readonly root = join(this.bpffs, 'rootlet');
  readonly #netns = `rootlet-command-${process.pid}`;

  constructor() {
    execFileSync('chmod', ['755', this.directory]);
    bundleCommand(this.#command);
    this.ip('netns', 'add', this.#netns);
    this.ip('-n', this.#netns, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  }

  ip(...words: readonly string[]): string {
    return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** In the network namespace. */
  inside(...words: readonly string[]): string {
    return this.ip('-n', this.#netns, ...words);
  }

  inNamespace(...words: readonly string[]): string {
    const line = [`--net=/run/netns/${this.#netns}`, ...words];
    return execFileSync('nsenter', line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  run(words: readonly string[], options: RunOptions = {}): CommandResult {
    const line = [
      ...['nsenter', `--net=/run/netns/${this.#netns}`],
      ...(options.through ?? []),
      ...[process.execPath, this.#command, ...words],
    ];
    const result = spawnSync(line[0] ?? '', line.slice(1), {
      encoding: 'utf8',
      env: { ...process.env, ROOTLET_BPFFS: options.bpffs ?? this.root },
    });
    const short = (text: string) =>
      text.replaceAll(this.bpffs, 'BPFFS').replaceAll(this.directory, 'DIRECTORY');
    return { code: result.status ?? -1, out: short(result.stdout), err: short(result.stderr) };
  }

  /** `run` with --json, parsed. */
  json(...words: readonly string[]): Record<string, unknown> {
    const { out, err } = this.run([...words, '--json']);
    if (out === '') throw new Error(err);
    return JSON.parse(out) as Record<string, unknown>; // every document is an object
  }

  close(): void {
    this.ip('netns', 'del', this.#netns);
    this.#mount.close();
    rmSync(this.directory, { recursive: true });
  }
}
