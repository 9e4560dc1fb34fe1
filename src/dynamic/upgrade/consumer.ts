/**
 * One consumer of a provider that gets a new version: reloaded if it contains code or addresses of the old
 * one, else only its stubs and slots are refilled.
 */

import { given } from '../../bytes/index.ts';
import { inputError } from '../../diag/index.ts';
import { hooksRunning } from '../../hooks/index.ts';
import {
  type Attachment,
  type BpfMap,
  BpfProgram,
  decodeU32s,
  encodeU32s,
  type Fd,
  openById,
  type Sys,
} from '../../kernel/index.ts';
import { type Cleanup, readProgramTypes } from '../../load/index.ts';
import { sectionNameOf, symbolOf } from '../../object/index.ts';
import { duplicateMap, encodeEntryState, FreshNames, NO_SETTINGS, settingsFor } from '../../state/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import type { BindingBackEnd, DynamicLoadOptions } from '../bind/index.ts';
import {
  type Binding,
  type DynamicObject,
  isStubMap,
  loadConsumer,
  SELECT_SECTION,
  setSelector,
} from '../bind/index.ts';
import {
  decodeDynamic,
  encodeDynamic,
  entryParts,
  type FullContents,
  isDynamicPin,
  isPending,
  objectOf,
  pinNames,
  type Registry,
  type StoredDynamic,
  type StoredStub,
  typeFrom,
  withSlots,
} from '../entries/index.ts';
import {
  attachToStub,
  findExport,
  loadMember,
  type MemberOptions,
  type Provider,
  REPLACEMENT_TYPE,
  setSlot,
} from '../providers/index.ts';
import { extStubNames } from '../stubs/index.ts';
import type { Changes } from './changes.ts';
import { nextEntryState, objectTransfer, planObjectState, reusedMap, runningObject } from './object-state.ts';

/** An entry with bindings. */
export interface Consumer {
  readonly entry: StoreEntry;
  readonly stored: StoredDynamic;
  /** All that the entry holds, open until the upgrade is over. */
  readonly contents: FullContents;
}

export interface Rebinding {
  readonly store: Store;
  readonly registry: Registry;
  readonly options: MemberOptions;
  /** Closes what is opened, in any case. */
  readonly cleanup: Cleanup;
  readonly changes: Changes;
  /** Waits until no program runs that began before. */
  readonly wait: () => void;
}

/** What became of a consumer; without contents its entry stays as it is. */
export interface Rebound {
  readonly entry: StoreEntry;
  readonly how: readonly ('slot' | 'stub' | 'reload' | 'hook')[];
  readonly contents: FullContents | undefined;
}

/** Whether a binding puts code or addresses of the provider into the consumer's own programs. */
export function embeds(
  binding: Binding,
  provider: Pick<Provider, 'name' | 'object'>,
  moved: (map: string) => boolean,
): boolean {
  if (binding.provider !== provider.name) return false;
  if (binding.via === 'copy') return true;
  if (binding.via !== 'share') return false;
  const { object } = provider;
  const found = findExport(object, binding.target);
  if (found === undefined) return false;
  const symbol = symbolOf(object, found.index);
  if (symbol.kind === 'map') return moved(symbol.name);
  return symbol.kind === 'variable' && moved(sectionNameOf(object, symbol));
}

// --- reloaded -----------------------------------------------------------------------------------------------------

/** Reloads a consumer, on its own maps, and replaces its programs wherever they are attached. */
export function reloadConsumer(
  rebinding: Rebinding,
  consumer: Consumer,
): Rebound & { readonly object: DynamicObject } {
  const { store, options, cleanup, changes } = rebinding;
  const { entry, stored, contents } = consumer;
  const source = objectOf(store, entry);
  const running = runningObject(source, contents);
  const settings = settingsFor(running.state.settings, '');
  const { optimize } = running.state;
  const state = planObjectState({
    sys: store.sys,
    running,
    object: source,
    options: { ...options, ...settings, pinRoot: null },
    given: NO_SETTINGS,
    fresh: new FreshNames([]),
    unchanged: true,
  });
  const object = cleanup.own(
    loadConsumer(source, store.sys, {
      ...bindingAsBefore(rebinding, consumer),
      ...settings,
      ...given({ optimize }),
      pinRoot: null,
      reuse: ({ name }) => (isStubMap(name) ? stubMap(contents, name) : reusedMap(state, name)),
    }),
  );
  const transfer = objectTransfer(state, object.loaded);
  changes.first(() => transfer.run());
  const attached = exchangeAttached(rebinding, entry, contents, object);
  const parts = entryParts(object, stored.requests);
  const links = new Map([...contents.links].filter(([name]) => !isDynamicPin(name)));
  for (const [name, link] of parts.links) links.set(name, link);
  const next: FullContents = {
    ...contents,
    programs: object.loaded.programs,
    maps: object.loaded.maps,
    links,
    data: {
      ...contents.data,
      ...parts.data,
      ...encodeEntryState(nextEntryState(state, object.loaded, settings, optimize)),
    },
  };
  const { tail, replacements } = object.provider;
  return {
    entry,
    object,
    how: attached ? ['hook'] : ['reload'],
    get contents() {
      // its own exports are known only later
      return withSlots(next, decodeDynamic(next.data), tail, replacements);
    },
  };
}

/** Options with which a consumer is bound as it was, except to new versions. */
function bindingAsBefore(
  { registry, options }: Rebinding,
  { entry, stored, contents }: Consumer,
): DynamicLoadOptions {
  const programs = [...contents.programs.keys()].filter(name => !isDynamicPin(name));
  return {
    ...options,
    name: entry.name,
    registered: registry.current(entry.name),
    bind: [...requestsOf(stored), ...stored.requests],
    lazy: stored.bindings.some(isPending),
    viaOf: name => viaOf(stored, name),
    reasonOf: name => bindingOf(stored, name)?.reason,
    programs: name => programs.includes(name),
  };
}

/** An array of the consumer's own, from before there was a provider. */
function stubMap({ maps }: FullContents, name: string): BpfMap | undefined {
  const map = name === SELECT_SECTION ? undefined : maps.get(name);
  return map === undefined ? undefined : duplicateMap(map);
}

function requestsOf({ bindings }: StoredDynamic) {
  return bindings
    .filter(({ of, provider }) => of === '' && provider !== '')
    .map(({ extern, provider, target }) => ({ extern, provider, target }));
}

function bindingOf({ bindings }: StoredDynamic, name: string): Binding | undefined {
  return bindings.find(binding => binding.of === '' && binding.extern === name);
}

function viaOf(stored: StoredDynamic, name: string): BindingBackEnd | undefined {
  const via = bindingOf(stored, name)?.via;
  return via === 'ext' || via === 'tail' || via === 'copy' ? via : undefined;
}

/** Every attachment of one of the old programs, whoever made it, gets the new one. Whether there is any. */
function exchangeAttached(
  { store, cleanup, changes }: Rebinding,
  entry: StoreEntry,
  old: FullContents,
  next: DynamicObject,
): boolean {
  const byId = new Map([...old.programs].map(([name, program]) => [program.info().id, { name, program }]));
  const running = hooksRunning(store, entry, new Set(byId.keys()));
  for (const { hook } of running) cleanup.own(hook);
  let any = false;
  for (const { hook, programId } of running) {
    const before = byId.get(programId);
    const after = before === undefined ? undefined : next.loaded.programs.get(before.name);
    if (before === undefined || after === undefined) continue;
    any = true;
    hook.requireUpdatable();
    changes.add({
      apply: () => hook.update(after, before.program),
      revert: () => hook.update(before.program, after),
    });
  }
  return any;
}

/** Whether a hook runs one of the programs of an entry. */
export function isAttached(store: Store, entry: StoreEntry): boolean {
  const running = hooksRunning(store, entry, new Set(entry.record.programs.map(({ id }) => id)));
  for (const { hook } of running) hook.close();
  return running.length > 0;
}

// --- refilled -----------------------------------------------------------------------------------------------------

/** Fills the slots and stubs of a consumer whose programs stay, as far as they call one of `providers`. */
export function refillConsumer(
  rebinding: Rebinding,
  consumer: Consumer,
  providers: ReadonlyMap<string, Provider>,
): Rebound {
  const { entry, stored, contents } = consumer;
  const how = new Set<'slot' | 'stub'>();
  const links = new Map(contents.links);
  const own = new Map<string, BpfProgram>();
  const stubs = new Map(stored.stubs.map(stub => [pinNames.stub(stub), stub]));
  for (const binding of stored.bindings) {
    const provider = providers.get(binding.provider);
    if (provider === undefined || binding.of !== '' || binding.slot === null) continue;
    if (binding.via === 'tail') {
      how.add('slot');
      const filled = refillOwnSlot(rebinding, contents, binding, provider);
      if (filled !== undefined) own.set(pinNames.own(binding.extern), filled);
    } else if (binding.via === 'ext') {
      how.add('stub');
      flipStubs(rebinding, consumer, binding, provider, { links, stubs });
    }
  }
  if (!how.has('stub') && own.size === 0) return { entry, how: [...how], contents: undefined };
  const programs = new Map([...contents.programs, ...own]);
  const dynamic: StoredDynamic = { ...stored, stubs: [...stubs.values()] };
  const next = { ...contents, programs, links, data: { ...contents.data, dynamic: encodeDynamic(dynamic) } };
  return { entry, how: [...how], contents: next };
}

/** An array of the consumer's own, from before there was a provider. */
function refillOwnSlot(
  { store: { sys }, options, cleanup, changes }: Rebinding,
  contents: FullContents,
  { extern, slot, target }: Binding,
  provider: Provider,
): BpfProgram | undefined {
  const array = slot?.own === true ? contents.maps.get(slot.array) : undefined;
  if (slot === null || array === undefined) return undefined;
  const program = cleanup.own(loadMember(sys, provider, target, { type: typeFrom(slot) }, options));
  const before = contents.programs.get(pinNames.own(extern)) ?? inSlot(sys, array, slot.entry, cleanup);
  changes.add({
    apply: () => setSlot(array, slot.entry, program),
    revert: () => {
      if (before !== undefined) setSlot(array, slot.entry, before);
    },
  });
  return program;
}

/** Of entries whose record does not have it. Looking into a program array gives the id of the program there. */
function inSlot(sys: Sys, array: BpfMap, entry: number, cleanup: Cleanup): BpfProgram | undefined {
  const [id = 0] = decodeU32s(array.lookup(encodeU32s([entry])) ?? new Uint8Array(0));
  const fd: Fd | undefined = id === 0 ? undefined : openById(sys, 'program', id);
  return fd === undefined ? undefined : cleanup.own(BpfProgram.adopt(sys, fd));
}

interface StubState {
  readonly links: Map<string, Attachment>;
  readonly stubs: Map<string, StoredStub>;
}

/** Attaches the new version to the idle stub of every program, then one word of the selectors changes. */
function flipStubs(
  rebinding: Rebinding,
  { entry, stored, contents }: Consumer,
  { extern, slot, target }: Binding,
  provider: Provider,
  state: StubState,
): void {
  const { store, options, cleanup, changes } = rebinding;
  const { sys } = store;
  if (slot === null) return;
  const current = stored.stubs.filter(stub => stub.extern === extern);
  const active = current[0]?.stub ?? 'a';
  const idle = active === 'a' ? 'b' : 'a';
  const name = extStubNames(extern)[idle === 'a' ? 0 : 1];
  for (const old of current) {
    const program = contents.programs.get(old.program);
    const stub = program === undefined ? undefined : findStub(program, name);
    if (program === undefined || stub === undefined) continue;
    const at = { fd: program.fd.number, btfId: stub };
    const replacement = provider.replacements.programFor(target, slot.kind, () =>
      loadMember(sys, provider, target, { type: REPLACEMENT_TYPE, target: at }, options),
    );
    const next: StoredStub = { extern, program: old.program, stub: idle };
    state.links.delete(pinNames.stub(old));
    state.stubs.delete(pinNames.stub(old));
    state.links.set(pinNames.stub(next), cleanup.own(attachToStub(sys, replacement, at)));
    state.stubs.set(pinNames.stub(next), next);
  }
  const select = contents.maps.get(SELECT_SECTION);
  if (select === undefined)
    throw inputError('dynamic-record', [entry.name], 'has stubs, but nothing to choose between them');
  // a program that read the old selector may be about to call the stub that is emptied next
  changes.afterwards(rebinding.wait);
  changes.add({
    apply: () => setSelector(select, slot.entry, idle),
    revert: () => setSelector(select, slot.entry, active),
  });
}

function findStub(program: BpfProgram, name: string): number | undefined {
  return readProgramTypes(program).functions.find(candidate => candidate.name === name)?.btfId;
}
