/** What tests of hooks share: programs of any type, and network namespaces with interfaces. Not exported. */

import { execFileSync, spawnSync } from 'node:child_process';
import { EXIT, move } from '../isa/assemble.ts';
import { encodeInsns } from '../isa/opcodes.ts';
import { BpfProgram, tryLoadProgram } from '../kernel/objects/program.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { inNetns } from '../kernel/sys/netns.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { kernelForTests } from '../kernel/testing.ts';
import { HOST_ORDER } from '../kernel/uapi/attr.ts';

/** The kernel, and why these tests cannot use it or iproute2; undefined when they can. */
export function hooksForTests(): { readonly kernel: Sys; readonly missing: string | undefined } {
  const { sys, reason } = kernelForTests();
  if (sys === undefined) return { kernel: new FakeSys(), missing: reason };
  const missing = ['ip', 'tc'].find(tool => spawnSync(tool, ['-V']).error !== undefined);
  return { kernel: sys, missing: missing === undefined ? undefined : `${missing} is not installed` };
}

/** A program of a type that returns `verdict`. */
export function returning(
  sys: Sys,
  name: string,
  [type, expectedAttachType = 0]: readonly [type: number, expectedAttachType?: number],
  verdict = 0,
): BpfProgram {
  const code = encodeInsns([move(0, verdict), EXIT], HOST_ORDER);
  const result = tryLoadProgram(sys, { name, type, expectedAttachType, code, license: 'GPL' });
  if (result.kind === 'refused') throw new Error(`${name}: errno ${result.errno}`);
  return new BpfProgram(sys, result.fd, name, type);
}

/** A network namespace `near` with the interface `va`, and `far` with its other end `vb`. */
export class TwoNamespaces {
  readonly near: string;
  readonly far: string;
  readonly #sys: Sys;

  constructor(sys: Sys, name: string) {
    this.#sys = sys;
    this.near = `rootlet-${name}-near-${process.pid}`;
    this.far = `rootlet-${name}-far-${process.pid}`;
    for (const netns of [this.near, this.far]) this.ip('netns', 'add', netns);
    this.ip(
      ...['-n', this.near, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', this.far],
    );
    this.tc('qdisc', 'add', 'dev', 'va', 'clsact');
  }

  ip(...words: readonly string[]): string {
    return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  tc(...words: readonly string[]): string {
    const line = ['-n', this.near, ...words];
    return execFileSync('tc', line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs `body` in the near namespace. */
  inside<T>(body: () => T): T {
    return inNetns(this.#sys, `/run/netns/${this.near}`, body);
  }

  close(): void {
    for (const netns of [this.near, this.far]) this.ip('netns', 'del', netns);
  }
}
