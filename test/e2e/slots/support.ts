/** What tests of dynamic re-linking share: a network namespace with a pair of interfaces, components compiled from C. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootletError } from '../../../src/diag/problem.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import type { StateChange } from '../../../src/state/report.ts';
import { EBUSY } from '../../../src/uapi/errno.ts';
import { compileInto } from '../../support/compile.ts';

const { sys } = kernelForTests();
export const kernel: Sys = sys ?? new FakeSys();

/** `mapKey` → what became of it. */
export function kindsOf(state: readonly StateChange[]): Record<string, StateChange['kind']> {
  return Object.fromEntries(state.map(({ key, kind }) => [key, kind]));
}

/** A network namespace with the interfaces `va` and `vb`, which are the ends of one wire. */
export class Wire {
  readonly name: string;

  constructor(name: string) {
    this.name = `rootlet-${name}-${process.pid}`;
    execFileSync('ip', ['netns', 'add', this.name]);
    execFileSync('ip', ['-n', this.name, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb']);
  }

  inside<T>(body: () => T): T {
    return inNetns(kernel, `/run/netns/${this.name}`, body);
  }

  close(): void {
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}

/** Objects from C, each named after its file alone. */
export function compileAll<K extends string>(sources: Readonly<Record<K, string>>): Record<K, ObjectFile> {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-relink-'));
  try {
    const names = Object.keys(sources);
    const paths = compileInto(directory, sources);
    const files = paths.map((path, at) => [names[at], { name: `${names[at]}.o`, bytes: readFileSync(path) }]);
    return Object.fromEntries(files) as Record<K, ObjectFile>; // the keys are those of `sources`
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

/** A rootlet with `count` slots that all run; its verdict is that of the last one that is not 2, and 2 without one. */
export function rootletSource(section: string, context: string, count: number): string {
  const slots = Array.from({ length: count }, (_, at) => `slot${at + 1}`);
  return `${HEAD}
${slots.map(slot => `__weak __noinline int ${slot}(struct ${context} *ctx) { volatile int verdict = 2; return ctx ? verdict : 0; }`).join('\n')}
__u64 rounds;
SEC("${section}") int host(struct ${context} *ctx) {
  int verdict = 2, one;
  rounds++;
${slots.map(slot => `  one = ${slot}(ctx); if (one != 2) verdict = one;`).join('\n')}
  return verdict;
}`;
}

/**
 * Attaches once the hook is free: who lists the attachments of the kernel just now (tests beside this one do) holds each
 * for a moment, and one that was closed meanwhile goes only then.
 */
export function whenFree<T>(attach: () => T): T {
  const end = Date.now() + 10_000;
  for (;;) {
    try {
      return attach();
    } catch (error) {
      const busy = error instanceof RootletError && error.problems[0]?.errno === EBUSY;
      if (!busy || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
