/**
 * Loading with externs bound to what is loaded already: options of `load` and `attach`, and the code with
 * which both load. Objects without such externs are loaded as usual.
 */

import { given } from '../../src/bytes/index.ts';
import {
  afterChange,
  formatProblem,
  type Happened,
  quote,
  RootletError,
  shellWord,
  usageError,
} from '../../src/diag/index.ts';
import type { BindingBackEnd } from '../../src/dynamic/index.ts';
import {
  BINDING_BACK_ENDS,
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
  withEntryLoad,
} from '../../src/dynamic/index.ts';
import type { Sys } from '../../src/kernel/index.ts';
import { parseTarget } from '../../src/link/index.ts';
import type { Cleanup, LoadedObject, LoadOptions } from '../../src/load/index.ts';
import type { Store } from '../../src/store/index.ts';
import { withVerifierLog } from '../io/verifier-log.ts';
import { words } from './components.ts';
import { listFlag } from './edit.ts';
import { off } from './kinds.ts';
import {
  explainingValues,
  type LoadFlags,
  type ObjectInput,
  requireNamedMaps,
  requirePrograms,
} from './loading.ts';

export interface BindFlags {
  readonly against?: readonly string[];
  readonly bind?: readonly string[];
  readonly via?: BindingBackEnd;
  readonly lazy: boolean;
  readonly explain: boolean;
}

export const BIND_FLAGS = {
  against: listFlag('NAME,…', 'Prefer the definitions of these loaded objects'),
  bind: listFlag('EXTERN=NAME:SYMBOL', 'Bind EXTERN to the definition SYMBOL of the loaded object NAME'),
  via: {
    kind: 'enum',
    values: BINDING_BACK_ENDS,
    optional: true,
    brief: 'Back end that binds functions of loaded objects (default: the first that can bind each)',
  },
  lazy: {
    ...off,
    brief: 'Allow undefined functions: they return a default until an object that defines them is loaded',
  },
  explain: { ...off, brief: 'Print what each extern is bound to, and why' },
} as const;

/** Whether the object has externs to bind. */
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
 * Loads an object, bound to the objects of the store, and passes it to `use`, which saves what should
 * persist. Under the store's lock. The descriptors are closed afterwards; when something fails, what `use`
 * registered is undone.
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
  if (only !== undefined) requirePrograms(input.object, only);
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

/** Bindings of all externs, without loading. */
export function explainBound({ sys, store, input, name, flags, options, only }: BoundJob): Binding[] {
  if (only !== undefined) requirePrograms(input.object, only);
  using registry = new Registry(store);
  return explainAgainst(registry, input.object, sys, { ...options, ...storeOptionsOf(flags), name });
}

/** What became of externs that waited for an object; lines for output. */
export interface Waiting {
  readonly done: readonly string[];
  readonly notes: readonly string[];
}

/** Nothing waited. */
export const NONE_WAITING: Waiting = { done: [], notes: [] };

/** Binds pending externs that an object defines which is loaded now. Throws `load-incomplete`. */
export function bindWaiting(store: Store, name: string): Waiting {
  return afterChange(loadedButNotBound(name), () => bindPendingTo(store, name));
}

function loadedButNotBound(name: string): Happened {
  return {
    code: 'load-incomplete',
    where: [`object ${quote(name)}`],
    message: 'is loaded, but externs that wait for it could not be bound to it',
    hint: `"rootlet replace ${shellWord(name)} FILE" with the same file binds them`,
  };
}

function bindPendingTo(store: Store, name: string): Waiting {
  using registry = new Registry(store);
  const { bound, problems, failures } = bindPending(registry, name);
  if (failures.length > 0) throw new RootletError(failures);
  return {
    done: bound.map(({ entry, binding }) => `${entry}: ${describeBinding(binding)}`),
    notes: problems.map(problem => `not bound: ${formatProblem(problem)}`),
  };
}

/** Lines for users. */
export function explanation(bindings: readonly Binding[]): string[] {
  return bindings.map(binding => `  ${describeBinding(binding)}`);
}

/** Options of binding, as the library has them. */
export function storeOptionsOf(flags: BindFlags): StoreLoadOptions {
  return {
    against: (flags.against ?? []).flatMap(words),
    bind: requestsOf(flags),
    lazy: flags.lazy,
    ...given({ via: flags.via }),
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
    return { extern: word.slice(0, equals), target, ...given({ provider }) };
  });
}

/** Options of binding that have no effect. */
function refuseNeedless({ bind, via }: BindFlags): void {
  const needless = bind !== undefined && bind.length > 0 ? '--bind' : via !== undefined ? '--via' : undefined;
  if (needless === undefined) return;
  throw usageError(
    'dynamic-no-extern',
    `${needless}: the object has no externs that another one could define`,
  );
}
