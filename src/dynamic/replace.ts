/**
 * `replace`: one verb for every entry of the store. What happens follows from what the entry is: an attached
 * program is replaced on its hook, a rootlet keeps its components, a loaded object takes its consumers along.
 */

import { given } from '../bytes/index.ts';
import { quote, RootletError, shellWord, usageError } from '../diag/index.ts';
import { hookFacts, openHook } from '../hooks/index.ts';
import type { LoadOptions } from '../load/index.ts';
import {
  type BpfObject,
  InputObject,
  type ObjectFile,
  retypedInput,
  stripDataSections,
  typeEntries,
  typesFor,
  unknownPrograms,
} from '../object/index.ts';
import { type EntryKind, fieldsOf, type RecordFiles, type Store, type StoreEntry } from '../store/index.ts';
import type { BindingBackEnd } from './bind/index.ts';
import { type EntryLoad, inputOf, OBJECT_FILE, type StoreLoadOptions } from './entries/index.ts';
import { type Generation, openChange, type SlotBackEnd, type SlotChange } from './generation/index.ts';
import {
  hasPendingChange,
  hasSlotsFilled,
  openRootlet,
  type Replaced,
  type ReplaceOptions,
  type Rootlet,
} from './slots/index.ts';
import {
  inheritedTypes,
  type ReplacedAttached,
  replaceAttached,
  type UpgradeReport,
  untypedPrograms,
  upgrade,
} from './upgrade/index.ts';

/** What `replace` is to change. */
export interface ReplaceRequest {
  /** Undefined: slots are changed only. */
  readonly version?: {
    /** The new file. The record keeps its bytes, and its name. */
    readonly input: ObjectFile;
    /** Program of that file; may be left out when only one suits the hook. */
    readonly program?: string;
  };
  readonly slots?: Omit<SlotChange, 'rootlet' | 'program'>;
  /** Maps, sections, variables and components that begin with new contents; `*` for all. */
  readonly fresh?: readonly string[];
  /** Back end that fills slots from now on; `auto`: chosen for each change. */
  readonly slotsVia?: SlotBackEnd | 'auto';
  /**
   * Back end of the calls that are replaced, from now on: for an attached program, what binds its externs (`auto`: the
   * first that can bind each); for a rootlet, the same as `slotsVia`.
   */
  readonly via?: BindingBackEnd | SlotBackEnd | 'auto';
  readonly options: LoadOptions;
  /** How externs of the new version are bound. */
  readonly binding?: Pick<StoreLoadOptions, 'against' | 'bind' | 'lazy' | 'via' | 'viaOf' | 'reasonOf'>;
  /** @internal */
  readonly logged?: EntryLoad['logged'];
  /** Given options that only apply to attached programs without components; refused for others. */
  readonly forAttached?: readonly string[];
  /** Replace whatever is attached there now. */
  readonly force?: boolean;
  /** Only look. */
  readonly dryRun?: boolean;
  /** Seconds since 1970, for the record. */
  readonly time?: number | null;
}

/** A new version whose object is read once, when it is first used. */
interface NewVersion {
  readonly input: InputObject;
  readonly program?: string;
}

interface OpenedRequest extends Omit<ReplaceRequest, 'version'> {
  readonly version?: NewVersion;
}

/** What `replace` did, by what the entry is: a rootlet, an attached program, or a loaded object. */
export type ReplaceOutcome =
  | {
      readonly kind: 'rootlet';
      readonly entry: StoreEntry;
      readonly place: string;
      readonly replaced: Replaced;
    }
  | { readonly kind: 'attached'; readonly entry: StoreEntry; readonly replaced: ReplacedAttached }
  | { readonly kind: 'object'; readonly entry: StoreEntry; readonly report: UpgradeReport };

/** Replaces what an entry runs. Throws, with the old version in place and untouched, when that cannot be. */
export function replace(store: Store, kind: EntryKind, name: string, given: ReplaceRequest): ReplaceOutcome {
  const request = opened(given);
  return store.locked(() => {
    const entry = settled(store, requireFound(store, kind, name), request);
    requireNoMember(entry);
    const typed = withTypes(store, entry, request);
    if (kind === 'object') return replaceObject(store, entry, typed);
    if (request.slots !== undefined || hasSlotsFilled(store, entry))
      return replaceRootlet(store, entry, typed);
    const version = versionOf(store, entry, typed);
    if (version !== undefined) return replaceProgram(store, entry, version, typed);
    return replaceRootlet(store, entry, typed);
  });
}

/** Field of the data of an entry that is a member of a chain: its code is more than its file. */
export const CHAIN_FIELD = 'chain';

function requireNoMember({ name, record }: StoreEntry): void {
  if (record.data[CHAIN_FIELD] === undefined) return;
  throw usageError('relink-generated', `${quote(name)} is a member of a chain`, {
    hint: 'replace it in the chain: rootlet tc replace INTERFACE MEMBER FILE',
  });
}

/** Types that are requested are those of the new files: nothing else is loaded under them. */
function opened(request: ReplaceRequest): OpenedRequest {
  const { version, options, slots, ...others } = request;
  const { types = {}, ...loading } = options;
  const objects: BpfObject[] = [];
  const open = (file: ObjectFile): InputObject => {
    const input = InputObject.from(file, options.limits);
    if (typeEntries(types).length === 0) return input; // read when it is needed
    objects.push(input.object);
    return retypedInput(input, typesFor(input.object, types));
  };
  const opened = {
    ...given({ slots: slots === undefined ? undefined : openChange(slots, open) }),
    ...given({ version: version === undefined ? undefined : { ...version, input: open(version.input) } }),
  };
  if (typeEntries(types).length > 0 && objects.length === 0)
    throw usageError('replace-option', '--type has no effect without a new file');
  const problems = unknownPrograms(objects, types);
  if (problems.length > 0) throw new RootletError(problems);
  return { ...others, ...opened, options: loading };
}

/** The entry after what a killed process left of a change of its slots was finished or dropped. */
function settled(store: Store, entry: StoreEntry, request: OpenedRequest): StoreEntry {
  if (!hasPendingChange(entry)) return entry;
  withRootlet(store, entry, request, () => {});
  return requireFound(store, entry.kind, entry.name);
}

function requireFound(store: Store, kind: EntryKind, name: string): StoreEntry {
  const entry = store.find(kind, name);
  if (entry !== undefined) return entry;
  throw usageError('store-no-entry', `there is no ${kind} ${quote(name)}`);
}

/** What was given; else, where new values or contents are requested, the version that the entry has. */
function versionOf(store: Store, entry: StoreEntry, request: OpenedRequest): NewVersion | undefined {
  const { globals = {}, maxEntries } = request.options;
  const values = sizeOf(globals) + (maxEntries?.size ?? 0) + (request.fresh?.length ?? 0);
  const asks = values > 0 || request.options.optimize !== undefined;
  if (request.version !== undefined || !asks) return request.version;
  const version = { input: inputOf(store, entry) };
  return entry.kind === 'hook' ? { ...version, program: hookFacts(entry).program } : version;
}

/** The new version with the types that the running one has, where its own sections specify none. */
function withTypes(store: Store, entry: StoreEntry, request: OpenedRequest): OpenedRequest {
  const { version } = request;
  if (version === undefined || untypedPrograms(version.input.object).length === 0) return request;
  const facts = entry.kind === 'hook' ? hookFacts(entry) : undefined;
  const types = inheritedTypes(version.input.object, inputOf(store, entry).object, facts, version.program);
  return { ...request, version: { ...version, input: retypedInput(version.input, types) } };
}

function filesOf({ input }: NewVersion): RecordFiles {
  return new Map([[OBJECT_FILE, input.bytes]]);
}

/** Refuses options without effect. */
function refuse(entry: StoreEntry, options: readonly string[]): void {
  const [option] = options;
  if (option === undefined) return;
  const what = entry.kind === 'object' ? 'a loaded object' : 'a rootlet with components';
  throw usageError('replace-option', `${option} has no effect here: ${quote(entry.name)} is ${what}`);
}

// --- a loaded object ----------------------------------------------------------------------------------------------

function replaceObject(store: Store, entry: StoreEntry, request: OpenedRequest): ReplaceOutcome {
  const { options, dryRun = false } = request;
  const version = versionOf(store, entry, request);
  const { force = false, slotsVia } = request;
  refuse(entry, [
    ...(request.forAttached ?? []),
    ...(force ? ['--force'] : []),
    ...(slotsVia === undefined ? [] : ['--slots']),
  ]);
  if (version === undefined || request.slots !== undefined)
    throw usageError('replace-no-slots', `${quote(entry.name)} is a loaded object, which has no slots`, {
      hint: `a new version of it: rootlet replace ${shellWord(entry.name)} FILE; other values: --set, --max-entries, --fresh`,
    });
  if (request.via !== undefined)
    throw usageError('replace-via', `--via: bindings to ${quote(entry.name)} belong to its consumers`, {
      hint: 'give --via to the consumer: rootlet replace CONSUMER FILE --via …',
    });
  const { globals, maxEntries, pinRoot, kernelTypes, kconfig, optimize } = options;
  const report = upgrade(
    store,
    entry.name,
    stripDataSections(version.input.object),
    {
      source: version.input.name,
      files: filesOf(version),
      time: request.time ?? null,
      fresh: request.fresh ?? [],
      ...given({ globals, maxEntries, pinRoot, kernelTypes, kconfig, optimize }),
    },
    dryRun,
  );
  return { kind: 'object', entry: report.entry, report };
}

// --- an attached program ------------------------------------------------------------------------------------------

function replaceProgram(
  store: Store,
  entry: StoreEntry,
  version: NewVersion,
  request: OpenedRequest,
): ReplaceOutcome {
  const { slotsVia, via, binding = {} } = request;
  if (slotsVia !== undefined)
    throw usageError('replace-via', `--slots has no effect: ${quote(entry.name)} has no filled slots`, {
      hint: 'the back end that binds externs is --via',
    });
  const replaced = replaceAttached({
    ...request,
    store,
    entry,
    object: stripDataSections(version.input.object),
    source: version.input.name,
    files: filesOf(version),
    time: request.time ?? null,
    binding: { ...binding, ...bindingVia(via) },
    ...given({ program: version.program }),
  });
  return { kind: 'attached', entry: replaced.entry, replaced };
}

function bindingVia(via: ReplaceRequest['via']): EntryLoad['binding'] {
  if (via === undefined) return {};
  if (via === 'static')
    throw usageError('replace-via', '--via static fills slots: externs are bound by ext, tail or copy');
  return via === 'auto' ? { viaOf: () => undefined, reasonOf: () => undefined } : { via };
}

function slotBackEnd(via: ReplaceRequest['via']): ReplaceRequest['slotsVia'] {
  if (via !== 'copy') return via;
  throw usageError('replace-via', '--via copy binds externs: slots are filled by ext, tail or static', {
    hint: '--slots ext, --slots tail or --slots static',
  });
}

// --- a rootlet ----------------------------------------------------------------------------------------------------

function replaceRootlet(store: Store, entry: StoreEntry, request: OpenedRequest): ReplaceOutcome {
  const { fresh, options, force = false, dryRun = false } = request;
  refuse(entry, request.forAttached ?? []);
  const slotsVia = request.slotsVia ?? slotBackEnd(request.via);
  const { globals, maxEntries } = options;
  const wishes: ReplaceOptions = {
    ...given({ fresh, via: slotsVia }),
    ...(force ? { force } : {}),
    ...(globals === undefined || sizeOf(globals) === 0 ? {} : { globals }),
    ...(maxEntries === undefined || maxEntries.size === 0 ? {} : { maxEntries }),
    ...given({ optimize: options.optimize }),
  };
  const change = changeOf(request);
  return withRootlet(store, entry, request, (rootlet, place) => {
    const replaced = dryRun ? rootlet.plan(change, wishes) : rootlet.change(change, wishes);
    return { kind: 'rootlet', entry: requireFound(store, 'hook', entry.name), place, replaced };
  });
}

/**
 * Completes or takes back a change of slots that a killed process had begun (`hasPendingChange`), as the next change
 * would. `time`: seconds since 1970, for the record.
 */
export function settleChange(store: Store, entry: StoreEntry, time: number | null): void {
  withRootlet(store, entry, { options: {}, time }, () => {});
}

function withRootlet<T>(
  store: Store,
  entry: StoreEntry,
  { options, time = null }: Pick<OpenedRequest, 'options'> & { readonly time?: number | null },
  use: (rootlet: Rootlet, place: string) => T,
): T {
  using hook = openHook(store, entry);
  using rootlet = openRootlet({
    store,
    entry,
    hook,
    program: hookFacts(entry).program,
    options,
    describe: generation => describeGeneration(entry, generation),
    time,
  });
  return use(rootlet, hook.place);
}

function sizeOf(globals: NonNullable<LoadOptions['globals']>): number {
  return globals instanceof Map ? globals.size : Object.keys(globals).length;
}

function changeOf({ version, slots = {} }: OpenedRequest): SlotChange {
  if (version === undefined) return slots;
  return {
    ...slots,
    rootlet: version.input,
    ...given({ program: version.program }),
  };
}

/** What other commands read in the record. */
function describeGeneration(entry: StoreEntry, generation: Generation) {
  const { attach } = entry.record.data;
  const before = fieldsOf(attach);
  return { attach: { ...before, program: generation.main } };
}
