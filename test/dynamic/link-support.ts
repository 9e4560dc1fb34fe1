/** What tests of dynamic linking share: C compiled on the spot, a store on a bpf file system of the test's own. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DynamicObject } from '../../src/dynamic/index.ts';
import { OBJECT_FILE, Registry } from '../../src/dynamic/registry.ts';
import { entryParts, loadAgainst, type StoreLoadOptions } from '../../src/dynamic/store-load.ts';
import type { Sys } from '../../src/kernel/sys.ts';
import { mountBpffs } from '../../src/load/testing.ts';
import { type BpfObject, readObject, writeObject } from '../../src/object/index.ts';
import { Store, type StoreEntry } from '../../src/store/index.ts';
import { compileInto } from '../support/compile.ts';

/** Compiles C to objects, by name. */
export function compiled<const N extends string>(sources: Readonly<Record<N, string>>): Record<N, BpfObject> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rootlet-dynamic-'));
  try {
    const files = compileInto(folder, sources);
    const names = Object.keys(sources);
    const entries = files.map((file, at) => [
      names[at] ?? '',
      readObject(readFileSync(file), `${names[at]}.o`),
    ]);
    return Object.fromEntries(entries) as Record<N, BpfObject>; // one object for each source
  } finally {
    rmSync(folder, { recursive: true });
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

/** As `rootlet load` does: bound to what is there, kept under a name. The descriptors are closed after `use`. */
export function loadStored(
  store: Store,
  name: string,
  object: BpfObject,
  options: StoreLoadOptions = {},
  use: (loaded: DynamicObject) => void = () => {},
): StoreEntry {
  using registry = new Registry(store);
  using loaded = loadAgainst(registry, object, store.sys, { pinRoot: null, ...options, name });
  registry.saveChanged();
  const { data, links } = entryParts(loaded, options.bind ?? []);
  const entry = store.save('object', name, {
    source: object.name,
    programs: loaded.loaded.programs,
    maps: loaded.loaded.maps,
    files: new Map([[OBJECT_FILE, writeObject(object)]]),
    data,
    links,
  });
  use(loaded);
  return entry;
}

/** Runs a program of an entry on a packet: its verdict. */
export function runStored(store: Store, name: string, program: string, data = new Uint8Array(64)): number {
  const entry = store.find('object', name);
  if (entry === undefined) throw new Error(`there is no ${name}`);
  using loaded = store.openProgram(entry, program);
  return loaded.testRun({ data }).verdict;
}
