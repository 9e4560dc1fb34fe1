/** What the benchmarks share: medians, and the blocks of bench/RESULTS.md. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: benchmarks run from `dist/bench`. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const RESULTS = join(ROOT, 'bench/RESULTS.md');
const HEAD =
  '# Benchmark results\n\nWritten by the scripts in this directory; each block is replaced when its benchmark runs.\n';

/** Puts `text` in the place of the block `name` of bench/RESULTS.md, and prints it. */
export function writeResults(name: string, text: string): void {
  const before = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : HEAD;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const machine = `Node ${process.versions.node}, ${arch()}, ${cpus().length} processors, Linux ${release().split('-')[0]}.`;
  const block = `${begin}\n## bench:${name}\n\n${machine}\n\n${text}\n${end}`;
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  if (from >= 0 && to < from) throw new Error(`${RESULTS}: no ${end}`);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n${block}\n`
      : `${before.slice(0, from)}${block}${before.slice(to + end.length)}`;
  writeFileSync(RESULTS, after);
  process.stdout.write(`${text}\n`);
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}
