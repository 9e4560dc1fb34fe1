/** C compiled while a test runs: for tests of many small programs that no other test shares. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { COMMANDS } from './needs.ts';
import { runTool } from './run.ts';

/** Kernel headers of any machine will do; `case.h` makes programs classifiers, which may return any number. */
export const INCLUDES = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'riscv64-linux-gnu']
  .map(triplet => `/usr/include/${triplet}`)
  .filter(directory => existsSync(`${directory}/asm/types.h`))
  .flatMap(directory => ['-idirafter', directory])
  .concat('-Itest/cases');

/** Compiles sources to `directory/NAME.o` and gives the paths, in order. */
export function compileInto(directory: string, sources: Readonly<Record<string, string>>): string[] {
  return Object.entries(sources).map(([name, text]) => {
    const source = path.join(directory, `${name}.bpf.c`);
    const object = path.join(directory, `${name}.o`);
    writeFileSync(source, text);
    runTool(COMMANDS.clang, ['-target', 'bpfel', '-g', '-O2', ...INCLUDES, '-c', source, '-o', object]);
    return object;
  });
}

export function inputFrom(file: string): { readonly name: string; readonly bytes: Uint8Array } {
  return { name: file, bytes: readFileSync(file) };
}
