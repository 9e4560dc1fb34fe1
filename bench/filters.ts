/** The small filters that the chain benchmarks put together in several ways, and the packet that all of them let pass. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { relinkChain } from '../src/link/relink-chain.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { readObject } from '../src/object/read/read.ts';
import { ROOT } from './support.ts';

/** Which filters: all test the same fields, or each tests others than the one before it. */
export type FilterSet = 'same fields' | 'independent';

/** Compiles with clang-19 into a directory of its own, which goes away with it. */
export class Filters {
  readonly folder = mkdtempSync(join(tmpdir(), 'rootlet-chain-'));
  readonly #defines: readonly string[];

  constructor(set: FilterSet = 'same fields') {
    this.#defines = set === 'independent' ? ['INDEPENDENT'] : [];
  }

  /** Defines as bench/templates/filters.bpf.c knows them; the object is `NAME.o` in the directory. */
  compile(name: string, ...defines: readonly string[]): BpfObject {
    const out = join(this.folder, `${name}.o`);
    const multiarch = '/usr/include/x86_64-linux-gnu';
    const include = existsSync(multiarch) ? [`-I${multiarch}`] : [];
    const args = [
      ...['-target', 'bpfel', '-O2', '-g', '-mcpu=v3', ...include],
      ...[...this.#defines, ...defines].map(define => `-D${define}`),
      ...['-c', join(ROOT, 'bench/templates/filters.bpf.c'), '-o', out],
    ];
    const result = spawnSync('clang-19', args, { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`clang-19 failed: ${result.stderr}`);
    return readObject({ name: `${name}.o`, bytes: readFileSync(out) });
  }

  /** Paths of the first `count` filters, one object each. */
  files(count: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      this.compile(`one${index}`, `ONE=${index}`);
      return join(this.folder, `one${index}.o`);
    });
  }

  /** Our chain of the first `count` filters, not optimized; its program is `chain`. */
  chain(count: number): BpfObject {
    return chainOf(Array.from({ length: count }, (_, index) => this.compile(`one${index}`, `ONE=${index}`)));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** The chain of these objects, not optimized; its program is `chain`. */
export function chainOf(components: readonly BpfObject[]): BpfObject {
  const result = relinkChain(
    components.map(component => ({ component })),
    { optimize: false },
  );
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.object;
}

/** A UDP packet that every filter lets pass. */
export function packet(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes.set([64, 17], 22);
  bytes.set([9000 >> 8, 9000 & 0xff], 36);
  return bytes;
}
