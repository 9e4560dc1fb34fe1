/**
 * A shell in mount and network namespaces of its own, for pages whose commands use `/sys/fs/bpf` and interfaces by plain
 * names: nothing that they pin or make is seen outside, and all of it ends with the shell.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleCommand } from '../../cli/testing.ts';
import { INCLUDES } from './compile.ts';
import { COMMANDS, findCommand } from './needs.ts';

export interface ShellResult {
  readonly code: number;
  /** Standard output, then standard error. */
  readonly text: string;
}

export class PrivateShell {
  /** Where commands start. */
  readonly directory = mkdtempSync(join(tmpdir(), 'rootlet-shell-'));
  readonly #tools = join(this.directory, 'bin');
  readonly #holder: ChildProcess;

  private constructor() {
    const command = join(this.#tools, 'rootlet.mjs');
    mkdirSync(this.#tools);
    bundleCommand(command);
    this.#tool('rootlet', process.execPath, [command]);
    this.#tool('clang', COMMANDS.clang, INCLUDES);
    this.#holder = spawn('unshare', ['--mount', '--net', 'sleep', '600'], { stdio: 'ignore' });
  }

  static async open(): Promise<PrivateShell> {
    const shell = new PrivateShell();
    await shell.#separated();
    return shell;
  }

  /** A command of that name which runs another one with words before it. */
  #tool(name: string, command: string, words: readonly string[]): void {
    const file = join(this.#tools, name);
    const line = [findCommand(command) ?? command, ...words].map(word => `'${word}'`).join(' ');
    writeFileSync(file, `#!/bin/sh\nexec ${line} "$@"\n`);
    chmodSync(file, 0o755);
  }

  /** Until `unshare` is done with the namespaces and what is mounted in them no longer propagates: then it is `sleep`. */
  async #separated(): Promise<void> {
    const name = (): string => readFileSync(`/proc/${this.#pid}/comm`, 'utf8').trim();
    for (const end = Date.now() + 10_000; name() !== 'sleep'; await sleep(10))
      if (Date.now() > end) throw new Error('unshare did not make namespaces');
  }

  get #pid(): number {
    const { pid } = this.#holder;
    if (pid === undefined) throw new Error('unshare did not start');
    return pid;
  }

  /** A line of a shell script. */
  run(line: string): ShellResult {
    const { PATH: found } = process.env;
    const path = [this.#tools, found, '/usr/sbin', '/sbin'].join(':');
    const script = `cd '${this.directory}' && ${line}`;
    const words = ['--target', String(this.#pid), '--mount', '--net', 'sh', '-c', script];
    const env = { ...process.env, PATH: path, LC_ALL: 'C', NO_COLOR: '1', ROOTLET_BPFFS: undefined };
    const { status, stdout, stderr } = spawnSync('nsenter', words, { encoding: 'utf8', env });
    return { code: status ?? -1, text: stdout + stderr };
  }

  /** Output of a line that has to succeed. */
  must(line: string): string {
    const { code, text } = this.run(line);
    if (code !== 0) throw new Error(`${line}: exit ${code}\n${text}`);
    return text;
  }

  json(line: string): unknown {
    return JSON.parse(this.must(line));
  }

  close(): void {
    this.#holder.kill('SIGKILL');
    rmSync(this.directory, { recursive: true });
  }
}
