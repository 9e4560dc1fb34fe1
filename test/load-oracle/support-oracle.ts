/**
 * libbpf's loader as a command: `oracle.c`, compiled with the libbpf of this machine, run on one object at a
 * time.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { missing } from '../support/needs.ts';

export interface LibbpfProgram {
  readonly name: string;
  readonly loaded: boolean;
  /** Instructions after relocation, as hexadecimal digits. Descriptors in them are the oracle's. */
  readonly insns: string;
  readonly tag?: string;
  readonly type?: number;
  readonly kernelName?: string;
  /** Records of functions and lines that the kernel has. */
  readonly functions?: number;
  readonly lines?: number;
  /** Ids. */
  readonly maps?: readonly number[];
}

export interface LibbpfMap {
  /** libbpf's name for it: for globals with the object's before it. */
  readonly name: string;
  readonly id?: number;
  readonly kernelName?: string;
  readonly type?: number;
  readonly keySize?: number;
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
  readonly mapExtra?: number;
  readonly keyType?: number;
  readonly valueType?: number;
  /** Contents of globals, as hexadecimal digits. */
  readonly value?: string;
}

export interface LibbpfResult {
  /** errno; 0 when all of the object is loaded. */
  readonly error: number;
  readonly programs: readonly LibbpfProgram[];
  readonly maps: readonly LibbpfMap[];
  /** Types that the kernel has for the object, as hexadecimal digits. */
  readonly btf: string;
  /** Warnings of libbpf. */
  readonly log: string;
}

/** Why there is no oracle here. */
export const noOracle =
  missing('gcc', 'root', 'bpf') ??
  (existsSync('/usr/include/bpf/libbpf.h') ? undefined : 'libbpf-dev is not installed');

export interface OracleOptions {
  /** BTF that CO-RE relocations are answered with, instead of the kernel's. */
  readonly btf?: string;
  /** Lines `CONFIG_X=…`. */
  readonly kconfig?: string;
  /** Programs of sections with `?` too. */
  readonly all?: boolean;
}

/** A compiled oracle with a directory of its own. */
export class Oracle {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'rootlet-load-oracle-'));
  readonly #command = path.join(this.directory, 'oracle');

  constructor() {
    const source = path.join(import.meta.dirname, 'oracle.c');
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', this.#command, source, '-lbpf']);
    mkdirSync(path.join(this.directory, 'pins'));
  }

  /** Loads the object; pins are in a file system that only this call sees. */
  load(object: string, options: OracleOptions = {}): LibbpfResult {
    const kconfig = options.kconfig === undefined ? '-' : path.join(this.directory, 'kconfig');
    if (options.kconfig !== undefined) writeFileSync(kconfig, options.kconfig);
    const pins = path.join(this.directory, 'pins');
    const script = `mount -t bpf -o mode=0700 bpf ${pins}; exec ${this.#command} "$@"`;
    const args = [object, pins, options.btf ?? '-', kconfig];
    const output = execFileSync('unshare', ['-m', 'sh', '-e', '-c', script, 'sh', ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: options.all === true ? { ...process.env, ORACLE_ALL: '1' } : process.env,
    });
    const result = JSON.parse(output) as LibbpfResult; // what oracle.c prints
    return { ...result, log: Buffer.from(result.log, 'hex').toString() };
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}
