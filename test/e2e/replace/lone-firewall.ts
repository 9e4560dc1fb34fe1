/**
 * What a firewall does when it runs alone: each version loaded by itself, with the same contents of its blocklist, sees
 * the packets that reach it in the rootlet. Its counters are what the component's must be.
 */

import { readFileSync } from 'node:fs';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../../src/load/load.ts';
import { readObject } from '../../../src/object/read/read.ts';

export interface Counters {
  readonly seen: number;
  /** By verdict. */
  readonly hits: readonly number[];
  /** Undefined in a version that does not count it. */
  readonly dropped: number | undefined;
}

export class LoneFirewall {
  readonly #sys: Sys;
  readonly #globals: Readonly<Record<string, number>>;
  readonly #blocked = new Set<number>();
  /** By file. */
  readonly #versions = new Map<string, LoadedObject>();

  constructor(sys: Sys, globals: Readonly<Record<string, number>>) {
    this.#sys = sys;
    this.#globals = globals;
  }

  block(first: number): void {
    this.#blocked.add(first);
    for (const version of this.#versions.values()) version.typedMap('blocklist').update(first, 1);
  }

  judge(file: string, packet: Uint8Array): number {
    return this.#version(file).testRun('firewall', packet).verdict;
  }

  /** Of all versions together; `dropped` of the one in `file`. */
  counters(file: string): Counters {
    const { plan, variables } = this.#version(file);
    const versions = [...this.#versions.values()];
    const total = (count: (version: LoadedObject) => unknown): number =>
      versions.reduce((sum, version) => sum + Number(count(version)), 0);
    const counts = plan.globals.some(({ name }) => name === 'dropped');
    return {
      seen: total(version => version.variables.get('seen')),
      hits: [0, 1, 2, 3].map(verdict => total(version => version.typedMap('hits').lookup(verdict))),
      dropped: counts ? Number(variables.get('dropped')) : undefined,
    };
  }

  #version(file: string): LoadedObject {
    const known = this.#versions.get(file);
    if (known !== undefined) return known;
    const object = readObject({ name: file, bytes: readFileSync(file) });
    const version = loadObject(object, this.#sys, { globals: this.#globals, pinRoot: null });
    this.#versions.set(file, version);
    for (const first of this.#blocked) version.typedMap('blocklist').update(first, 1);
    return version;
  }

  close(): void {
    for (const version of this.#versions.values()) version.close();
  }
}
