/** Compiles generated sources with every clang that there is, several files a call and as many calls as processors. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from '../support/needs.ts';
import { SHARED_HEADER, type SourceSet } from './support-blocks.ts';

/** Compilers with the instruction sets that they know. */
export const CLANGS = [
  { command: 'clang-14', cpus: ['v2', 'v3'] },
  { command: 'clang-16', cpus: ['v2', 'v3'] },
  { command: 'clang-19', cpus: ['v2', 'v3', 'v4'] },
] as const;

export interface Compiler {
  readonly command: string;
  readonly cpu: string;
  /** `bpfel` or `bpfeb`. */
  readonly target: string;
}

export function compilersHere(): Compiler[] {
  return CLANGS.filter(({ command }) => findCommand(command) !== undefined).flatMap(({ command, cpus }) =>
    cpus.map(cpu => ({ command, cpu, target: 'bpfel' })),
  );
}

export interface CompileJob {
  readonly set: SourceSet;
  readonly compiler: Compiler;
}

const run = promisify(execFile);

/** For each job the paths of its objects, in the order of its units. Throws with what the compiler said. */
export async function compileAll(directory: string, jobs: readonly CompileJob[]): Promise<string[][]> {
  const results: string[][] = [];
  const queue = jobs.entries();
  const worker = async (): Promise<void> => {
    for (const [index, job] of queue)
      results[index] = await compile(path.join(directory, `set${index}`), job);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

async function compile(directory: string, { set, compiler }: CompileJob): Promise<string[]> {
  mkdirSync(directory);
  writeFileSync(path.join(directory, 'shared.h'), SHARED_HEADER);
  const stems = set.units.map((_, index) => `unit${index}`);
  set.units.forEach((text, index) => {
    writeFileSync(path.join(directory, `unit${index}.c`), text);
  });
  const options = ['-target', compiler.target, `-mcpu=${compiler.cpu}`, '-O2', '-g', '-Werror', '-fno-ident'];
  const warnings = ['-Wno-unused', '-Wno-unknown-warning-option'];
  const sources = stems.map(stem => `${stem}.c`);
  try {
    await run(
      findCommand(compiler.command) ?? '',
      [...options, ...warnings, ...includes(), '-c', ...sources],
      {
        cwd: directory,
      },
    );
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(`seed ${set.seed} (${set.pieces.join(' ')}), ${compiler.command}: ${said}`);
  }
  return stems.map(stem => path.join(directory, `${stem}.o`));
}

/** Kernel headers for user space are in a directory named after the machine; any machine's will do. */
function includes(): string[] {
  return ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'riscv64-linux-gnu']
    .map(triplet => `/usr/include/${triplet}`)
    .filter(directory => existsSync(`${directory}/asm/types.h`))
    .flatMap(directory => ['-idirafter', directory]);
}
