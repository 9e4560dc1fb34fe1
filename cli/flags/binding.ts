/**
 * Loading with externs bound to what is loaded already: options of `load` and `attach`, and the one way in which both
 * load. Objects without externs of other objects are loaded as ever.
 */

import { formatProblem, quote, usageError } from '../../src/diag/index.ts';
import type { Via } from '../../src/dynamic/index.ts';
import {
  type Binding,
  bindPending,
  type DynamicBindRequest,
  describeBinding,
  type EntryLoad,
  explainAgainst,
  type KeptBindings,
  plainExterns,
  Registry,
  type StoreLoadOptions,
  VIAS,
  withEntryLoad,
} from '../../src/dynamic/index.ts';
import type { Sys } from '../../src/kernel/index.ts';
import { parseTarget } from '../../src/link/index.ts';
import type { Cleanup, LoadedObject, LoadOptions } from '../../src/load/index.ts';
import type { Store } from '../../src/store/index.ts';
import { withVerifierLog } from '../io/verifier-log.ts';
import { words } from './components.ts';
import { listFlag } from './edit.ts';
import {
  explainingValues,
  type LoadFlags,
  type ObjectInput,
  programNames,
  requireKnown,
  requireNamedMaps,
} from './loading.ts';

export interface BindFlags {
  readonly against?: readonly string[];
  readonly bind?: readonly string[];
  readonly via?: Via;
  readonly lazy: boolean;
  readonly explain: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const BIND_FLAGS = {
  against: listFlag('NAME,…', 'Loaded objects whose definitions go before those of others'),
  bind: listFlag('EXTERN=NAME:SYMBOL', 'What an extern becomes'),
  via: {
    kind: 'enum',
    values: VIAS,
    optional: true,
    brief: 'How functions of loaded objects are called (the best way that can carry each)',
  },
  lazy: { ...off, brief: 'Functions that nobody defines yet return a default until their object is loaded' },
  explain: { ...off, brief: 'Say what every extern is bound to, and why so' },
} as const;

/** Whether loading the object is more than loading it. */
export function hasExterns(input: ObjectInput): boolean {
  return plainExterns(input.object).length > 0;
}

export interface BoundJob {
  readonly sys: Sys;
  readonly store: Store;
  readonly input: ObjectInput;
  readonly name: string;
  readonly flags: LoadFlags & BindFlags;
  readonly options: LoadOptions;
  readonly only: readonly string[] | undefined;
}

/**
 * Loads an object, bound to what the store has, and hands it to `use`, which keeps what is to stay. Under the store's
 * lock. The descriptors are closed afterwards; when something fails, what `use` registered is undone.
 */
export function withBound<T>(
  job: BoundJob,
  use: (loaded: LoadedObject, kept: KeptBindings, cleanup: Cleanup) => T,
): T {
  const { input, flags } = job;
  if (!hasExterns(input)) refuseNeedless(flags);
  return explainingValues(() => withEntryLoad(entryLoadOf(job), use));
}

function entryLoadOf({ sys, store, input, name, flags, options, only }: BoundJob): EntryLoad {
  if (only !== undefined) requireKnown('program', only, programNames(input.object));
  return {
    sys,
    store,
    object: input.object,
    name,
    options,
    binding: storeOptionsOf(flags),
    checkPlan: plan => requireNamedMaps(flags, plan),
    logged: load => withVerifierLog(flags.verifierLog, load),
  };
}

/** What every extern would be bound to. */
export function explainBound({ sys, store, input, name, flags, options }: BoundJob): Binding[] {
  using registry = new Registry(store);
  return explainAgainst(registry, input.object, sys, { ...options, ...storeOptionsOf(flags), name });
}

/** Binds what waits for something that a new entry defines: lines that say so. */
export function bindWaiting(
  store: Store,
  name: string,
): { readonly done: string[]; readonly notes: string[] } {
  using registry = new Registry(store);
  const { bound, problems } = bindPending(registry, name);
  return {
    done: bound.map(({ entry, binding }) => `${entry}: ${describeBinding(binding)}`),
    notes: problems.map(problem => `not bound: ${formatProblem(problem)}`),
  };
}

/** Lines for people. */
export function explanation(bindings: readonly Binding[]): string[] {
  return bindings.map(binding => `  ${describeBinding(binding)}`);
}

/** Options of binding, as the library has them. */
export function storeOptionsOf(flags: BindFlags): StoreLoadOptions {
  return {
    against: (flags.against ?? []).flatMap(words),
    bind: requestsOf(flags),
    lazy: flags.lazy,
    ...(flags.via === undefined ? {} : { via: flags.via }),
  };
}

export function requestsOf(flags: BindFlags): DynamicBindRequest[] {
  return (flags.bind ?? []).map(word => {
    const equals = word.indexOf('=');
    const { provider, target } = parseTarget(word.slice(equals + 1));
    if (equals <= 0 || target === '' || provider === '') {
      throw usageError('usage-bind', `${quote(word)} is not EXTERN=NAME:SYMBOL`, {
        hint: 'as in --bind foo=first:bar; without NAME: any loaded object that defines the symbol',
      });
    }
    return { extern: word.slice(0, equals), target, ...(provider === undefined ? {} : { provider }) };
  });
}

/** A typo in an option of binding. */
function refuseNeedless({ bind, via }: BindFlags): void {
  const needless = bind !== undefined && bind.length > 0 ? '--bind' : via !== undefined ? '--via' : undefined;
  if (needless === undefined) return;
  throw usageError(
    'dynamic-no-extern',
    `${needless}: the object has no externs that another one could define`,
  );
}
