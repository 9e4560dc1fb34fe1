/**
 * Loading into the store: what an object needs is bound to what is loaded there, and what was loaded before it and
 * waits for it is bound to it.
 */

import type { Attachment } from '../kernel/attachment.ts';
import type { Sys } from '../kernel/sys.ts';
import type { BpfObject } from '../object/index.ts';
import type { EntryUser, JsonObject, Store, StoreEntry } from '../store/index.ts';
import type { Binding } from './bindings.ts';
import type { DynamicObject } from './dynamic-object.ts';
import { type DynamicLoadOptions, explainBindings, loadConsumer } from './load.ts';
import type { Registry } from './registry.ts';
import { decodeDynamic, encodeDynamic, NOTHING_STORED, pinNames, type StoredDynamic } from './stored.ts';

export interface StoreLoadOptions extends Omit<DynamicLoadOptions, 'against' | 'registered'> {
  /** Names of loaded objects that go before the others. */
  readonly against?: readonly string[];
}

/** Loads an object, bound to what the registry has. The caller saves it (`entryParts`), under the store's lock. */
export function loadAgainst(
  registry: Registry,
  object: BpfObject,
  sys: Sys,
  options: StoreLoadOptions = {},
): DynamicObject {
  return loadConsumer(object, sys, withProviders(registry, options));
}

/** What every extern would be bound to, and how; nothing is loaded. */
export function explainAgainst(
  registry: Registry,
  object: BpfObject,
  sys: Sys,
  options: StoreLoadOptions = {},
): Binding[] {
  return explainBindings(object, sys, withProviders(registry, options));
}

function withProviders(registry: Registry, options: StoreLoadOptions): DynamicLoadOptions {
  const named = registry.require(options.against ?? []);
  const registered = registry
    .all()
    .filter(provider => !named.includes(provider) && provider.name !== options.name);
  return { ...options, against: named, registered };
}

/** What an entry keeps of an object's bindings: data for its record, attachments to pin. */
export function entryParts(
  object: DynamicObject,
  requests: StoredDynamic['requests'] = [],
): { readonly data: JsonObject; readonly links: ReadonlyMap<string, Attachment> } {
  const stubs = object.stubLinks.map(({ extern, program, stub }) => ({ extern, program, stub }));
  const stored: StoredDynamic = { ...NOTHING_STORED, bindings: object.bindings, requests, stubs };
  const links = new Map(object.stubLinks.map(link => [pinNames.stub(link), link.link]));
  return { data: { dynamic: encodeDynamic(stored) }, links };
}

/** Entries whose bindings name `entry`: it must not go before them. */
export function consumersOf(store: Store, entry: StoreEntry): EntryUser[] {
  if (entry.kind !== 'object') return [];
  return store.list().flatMap((candidate): EntryUser[] => {
    if (candidate.kind === 'broken' || (candidate.kind === entry.kind && candidate.name === entry.name))
      return [];
    const bindings = bindingsIn(candidate).filter(binding => binding.provider === entry.name);
    if (bindings.length === 0) return [];
    const names = bindings.map(({ kind, target, via }) => `${kind} "${target}" (${via})`);
    return [{ entry: candidate, reason: `uses ${[...new Set(names)].join(', ')}` }];
  });
}

/** Bindings of an entry; none when its record cannot be read. */
export function bindingsIn(entry: StoreEntry): StoredDynamic['bindings'] {
  return decodeDynamic(entry.record.data).bindings;
}
