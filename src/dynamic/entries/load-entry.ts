/**
 * Loading an object for an entry of the store: bound to loaded objects where it has externs of theirs, else
 * as it is.
 */

import type { Attachment, Sys } from '../../kernel/index.ts';
import {
  Cleanup,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  loadOptimized,
  NOT_OPTIMIZED,
  prepareLoad,
} from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { JsonObject, Store } from '../../store/index.ts';
import { type Binding, plainExterns } from '../bind/index.ts';
import { Registry } from './registry.ts';
import { entryParts, loadAgainst, type StoreLoadOptions } from './store-load.ts';

export interface EntryLoad {
  readonly sys: Sys;
  readonly store: Store;
  readonly object: BpfObject;
  /** Name of the entry. */
  readonly name: string;
  readonly options: LoadOptions;
  readonly binding: Pick<StoreLoadOptions, 'against' | 'bind' | 'lazy' | 'via' | 'viaOf' | 'reasonOf'>;
  /** Checks the plan before anything is loaded. Not called for objects that are bound. */
  readonly checkPlan?: (plan: LoadPlan) => void;
  /** Calls the loader, possibly with options for the verifier's log. */
  readonly logged?: (load: (logging: Partial<LoadOptions>) => LoadedObject) => LoadedObject;
}

/** What an entry keeps of an object's bindings. */
export interface KeptBindings {
  readonly data: JsonObject;
  readonly links: ReadonlyMap<string, Attachment>;
  readonly bindings: readonly Binding[];
}

const NOTHING_KEPT: KeptBindings = { data: {}, links: new Map(), bindings: [] };

/**
 * Loads an object and passes it to `use`, which saves what is to stay. Under the store's lock. The
 * descriptors are closed afterwards; when something fails, what `use` registered is undone, and pins by name
 * that were created are removed.
 */
export function withEntryLoad<T>(
  job: EntryLoad,
  use: (loaded: LoadedObject, kept: KeptBindings, cleanup: Cleanup) => T,
): T {
  const cleanup = new Cleanup();
  return cleanup.guard(() =>
    plainExterns(job.object).length === 0 ? loadAlone(job, cleanup, use) : loadBound(job, cleanup, use),
  );
}

type Use<T> = (loaded: LoadedObject, kept: KeptBindings, cleanup: Cleanup) => T;

function loadAlone<T>(job: EntryLoad, cleanup: Cleanup, use: Use<T>): T {
  const { sys, object, options, logged = plain, checkPlan } = job;
  const { plan } = prepareLoad(object, sys, options);
  checkPlan?.(plan);
  using loaded = logged(logging =>
    loadOptimized(object, options.optimize ?? NOT_OPTIMIZED, {
      sys,
      options: { ...options, ...logging },
      planOf: variant => (variant === object ? plan : prepareLoad(variant, sys, options).plan),
    }),
  );
  cleanup.defer(() => loaded.unpin());
  return use(loaded, NOTHING_KEPT, cleanup);
}

function loadBound<T>(job: EntryLoad, cleanup: Cleanup, use: Use<T>): T {
  const { sys, store, object, name, options, binding, logged = plain } = job;
  using registry = new Registry(store);
  const closing = new Cleanup();
  try {
    let bound: ReturnType<typeof loadAgainst> | undefined;
    logged(logging => {
      const made = loadAgainst(registry, object, sys, { ...options, ...logging, ...binding, name });
      bound = closing.own(made);
      const { loaded } = made;
      cleanup.defer(() => loaded.unpin());
      return loaded;
    });
    if (bound === undefined) return loadAlone(job, cleanup, use);
    registry.saveChanged();
    const { data, links } = entryParts(bound, binding.bind ?? []);
    return use(bound.loaded, { data, links, bindings: bound.bindings }, cleanup);
  } catch (error) {
    registry.dropUnsaved();
    throw error;
  } finally {
    closing.undo();
  }
}

function plain(load: (logging: Partial<LoadOptions>) => LoadedObject): LoadedObject {
  return load({});
}
