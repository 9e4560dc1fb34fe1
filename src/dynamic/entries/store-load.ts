/**
 * Loading into the store: what an object needs is bound to what is loaded there, and what was loaded before
 * it and waits for it is bound to it.
 */

import { quote } from '../../diag/index.ts';
import type { Attachment, Sys } from '../../kernel/index.ts';
import type { BindRequest } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { EntryUser, JsonObject, Store, StoreEntry } from '../../store/index.ts';
import {
  type Binding,
  type DynamicLoadOptions,
  type DynamicObject,
  explainBindings,
  loadConsumer,
} from '../bind/index.ts';
import { type Registry, withContents } from './registry.ts';
import {
  decodeDynamic,
  encodeDynamic,
  NOTHING_STORED,
  pinNames,
  readBindings,
  type StoredDynamic,
} from './stored.ts';

/** Options of `loadAgainst`: those of `load`, with providers by name. */
export interface StoreLoadOptions extends Omit<DynamicLoadOptions, 'against' | 'registered'> {
  /** Names of loaded objects that go before the others. */
  readonly against?: readonly string[];
}

/**
 * Loads an object, bound to what the registry has. The caller saves it (`entryParts`), under the store's
 * lock.
 */
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
  requests: readonly Omit<BindRequest, 'consumer'>[] = [],
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
    const all = readBindings(candidate);
    if (all === undefined)
      return [{ entry: candidate, reason: 'may use it: the bindings in its record cannot be read' }];
    const bindings = all.filter(binding => binding.provider === entry.name);
    if (bindings.length === 0) return [];
    const names = bindings.map(({ kind, target, via }) => `${kind} ${quote(target)} (${via})`);
    return [{ entry: candidate, reason: `uses ${[...new Set(names)].join(', ')}` }];
  });
}

/**
 * Marks the consumers of `entry` as unbound in their records: it is removed although they use it. They keep
 * its code and maps. Returns their names.
 */
export function releaseConsumers(store: Store, entry: StoreEntry): string[] {
  return store.list().flatMap((candidate): string[] => {
    if (candidate.kind === 'broken' || readBindings(candidate) === undefined) return [];
    const stored = decodeDynamic(candidate.record.data);
    if (!stored.bindings.some(binding => binding.provider === entry.name)) return [];
    const reason = `${entry.name} was unloaded although it was in use; its code and maps stay in use`;
    const bindings = stored.bindings.map(
      (binding): Binding =>
        binding.provider === entry.name
          ? { ...binding, provider: '', via: 'none', reason, slot: null }
          : binding,
    );
    withContents(store, candidate, contents => {
      const dynamic = encodeDynamic({ ...stored, bindings });
      store.save(candidate.kind, candidate.name, { ...contents, data: { ...contents.data, dynamic } });
    });
    return [candidate.name];
  });
}

/** Bindings of an entry; none when its record cannot be read. */
export function bindingsIn(entry: StoreEntry): readonly Binding[] {
  return readBindings(entry) ?? [];
}
