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

/** That of the package libbpf-dev, or the one in the newest kernel source that Debian offers. */
export type LibbpfRelease = '1.1' | '1.5';

/** What scripts/newest-libbpf.js makes. */
const NEWEST = path.resolve(import.meta.dirname, '../../node_modules/.cache/libbpf-6.12');

const HEADERS: Readonly<Record<LibbpfRelease, string>> = {
  '1.1': '/usr/include',
  '1.5': path.join(NEWEST, 'include'),
};

/** Why there is no oracle of this release here. */
export function noOracle(release: LibbpfRelease): string | undefined {
  const headers = existsSync(path.join(HEADERS[release], 'bpf/libbpf.h'));
  return missing('gcc', 'root', 'bpf') ?? (headers ? undefined : `libbpf ${release} is not installed`);
}

/** Compiles a C file of this directory with libbpf. */
export function compileWithLibbpf(release: LibbpfRelease, source: string, output: string): void {
  const libraries = release === '1.1' ? ['-lbpf'] : [path.join(NEWEST, 'libbpf.a'), '-lelf', '-lz'];
  const flags = ['-O1', '-Wall', '-Werror', `-I${HEADERS[release]}`, '-o', output];
  execFileSync('gcc', [...flags, path.join(import.meta.dirname, source), ...libraries]);
}

export interface OracleOptions {
  /** BTF that CO-RE relocations are answered with, instead of the kernel's. */
  readonly btf?: string;
  /** Lines `CONFIG_X=…`. */
  readonly kconfig?: string;
  /** Programs of sections with `?` too. */
  readonly all?: boolean;
}

/** A program that was loaded alone. */
export interface LibbpfAlone {
  /** errno; 0 when it is loaded. */
  readonly error: number;
  readonly program: LibbpfProgram;
  readonly log: string;
}

/** A compiled oracle with a directory of its own. */
export class Oracle {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'rootlet-load-oracle-'));
  readonly #command = path.join(this.directory, 'oracle');

  constructor(release: LibbpfRelease = '1.1') {
    compileWithLibbpf(release, 'oracle.c', this.#command);
    mkdirSync(path.join(this.directory, 'pins'));
  }

  /** Loads the object; pins are in a file system that only this call sees. */
  load(object: string, options: OracleOptions = {}): LibbpfResult {
    const output = this.#run(object, options, options.all === true ? { ORACLE_ALL: '1' } : {});
    return readable(JSON.parse(output) as LibbpfResult); // what oracle.c prints
  }

  /** Loads the object once for each of its programs, with no other program. */
  loadEach(object: string): LibbpfAlone[] {
    const lines = this.#run(object, {}, { ORACLE_EACH: '1' }).split('\n');
    return lines.filter(line => line !== '').map(line => readable(JSON.parse(line) as LibbpfAlone));
  }

  #run(object: string, options: OracleOptions, variables: Readonly<Record<string, string>>): string {
    const kconfig = options.kconfig === undefined ? '-' : path.join(this.directory, 'kconfig');
    if (options.kconfig !== undefined) writeFileSync(kconfig, options.kconfig);
    const pins = path.join(this.directory, 'pins');
    const script = `mount -t bpf -o mode=0700 bpf ${pins}; exec ${this.#command} "$@"`;
    const args = [object, pins, options.btf ?? '-', kconfig];
    return execFileSync('unshare', ['-m', 'sh', '-e', '-c', script, 'sh', ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, ...variables },
    });
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}

function readable<T extends { readonly log: string }>(result: T): T {
  return { ...result, log: Buffer.from(result.log, 'hex').toString() };
}
