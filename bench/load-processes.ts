/** `rootlet load` as a whole process beside bpftool: what `bench:load` and `bench:link` both show. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BARE, inTurn, node, peakOf } from './processes.ts';
import { ROOT } from './support.ts';

/** Seconds over an empty process of the same kind. */
export interface LoadFigures {
  readonly ours: number;
  /** With `ROOTLET_CORE=js`. */
  readonly oursAsJavaScript: number;
  /** Of `ours`: reading and compiling the command, as `--help` does. */
  readonly help: number;
  readonly peer: number;
  /** An empty Node process. */
  readonly bare: number;
  /** Bytes of memory over an empty process. */
  readonly memory: number;
}

/** Compiles the object of the load benchmarks, with 50 CO-RE relocations, to `output`. */
export function compileLoadObject(output: string, ...options: string[]): string {
  const headers = [
    '-idirafter',
    '/usr/include/x86_64-linux-gnu',
    '-idirafter',
    '/usr/include/aarch64-linux-gnu',
  ];
  const source = join(ROOT, 'bench/load_objects.bpf.c');
  const flags = ['-target', 'bpfel', '-g', '-O2', ...headers, ...options, '-c', source, '-o', output];
  execFileSync('clang-19', flags);
  return output;
}

/** Runs `body` with a bpf file system of its own, mounted below `directory`. */
export async function withBpffs<T>(directory: string, body: (bpffs: string) => T | Promise<T>): Promise<T> {
  const bpffs = join(directory, 'bpffs');
  mkdirSync(bpffs);
  execFileSync('mount', ['-t', 'bpf', '-o', 'mode=0700', 'bpf', bpffs]);
  try {
    return await body(bpffs);
  } finally {
    execFileSync('umount', [bpffs]);
  }
}

/** Loads `object` with both, alternately. */
export function measureLoad(object: string, bpffs: string, directory: string, rounds: number): LoadFigures {
  const pin = join(bpffs, 'program');
  const command = join(ROOT, 'bin/rootlet.js');
  const store = join(bpffs, 'store');
  const load = node([command, 'load', object, '--bpffs', store]);
  const after = (): void => rmSync(store, { recursive: true });
  const [bare = 0, ours = 0, js = 0, help = 0, nothing = 0, peer = 0] = inTurn(rounds, [
    BARE,
    { ...load, after },
    { ...load, environment: { ROOTLET_CORE: 'js' }, after },
    node([command, 'load', '--help']),
    { program: 'bpftool', args: ['version'] },
    { program: 'bpftool', args: ['prog', 'load', object, pin], after: () => rmSync(pin) },
  ]);
  const memory = (args: readonly string[]): number => peakOf(node(args), directory);
  const worker = join(ROOT, 'dist/bench/load-worker.js');
  return {
    ours: ours - bare,
    oursAsJavaScript: js - bare,
    help: help - bare,
    peer: peer - nothing,
    bare,
    memory: memory([worker, object]) - memory([worker]),
  };
}
