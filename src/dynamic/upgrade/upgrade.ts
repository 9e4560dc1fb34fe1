/**
 * A new version of a loaded provider, for all consumers while they run.
 *
 * Everything that can fail comes first: the new version is loaded and verified, in every form in which
 * consumers use it, and pinned. Then the change is made in single atomic steps: entries of program arrays,
 * selectors of stubs, programs on hooks. A failure at any point leaves or brings back the old version.
 */

import { given } from '../../bytes/index.ts';
import { bugError, type Problem, problem, quote, RootletError, usageError } from '../../diag/index.ts';
import { hiddenLinkNotes } from '../../hooks/index.ts';
import { waitForPrograms } from '../../kernel/index.ts';
import type { OptimizeReport } from '../../link/index.ts';
import { Cleanup, type LoadOptions } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import {
  encodeEntryState,
  pinReused,
  pinRootOf,
  reportState,
  requireNewMaps,
  type Settings,
  type StateChange,
} from '../../state/index.ts';
import type { EntryKind, RecordFiles, Store, StoreEntry } from '../../store/index.ts';
import { bindingProblem, type DynamicObject, loadConsumer } from '../bind/index.ts';
import {
  decodeDynamic,
  entryParts,
  type FullContents,
  objectOf,
  openContents,
  Registry,
  type StoredDynamic,
  type StoredProvider,
  upgradeMark,
  withSlots,
} from '../entries/index.ts';
import { afterSwitch } from '../generation/index.ts';
import { findExport, type MemberOptions, memberOptionsOf, type Provider } from '../providers/index.ts';
import { Changes } from './changes.ts';
import {
  type Consumer,
  embeds,
  isAttached,
  type Rebinding,
  type Rebound,
  refillConsumer,
  reloadConsumer,
} from './consumer.ts';
import {
  nextEntryState,
  type ObjectState,
  objectTransfer,
  type PlannedVersion,
  planVersion,
  reusedMap,
  setGivenValues,
} from './object-state.ts';
import { optimizationOutlook } from './outlook.ts';
import { refillProvider } from './provider.ts';

export interface UpgradeOptions
  extends MemberOptions,
    Pick<LoadOptions, 'globals' | 'maxEntries' | 'pinRoot' | 'optimize'> {
  /** Maps, sections and variables that begin with new contents; `*` for all. */
  readonly fresh?: readonly string[];
  /** File that the new version came from, for the record. */
  readonly source: string;
  readonly files: RecordFiles;
  /** Seconds since 1970. */
  readonly time?: number | null;
}

/** What `replace` did to a loaded object and its consumers. */
export interface UpgradeReport {
  readonly entry: StoreEntry;
  /** What became of each map and data section. */
  readonly state: readonly StateChange[];
  /** Values and sizes in force. */
  readonly settings: Settings;
  /** Settings that no longer fit the object, one sentence each. */
  readonly droppedSettings: readonly string[];
  /** How each consumer came to the new version. */
  readonly consumers: readonly {
    readonly kind: EntryKind;
    readonly name: string;
    /**
     * `slot`: one array entry; `stub`: the idle stub, then the selector; `reload`: loaded again; `hook`: the
     * same, exchanged where it is attached.
     */
    readonly how: readonly ('slot' | 'stub' | 'reload' | 'hook')[];
  }[];
  readonly notes: readonly string[];
  /** What the optimizer did, or would do at first; null where it does nothing. */
  readonly optimization: OptimizeReport | null;
}

export type UpgradedConsumer = UpgradeReport['consumers'][number];

/**
 * Replaces a loaded object with a new version, and rebinds its consumers. Throws, with the old version in
 * place, when that cannot be. `dryRun`: only looks.
 */
export function upgrade(
  store: Store,
  name: string,
  object: BpfObject,
  options: UpgradeOptions,
  dryRun = false,
): UpgradeReport {
  return store.locked(() => {
    using registry = new Registry(store);
    const old = registry.find(name);
    if (old === undefined) throw usageError('dynamic-no-provider', `no object ${quote(name)} is loaded`);
    const consumers = consumersIn(store, new Set([name]));
    const disagreements = consumers.flatMap(consumer => disagreementsOf(store, consumer, name, object));
    if (disagreements.length > 0) throw new RootletError(disagreements);
    const cleanup = new Cleanup();
    const failing = new Cleanup();
    failing.defer(() => registry.dropUnsaved());
    const changes = new Changes(failing);
    try {
      const setting: Setting = { store, registry, old, object, options, cleanup, failing, changes };
      if (dryRun) return planUpgrade(setting, consumers);
      return runUpgrade(setting);
    } catch (error) {
      if (!changes.committed) failing.undo();
      throw error;
    } finally {
      cleanup.undo();
    }
  });
}

// --- who is concerned ---------------------------------------------------------------------------------------------

type Bound = Pick<Consumer, 'entry' | 'stored'>;

/** Entries with bindings to any of the objects. */
function consumersIn(store: Store, names: ReadonlySet<string>): Bound[] {
  return store.list().flatMap((entry): Bound[] => {
    if (entry.kind === 'broken') return [];
    const stored = decodeDynamic(entry.record.data);
    const concerned = stored.bindings.some(
      ({ provider }) => names.has(provider) && !(entry.kind === 'object' && entry.name === provider),
    );
    return concerned ? [{ entry, stored }] : [];
  });
}

/** Consumers were compiled against the old version: what they use must be there and mean the same. */
function disagreementsOf(store: Store, { entry, stored }: Bound, name: string, object: BpfObject): Problem[] {
  const own = stored.bindings.filter(binding => binding.provider === name && binding.of === '');
  if (own.length === 0) return [];
  const consumer = { ...objectOf(store, entry), name: entry.name };
  return own.flatMap((binding): Problem[] => {
    const index = consumer.symbols.findIndex(
      symbol => symbol.kind === 'extern' && symbol.name === binding.extern,
    );
    const target = findExport(object, binding.target);
    if (target === undefined) {
      return [
        problem(
          'dynamic-upgrade-gone',
          [object.name],
          `does not define ${quote(binding.target)} any more, which ${entry.kind} ${quote(entry.name)} uses`,
          {
            hint: `${entry.kind === 'hook' ? 'detach' : 'unload'} ${quote(entry.name)} first, or load the new version under another name`,
          },
        ),
      ];
    }
    const difference =
      index < 0 ? null : bindingProblem({ object, index: target.index }, { object: consumer, index });
    return difference === null ? [] : [difference];
  });
}

// --- the upgrade --------------------------------------------------------------------------------------------------

interface Setting {
  readonly store: Store;
  readonly registry: Registry;
  readonly old: StoredProvider;
  readonly object: BpfObject;
  readonly options: UpgradeOptions;
  /** Closes what was opened, in any case. */
  readonly cleanup: Cleanup;
  /** Takes back what was done, on failure. */
  readonly failing: Cleanup;
  readonly changes: Changes;
}

function runUpgrade(setting: Setting): UpgradeReport {
  const { registry, store, changes } = setting;
  const planned = planNext(setting);
  const next = setting.cleanup.own(loadNext(setting, planned));
  registry.replace(next.provider);
  const transfer = objectTransfer(planned.state, next.loaded);
  // as late as possible: what is written meanwhile is lost
  changes.first(() => transfer.run());
  refillProvider(store.sys, setting.old, next.provider, memberOptionsOf(setting.options), changes);
  const rebound = rebindAll(setting, next.provider, planned.state);
  registry.saveChanged(); // slots are in the records of their providers before they are used
  const entry = saveAll(setting, next, planned, rebound);
  afterSwitch(`object ${quote(setting.old.name)}`, () => setGivenValues(planned.state, next.loaded));
  return {
    entry,
    state: reportState([...planned.state.decisions.values()], planned.state.dropped, transfer),
    settings: planned.settings,
    droppedSettings: planned.dropped,
    consumers: rebound.map(one => ({ kind: one.entry.kind, name: one.entry.name, how: one.how })),
    notes: [...next.loaded.notes, ...(isReloaded(rebound) ? hiddenLinkNotes(store.sys) : [])],
    optimization: next.loaded.plan.optimization ?? null,
  };
}

function isReloaded(rebound: readonly Rebound[]): boolean {
  return rebound.some(({ how }) => how.includes('hook') || how.includes('reload'));
}

/** What `upgrade` would do; everything is checked but what the verifier reports. */
function planUpgrade(setting: Setting, consumers: readonly Bound[]): UpgradeReport {
  const { old, object } = setting;
  const { state, settings, dropped, optimize } = planNext(setting);
  requireNewMaps(state.plan, state.decisions);
  const moved = (map: string): boolean => state.decisions.get(map)?.decision.kind !== 'reuse';
  const next = { name: old.name, object } as const;
  const reloaded = ({ stored }: Bound): boolean =>
    stored.bindings.some(binding => embeds(binding, next, moved));
  return {
    entry: old.entry,
    state: reportState([...state.decisions.values()], state.dropped, undefined),
    settings,
    droppedSettings: dropped,
    consumers: [...consumers.filter(reloaded), ...consumers.filter(one => !reloaded(one))].map(one => ({
      kind: one.entry.kind,
      name: one.entry.name,
      how: reloaded(one) ? [howReloaded(setting.store, one.entry)] : howRefilled(one.stored, old.name),
    })),
    ...optimizationOutlook(object, optimize),
  };
}

function howReloaded(store: Store, entry: StoreEntry): 'hook' | 'reload' {
  return isAttached(store, entry) ? 'hook' : 'reload';
}

function howRefilled({ bindings }: StoredDynamic, provider: string): ('slot' | 'stub')[] {
  const own = bindings.filter(binding => binding.provider === provider && binding.of === '');
  return [
    ...(own.some(({ via }) => via === 'tail') ? ['slot' as const] : []),
    ...(own.some(({ via }) => via === 'ext') ? ['stub' as const] : []),
  ];
}

/** Settings of the object stay until they are given again. */
function planNext({ store, old, object, options, cleanup }: Setting): PlannedVersion {
  const { fresh = [], files } = options;
  const load = loadOptionsOf(options);
  return planVersion({ store, entry: old.entry, object, files, options: load, fresh }, cleanup);
}

/** The new version, on the maps that continue, bound to what the old one was bound to. */
function loadNext(
  { store, registry, old, object, options, failing }: Setting,
  planned: PlannedVersion,
): DynamicObject {
  const externs = new Set(object.symbols.flatMap(({ kind, name }) => (kind === 'extern' ? [name] : [])));
  const bind = old.stored.bindings
    .filter(({ of, provider, extern }) => of === '' && provider !== '' && externs.has(extern))
    .map(({ extern, provider, target }) => ({ extern, provider, target }));
  const next = loadConsumer(object, store.sys, {
    ...loadOptionsOf(options),
    ...planned.settings,
    ...given({ optimize: planned.optimize }),
    name: old.name,
    registered: registry.current(old.name),
    bind,
    reuse: plan => reusedMap(planned.state, plan.name),
  });
  failing.defer(() => next.loaded.unpin());
  failing.defer(pinReused(next.loaded, planned.state.decisions, pinRootOf(options)));
  return next;
}

/**
 * First those that are loaded again, which may be providers themselves; then the slots and stubs of all
 * others.
 */
function rebindAll(setting: Setting, provider: Provider, state: ObjectState): Rebound[] {
  const { store, registry, options, cleanup, changes } = setting;
  const wait = (): void => waitForPrograms(store.sys);
  const rebinding: Rebinding = { store, registry, options: memberOptionsOf(options), cleanup, changes, wait };
  const providers = new Map<string, Provider>([[provider.name, provider]]);
  const moved = (map: string): boolean => state.decisions.get(map)?.decision.kind !== 'reuse';
  const rebound: Rebound[] = [];
  const reloaded = new Set<string>();
  for (const { entry, stored } of consumersIn(store, new Set([provider.name]))) {
    if (!stored.bindings.some(binding => embeds(binding, provider, moved))) continue;
    const contents = openContents(store, entry, cleanup);
    const result = reloadConsumer(rebinding, { entry, stored, contents });
    rebound.push(result);
    reloaded.add(entry.path);
    if (entry.kind !== 'object') continue;
    const before = registry.find(entry.name);
    if (before !== undefined)
      refillProvider(store.sys, before, result.object.provider, rebinding.options, changes);
    registry.replace(result.object.provider);
    providers.set(entry.name, result.object.provider);
  }
  for (const { entry, stored } of consumersIn(store, new Set(providers.keys()))) {
    if (reloaded.has(entry.path)) continue;
    const contents = openContents(store, entry, cleanup);
    rebound.push(refillConsumer(rebinding, { entry, stored, contents }, providers));
  }
  return rebound;
}

/**
 * One save within the other: all generations are complete before the changes are made, and count after them.
 */
function saveAll(
  { store, old, options, changes }: Setting,
  next: DynamicObject,
  planned: PlannedVersion,
  rebound: readonly Rebound[],
): StoreEntry {
  const contents = nextContents(old, next, planned, options);
  const mark = upgradeMark(old.name);
  const marked = (one: FullContents): FullContents => ({ ...one, data: { ...one.data, ...mark } });
  let saved: StoreEntry | undefined;
  let step = (): void => {
    saved = store.save('object', old.name, marked(contents), () => changes.make());
    changes.committed = true;
  };
  for (const { entry, contents: ofConsumer } of rebound) {
    if (ofConsumer === undefined) continue;
    const inner = step;
    const hasSwitched = (): boolean => changes.committed;
    step = () => void store.save(entry.kind, entry.name, marked(ofConsumer), inner, hasSwitched);
  }
  try {
    step();
  } catch (error) {
    if (!changes.committed) throw error;
    afterSwitch(`object ${quote(old.name)}`, () => {
      throw error;
    });
  }
  if (saved === undefined) throw bugError([old.name], 'the new version was not saved');
  return saved;
}

function nextContents(
  old: StoredProvider,
  next: DynamicObject,
  { state, settings, optimize }: PlannedVersion,
  options: UpgradeOptions,
): FullContents {
  const { data, links } = entryParts(next);
  const base: FullContents = {
    source: options.source,
    time: options.time ?? null,
    programs: next.loaded.programs,
    maps: next.loaded.maps,
    places: new Map(),
    links,
    files: options.files,
    data: {
      ...old.entry.record.data,
      ...data,
      ...encodeEntryState(nextEntryState(state, next.loaded, settings, optimize)),
    },
  };
  return withSlots(base, decodeDynamic(data), next.provider.tail, next.provider.replacements);
}

function loadOptionsOf({
  fresh: _fresh,
  source: _source,
  files: _files,
  time: _time,
  ...load
}: UpgradeOptions) {
  return load;
}
