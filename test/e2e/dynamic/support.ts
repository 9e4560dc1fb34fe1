/** What tests of dynamic linking share: C compiled on the spot, a store on a bpf file system of the test's own. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { Store } from '../../../src/store/store.ts';
import { compileInto } from '../../support/compile.ts';

/** Compiles C to objects, by name. */
export function compiled<const N extends string>(sources: Readonly<Record<N, string>>): Record<N, BpfObject> {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-dynamic-'));
  try {
    const files = compileInto(directory, sources);
    const names = Object.keys(sources);
    const entries = files.map((file, at) => [
      names[at] ?? '',
      readObject({ name: `${names[at]}.o`, bytes: readFileSync(file) }),
    ]);
    return Object.fromEntries(entries) as Record<N, BpfObject>; // one object for each source
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export interface TestStore {
  readonly store: Store;
  close(): void;
}

export function testStore(sys: Sys): TestStore {
  const mount = mountBpffs();
  return { store: Store.open(sys, path.join(mount.path, 'rootlet')), close: () => mount.close() };
}
