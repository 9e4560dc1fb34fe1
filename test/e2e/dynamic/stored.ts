/**
 * Objects kept in a store and run from it, as the commands do. Separate, since it needs neither a compiler
 * nor a mount.
 */

import type { DynamicObject } from '../../../src/dynamic/bind/dynamic-object.ts';
import { OBJECT_FILE, Registry } from '../../../src/dynamic/entries/registry.ts';
import { entryParts, loadAgainst, type StoreLoadOptions } from '../../../src/dynamic/entries/store-load.ts';
import { settingsOf } from '../../../src/dynamic/slots/change.ts';
import { firstEntryState } from '../../../src/dynamic/upgrade/object-state.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { encodeEntryState } from '../../../src/state/record.ts';
import type { Store, StoreEntry } from '../../../src/store/store.ts';

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
    data: { ...data, ...encodeEntryState(firstEntryState(loaded.loaded, settingsOf(options))) },
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
