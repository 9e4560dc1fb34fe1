/** Links in a process that runs already, and the kernel's types through libbpf's deduplication and ours. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { link } from '../src/link/link.ts';
import { writeObject } from '../src/object/write/write.ts';
import { corpus, hasKernelTypes, VMLINUX } from './corpora/corpora.ts';
import type { KernelTypes, WarmFigures } from './link-figures.ts';
import { node, run } from './processes.ts';
import { median, ROOT } from './support.ts';

/** Seconds of links in this process, after those in which V8 optimizes. */
export async function warmLink(): Promise<WarmFigures> {
  const examples = ['first', 'second'].map(name => join(ROOT, `examples/obj/el/${name}.bpf.o`));
  return { two: repeated(examples, 300, 200), many: repeated((await corpus('small-800')).paths, 14, 9) };
}

/** The median of the last `counted` of `rounds` links. */
function repeated(paths: readonly string[], rounds: number, counted: number): number {
  const inputs = paths.map(name => ({ name, bytes: readFileSync(name) }));
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    const result = link(inputs);
    if (!result.ok) throw new Error('the objects do not link');
    writeObject(result.object);
    return performance.now() - start;
  });
  return median(times.slice(-counted)) / 1000;
}

/** The kernel's types, read, parsed and deduplicated in a fresh process each time, where there are any. */
export function kernelTypes(directory: string): KernelTypes | undefined {
  if (!hasKernelTypes()) return undefined;
  const program = join(directory, 'dedup_btf');
  run({ program: 'gcc', args: ['-O2', join(ROOT, 'bench/dedup_btf.c'), '-lbpf', '-o', program] });
  const worker = join(ROOT, 'dist/bench/btf-worker.js');
  const numbers = (text: string): number[] => text.split(' ').map(Number);
  const samples = Array.from({ length: 7 }, () => ({
    theirs: numbers(run({ program, args: [VMLINUX] })),
    ours: numbers(run(node([worker, VMLINUX]))),
  }));
  const secondsOf = (who: 'theirs' | 'ours'): number =>
    median(samples.map(sample => (sample[who][0] ?? Number.NaN) / 1e9));
  const countOf = (who: 'theirs' | 'ours'): number => samples[0]?.[who][2] ?? Number.NaN;
  return {
    theirs: secondsOf('theirs'),
    ours: secondsOf('ours'),
    theirTypes: countOf('theirs'),
    ourTypes: countOf('ours'),
  };
}
