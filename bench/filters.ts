/** The small filters that the chain benchmarks put together in several ways, and the packet that all of them let pass. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { relinkChain } from '../src/link/relink-chain.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { readObject } from '../src/object/read/read.ts';
import { ROOT } from './support.ts';

/** Compiles with clang-19 into a directory of its own, which goes away with it. */
export class Filters {
  readonly folder = mkdtempSync(join(tmpdir(), 'rootlet-chain-'));

  /** Defines as bench/templates/filters.bpf.c knows them; the object is `NAME.o` in the directory. */
  compile(name: string, ...defines: readonly string[]): BpfObject {
    const out = join(this.folder, `${name}.o`);
    const multiarch = '/usr/include/x86_64-linux-gnu';
    const include = existsSync(multiarch) ? [`-I${multiarch}`] : [];
    const args = [
      ...['-target', 'bpfel', '-O2', '-g', '-mcpu=v3', ...include],
      ...defines.map(define => `-D${define}`),
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

  /** Our chain of the first `count` filters; its program is `chain`. */
  chain(count: number): BpfObject {
    const components = Array.from({ length: count }, (_, index) => ({
      component: this.compile(`one${index}`, `ONE=${index}`),
    }));
    const result = relinkChain(components);
    if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
    return result.object;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A UDP packet that every filter lets pass. */
export function packet(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes.set([64, 17], 22);
  bytes.set([9000 >> 8, 9000 & 0xff], 36);
  return bytes;
}
