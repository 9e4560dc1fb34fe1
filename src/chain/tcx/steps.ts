/** The steps of a change, one member each: load, replace, move, record, unload. */

import { valueAt } from '../../bytes/index.ts';
import { afterChange, type Happened, RootletError } from '../../diag/index.ts';
import {
  firstEntryState,
  type KeptBindings,
  OBJECT_FILE,
  optimizationOutlook,
  replaceAttached,
  withContents,
  withEntryLoad,
} from '../../dynamic/index.ts';
import { findHook, type Hook, hookContents, hookData } from '../../hooks/index.ts';
import type { OptimizeReport } from '../../link/index.ts';
import type { LoadedObject, OptimizeSetting } from '../../load/index.ts';
import { type BpfObject, stripDataSections } from '../../object/index.ts';
import { encodeEntryState, encodeOptimizeField, mapKey, type StateChange } from '../../state/index.ts';
import { describeEntry, type JsonObject, type Store, type StoreEntry } from '../../store/index.ts';
import type { ChainHook } from '../model/index.ts';
import { type LoadableMember, newSettings } from './changes.ts';
import type { TcxContext, TcxOptions } from './context.ts';
import type { TcxMember } from './hook.ts';
import { memberObject, tcxRequest, verdictsOf } from './member-object.ts';
import { attachInPlace, type Places } from './place.ts';
import type { TcxStep } from './plan.ts';
import { settingsOf } from './read.ts';
import { encodeTcxFacts, recordedHook } from './record.ts';

/** What steps work with. */
export interface StepContext {
  readonly context: TcxContext;
  readonly hook: ChainHook;
  readonly options: TcxOptions;
  readonly places: Places;
  /** Members of the design. */
  readonly members: ReadonlyMap<string, LoadableMember>;
  /** Members that entries keep. */
  readonly running: ReadonlyMap<string, TcxMember>;
  /** Whether the chain has counters. */
  readonly counters: boolean;
  readonly optimize: OptimizeSetting;
  /** The same where it was given, for the record. */
  readonly givenOptimize: OptimizeSetting | undefined;
  /** Names that begin with new contents, by member. */
  readonly fresh: ReadonlyMap<string, readonly string[]>;
}

export interface StepResult {
  readonly state: readonly StateChange[];
  readonly notes: readonly string[];
  /** Null where nothing is optimized. */
  readonly optimization: OptimizeReport | null;
}

/** Loads what it needs, calls `ready`, and changes the hook after it. */
export type Job = (ready: () => void) => void;
type Done = (result: StepResult) => void;

const NOTHING: StepResult = { state: [], notes: [], optimization: null };

export function stepJob(at: StepContext, step: TcxStep, done: Done): Job {
  const dryRun = at.options.dryRun === true;
  switch (step.kind) {
    case 'load':
      return dryRun ? checkLoad(at, step.name, done) : loadMember(at, step.name, done);
    case 'replace':
    case 'move':
      return replaceMember(at, step, done);
    case 'record':
    case 'unload':
      return ready => {
        ready();
        if (!dryRun) change(at, step);
        done(NOTHING);
      };
  }
}

function change(at: StepContext, { kind, name }: TcxStep): void {
  const old = valueAt(at.running, name);
  if (kind === 'unload') unloadMember(at.context.store, old);
  else recordMember(at, old, valueAt(at.members, name));
}

// --- load ---------------------------------------------------------------------------------------------------------

function checkLoad(at: StepContext, name: string, done: Done): Job {
  return ready => {
    const member = valueAt(at.members, name);
    const { object, notes } = memberObject(at.hook, member, at.counters);
    const outlook = optimizationOutlook(
      object,
      optimizeAdded(at, member, object),
      program => program === member.program,
    );
    ready();
    done({ ...outlook, state: [], notes: [...notes, ...outlook.notes] });
  };
}

function loadMember(at: StepContext, name: string, done: Done): Job {
  const { context, options, hook } = at;
  const { sys, store } = context;
  const member = valueAt(at.members, name);
  return ready => {
    const { object, notes } = memberObject(hook, member, at.counters);
    const entryName = freeEntryName(store, hook, name);
    const load = {
      sys,
      store,
      object: stripDataSections(object),
      name: entryName,
      options: {
        ...options.load,
        ...member.settings,
        optimize: optimizeAdded(at, member, object),
        programs: (one: string) => one === member.program,
      },
      binding: {},
    };
    withEntryLoad(load, (loaded, kept) => {
      ready();
      saveFirst(at, member, loaded, kept);
      const { optimization = null } = loaded.plan;
      done({ state: [], notes: [...notes, ...loaded.notes], optimization });
    });
  };
}

/** The setting for a member with what was added to its file: code that counts has a second call of the program. */
function optimizeAdded(
  { optimize }: StepContext,
  { file }: LoadableMember,
  { symbols }: BpfObject,
): OptimizeSetting {
  const own = new Set(file.object.symbols.map(({ name }) => name));
  const added = symbols.filter(({ kind, name }) => kind === 'function' && !own.has(name));
  return { ...optimize, firstCalls: added.map(({ name }) => name) };
}

/** A kill before the entry counts leaves nothing: the link ends with the process, or with its generation. */
function saveFirst(at: StepContext, member: LoadableMember, loaded: LoadedObject, kept: KeptBindings): void {
  const { context, hook, places } = at;
  const { store, time } = context;
  using attached = attachInPlace(places, member.name, loaded, member.program);
  const data = {
    ...hookData(attached, tcxRequest(hook), member.program),
    ...encodeEntryState(firstEntryState(loaded, member.settings, at.givenOptimize)),
    ...kept.data,
    ...factsOf(at, member),
  };
  const contents = hookContents(sourceOf(member, time), loaded, attached, data);
  const links = new Map([...(contents.links ?? []), ...kept.links]);
  store.save('hook', freeEntryName(store, hook, member.name), { ...contents, links });
}

function sourceOf({ file }: LoadableMember, time: number | null) {
  return { source: file.name, files: new Map([[OBJECT_FILE, file.bytes]]), time };
}

function factsOf({ hook, counters }: StepContext, member: LoadableMember): JsonObject {
  const { name, priority, given } = member;
  return encodeTcxFacts({
    hook: recordedHook(hook),
    name,
    priority,
    continueOn: verdictsOf(member),
    given,
    counters,
  });
}

/** `tc-eth0-ingress-firewall`; numbered where an entry of another hook has the name. */
function freeEntryName(store: Store, { interface: target, direction }: ChainHook, member: string): string {
  const base = `tc-${target}-${direction ?? 'ingress'}-${member}`;
  let name = base;
  for (let number = 2; store.peek('hook', name) !== undefined; number++) name = `${base}-${number}`;
  return name;
}

// --- another version, another place -------------------------------------------------------------------------------

function replaceMember(at: StepContext, { kind, name }: TcxStep, done: Done): Job {
  const { context, hook, options, places } = at;
  const member = valueAt(at.members, name);
  const { entry } = valueAt(at.running, name);
  const attach = (loaded: LoadedObject, program: string): Hook =>
    attachInPlace(places, name, loaded, program);
  return ready => {
    const { object, notes } = memberObject(hook, member, at.counters);
    const dryRun = options.dryRun === true;
    if (dryRun) ready();
    const replaced = replaceAttached({
      ...sourceOf(member, context.time),
      store: context.store,
      entry,
      object: stripDataSections(object),
      program: member.program,
      options: {
        ...options.load,
        ...newSettings(settingsOf(entry), member.settings),
        optimize: optimizeAdded(at, member, object),
      },
      settings: member.settings,
      fresh: at.fresh.get(name) ?? [],
      dryRun,
      ready,
      data: { ...factsOf(at, member), ...encodeOptimizeField(at.givenOptimize) },
      ...(kind === 'move' ? { attach } : {}),
    });
    const dropped = replaced.droppedSettings.map(text => `member "${name}": a setting is dropped: ${text}`);
    done({
      state: replaced.state.map(row => ofMember(row, name)),
      notes: [...notes, ...replaced.notes, ...dropped],
      optimization: replaced.optimization,
    });
  };
}

function ofMember(row: StateChange, member: string): StateChange {
  return { ...row, component: member, key: mapKey({ owner: member, name: row.map }) };
}

// --- record, unload -----------------------------------------------------------------------------------------------

function recordMember(at: StepContext, { entry }: TcxMember, member: LoadableMember): void {
  const { store } = at.context;
  withContents(store, entry, contents => {
    const data = { ...contents.data, ...factsOf(at, member) };
    store.save('hook', entry.name, { ...contents, source: member.file.name, data });
  });
}

/**
 * The entry goes first: what a killed process leaves of it is removed by the next command, and the link ends with
 * its pin. Others may hold the link for a moment, and its pin may stay, so it is detached as well.
 */
export function unloadMember(store: Store, { entry }: TcxMember): void {
  using hook = findHook(store, entry);
  try {
    store.remove(entry);
  } catch (error) {
    if (error instanceof RootletError && error.problems[0]?.class === 'partial') detachQuietly(hook);
    throw error;
  }
  afterChange(removedButHeld(entry), () => hook?.detach(null));
}

function removedButHeld(entry: StoreEntry): Happened {
  return {
    code: 'hook-half-removed',
    where: [describeEntry(entry)],
    message: 'is removed with its link, which could not be detached as well',
    hint: 'its program goes on only while another process holds the link: "rootlet ps --all" shows it',
  };
}

/** The error that led here is reported. */
function detachQuietly(hook: Hook | undefined): void {
  try {
    hook?.detach(null);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  }
}
