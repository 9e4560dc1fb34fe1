/** Runs clang on many files, as many at a time as the machine has processors. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Sources } from './kernel-objects.ts';

const execute = promisify(execFile);
const FLAGS = ['-target', 'bpfel', '-O2', '-g', '-mcpu=v3', '-Wno-everything', '-fdebug-compilation-dir=.'];

/**
 * Compiles `sources` to objects without debugging sections other than types and lines, as libbpf's build rules strip
 * them. Returns the paths of the objects in `directory`, in the order of the sources.
 */
export async function compileAll(
  sources: Sources,
  directory: string,
  options: readonly string[],
): Promise<string[]> {
  const work = mkdtempSync(join(directory, 'sources-'));
  const queue = [...sources];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      writeFileSync(join(work, next[0]), next[1]);
      await compile(next[0], work, join(directory, objectName(next[0])), options);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  rmSync(work, { recursive: true });
  return [...sources.keys()].map(name => join(directory, objectName(name)));
}

function objectName(source: string): string {
  return source.replace(/\.bpf\.c$/, '.o');
}

async function compile(name: string, work: string, object: string, options: readonly string[]) {
  const multiarch = '/usr/include/x86_64-linux-gnu';
  const include = existsSync(multiarch) ? ['-idirafter', multiarch] : [];
  await execute('clang-19', [...FLAGS, ...include, ...options, '-c', name, '-o', object], { cwd: work });
  await execute('llvm-strip-19', ['-g', object]);
}
