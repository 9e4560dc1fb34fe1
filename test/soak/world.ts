/**
 * Where cycles run: in network and mount namespaces that the process already is in (`main.ts` sees to that), with the
 * interfaces `va` and `vb` and a bpf file system of its own, which all end with the process.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../cli/main.ts';
import { openSys } from '../../src/kernel/open/koffi.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { mountBpffs } from '../../src/load/testing.ts';
import type { ObjectFile } from '../../src/object/read/input.ts';
import { compileAll } from '../e2e/slots/support.ts';
import { LARGE_SOURCES, SOURCES } from './sources.ts';

export const IFACE = 'va';

const ALL: Readonly<Record<string, string>> = { ...SOURCES, ...LARGE_SOURCES };

export class World {
  readonly sys: Sys = openSys();
  /** Mount point of the bpf file system. */
  readonly bpffs: string;
  /** Directory of the store. */
  readonly root: string;
  readonly #mount = mountBpffs();
  readonly #directory = mkdtempSync(join(tmpdir(), 'rootlet-soak-'));
  readonly #objects = new Map<string, ObjectFile>();

  constructor() {
    execFileSync('ip', ['link', 'add', IFACE, 'type', 'veth', 'peer', 'name', 'vb']);
    this.bpffs = this.#mount.path;
    this.root = join(this.bpffs, 'rootlet');
  }

  /** Compiles what was not used so far. */
  object(name: string): ObjectFile {
    const known = this.#objects.get(name);
    if (known !== undefined) return known;
    const source = ALL[name];
    if (source === undefined) throw new Error(`there is no object ${name}`);
    const [made] = Object.values(compileAll({ [name]: source }));
    if (made === undefined) throw new Error(`${name} was not compiled`);
    writeFileSync(join(this.#directory, made.name), made.bytes);
    this.#objects.set(name, made);
    return made;
  }

  /** Of the file with an object. */
  path(name: string): string {
    return join(this.#directory, this.object(name).name);
  }

  /** Runs a command line in this process. Words `NAME.o` become paths. */
  async command(...words: readonly string[]): Promise<CommandOutcome> {
    const [out, err]: [string[], string[]] = [[], []];
    const stdout = { write: (text: string) => void out.push(text) };
    const stderr = { write: (text: string) => void err.push(text) };
    process.env['ROOTLET_BPFFS'] = this.root;
    const line = words.map(word =>
      word.replace(/(^|=)(\w+)\.o$/, (_, before, name) => `${before}${this.path(name)}`),
    );
    await main(line, { stdout, stderr });
    const code = Number(process.exitCode);
    process.exitCode = 0;
    return { code, out: out.join(''), err: err.join('') };
  }

  /** A command line that has to end with a code. */
  async expect(code: number, ...words: readonly string[]): Promise<void> {
    const outcome = await this.command(...words);
    if (outcome.code === code) return;
    throw new Error(`rootlet ${words.join(' ')}: exit ${outcome.code}\n${outcome.out}${outcome.err}`);
  }

  async must(...words: readonly string[]): Promise<void> {
    await this.expect(0, ...words);
  }

  close(): void {
    this.#mount.close();
    rmSync(this.#directory, { recursive: true });
  }
}

export interface CommandOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
