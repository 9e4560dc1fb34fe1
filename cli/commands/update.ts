/** `rootlet update`: another program in the place of an attached one, without a gap. */

import { buildCommand } from '@stricli/core';
import { usageError } from '../../src/diag/index.ts';
import { isStubMap } from '../../src/dynamic/index.ts';
import { fieldsOf } from '../../src/hooks/fields.ts';
import {
  chooseProgram,
  type Hook,
  type HookRequest,
  hookContents,
  hookFacts,
  isOperations,
  openHook,
  prepareOperations,
  programsToLoad,
  variablesOf,
} from '../../src/hooks/index.ts';
import type { BpfProgram } from '../../src/kernel/program.ts';
import type { Sys } from '../../src/kernel/sys.ts';
import { openSys } from '../../src/kernel/sys-koffi.ts';
import type { LoadedObject, LoadOptions, PreparedLoad } from '../../src/load/index.ts';
import type { Store, StoreEntry } from '../../src/store/index.ts';
import { BIND_FLAGS, type BindFlags, hasExterns, type Kept, withBound } from '../binding.ts';
import { parseComponent } from '../components.ts';
import { type Context, guarded, print, printJson, tell } from '../context.ts';
import { entryJson, formatEntry } from '../format/entry.ts';
import {
  LOAD_FLAGS,
  type LoadFlags,
  loadOptionsOf,
  now,
  type ObjectInput,
  openStore,
  planObject,
  readObjects,
  requireEntry,
  STORE_FLAGS,
  type StoreFlags,
} from '../loading.ts';
import { type KeptMap, StateKeeper } from '../updating.ts';

interface Flags extends LoadFlags, StoreFlags, BindFlags {
  readonly fresh: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const updateCommand = buildCommand<Flags, [string, string], Context>({
  docs: {
    brief: 'Exchange the program of an attachment in one step',
    fullDescription:
      'Loads a program and puts it in the place of the one that "rootlet attach" attached: every packet is judged by ' +
      'one of the two. Maps and variables of equal name and definition are kept with what is in them.',
  },
  parameters: {
    flags: {
      fresh: { ...off, brief: 'Keep no maps and variables' },
      force: { ...off, brief: 'Replace whatever is attached there now' },
      ...LOAD_FLAGS,
      ...BIND_FLAGS,
      ...STORE_FLAGS,
      json: { ...off, brief: 'As JSON' },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Name of the attachment', parse: String, placeholder: 'NAME' },
        {
          brief: 'Object, and program where there are several',
          parse: String,
          placeholder: 'FILE[:PROGRAM]',
        },
      ],
    },
  },
  async func(flags, name, component) {
    await guarded(this, flags.json, () => {
      const { file, program } = parseComponent(component);
      const input = readObjects([file]);
      const sys = openSys();
      const store = openStore(this, flags, sys);
      const outcome = store.locked(() => update({ sys, store, flags, name, input, wanted: program }));
      tellUpdated(this, flags, outcome);
    });
  },
});

interface Job {
  readonly sys: Sys;
  readonly store: Store;
  readonly flags: Flags;
  readonly name: string;
  readonly input: ObjectInput;
  readonly wanted: string | undefined;
}

interface Outcome {
  readonly entry: StoreEntry;
  readonly maps: readonly KeptMap[];
  readonly notes: readonly string[];
}

function update(job: Job): Outcome {
  const { store, name, input, wanted } = job;
  requireEntry(store, 'hook', name);
  const entry = store.find('hook', name);
  if (entry === undefined) throw usageError('store-no-entry', `${name} is gone`);
  const facts = hookFacts(entry);
  const hook: HookRequest = { kind: facts.kind, target: facts.target, place: {} };
  const tables = isOperations(hook);
  const main = chooseProgram(input.object, hook, wanted);
  const attached = openHook(store, entry);
  try {
    attached.requireUpdatable();
    return exchangeOn(job, entry, attached, main, tables);
  } finally {
    attached.close();
  }
}

/** `tables`: `main` is no program but a table of operations. */
function exchangeOn(job: Job, entry: StoreEntry, attached: Hook, main: string, tables: boolean): Outcome {
  const { sys, store, flags, input } = job;
  const only = tables ? undefined : programsToLoad(input.object, main);
  const given = loadOptionsOf(sys, store, flags, only);
  // externs of other objects are bound when it is loaded; what state there is does not depend on them
  const planned = hasExterns(input) ? { ...given, programs: () => false } : given;
  const prepared = planObject(sys, input, flags, planned, only);
  const keeper = flags.fresh ? null : new StateKeeper(store, entry, prepared.plan);
  const reuse: LoadOptions['reuse'] = plan =>
    given.reuse?.(plan) ?? (isStubMap(plan.name) ? undefined : keeper?.reuse(plan));
  const options = { ...given, reuse };
  return withBound({ ...job, options, only }, (loaded, kept) => {
    const step = tables
      ? tableStep(store, entry, attached, loaded, main, flags.force)
      : programStep(store, entry, attached, loaded.program(main), flags.force);
    const saved = replace(job, entry, attached, loaded, main, kept, step);
    setKeptVariables(loaded, prepared, keeper?.results ?? [], options);
    return { entry: saved, maps: keeper?.results ?? [], notes: loaded.notes };
  });
}

/** The change on the hook, and its way back. */
interface Step {
  readonly exchange: () => void;
  readonly takeBack: () => void;
  readonly close: () => void;
}

function programStep(
  store: Store,
  entry: StoreEntry,
  attached: Hook,
  next: BpfProgram,
  force: boolean,
): Step {
  const old = openOld(store, entry, force);
  return {
    exchange: () => attached.update(next, force ? null : old),
    takeBack: () => {
      if (old !== null) attached.update(old, next);
    },
    close: () => old?.close(),
  };
}

function tableStep(
  store: Store,
  entry: StoreEntry,
  attached: Hook,
  loaded: LoadedObject,
  table: string,
  force: boolean,
): Step {
  const old = store.openMap(entry, hookFacts(entry).program);
  return {
    exchange: () => attached.update(prepareOperations(loaded, table), force ? null : old),
    takeBack: () => attached.update(old, loaded.map(table)),
    close: () => old.close(),
  };
}

/** The hook changes when everything is pinned; should saving fail after that, it changes back. */
function replace(
  job: Job,
  entry: StoreEntry,
  attached: Hook,
  loaded: LoadedObject,
  main: string,
  kept: Kept,
  step: Step,
): StoreEntry {
  const { store, name, input } = job;
  let exchanged = false;
  const { attach, dynamic: _oldBindings, ...others } = entry.record.data;
  const data = {
    ...others,
    ...attached.record,
    attach: { ...fieldsOf(attach), program: main, place: attached.place },
    variables: variablesOf(loaded),
    ...kept.data,
  };
  const contents = hookContents({ ...input, time: now() }, loaded, attached, data);
  const links = new Map([...(contents.links ?? []), ...kept.links]);
  try {
    return store.save('hook', name, { ...contents, links }, () => {
      step.exchange();
      exchanged = true;
    });
  } catch (error) {
    if (exchanged) step.takeBack();
    throw error;
  } finally {
    step.close();
  }
}

function openOld(store: Store, entry: StoreEntry, force: boolean): BpfProgram | null {
  try {
    return store.openProgram(entry, hookFacts(entry).program);
  } catch (error) {
    if (force) return null;
    throw error;
  }
}

/** Values of --set go into new maps while these are made; kept ones get them now. */
function setKeptVariables(
  loaded: LoadedObject,
  { plan }: PreparedLoad,
  maps: readonly KeptMap[],
  { globals = {} }: LoadOptions,
): void {
  const kept = new Set(maps.flatMap(map => (map.kept ? [map.name] : [])));
  const values = globals instanceof Map ? globals : Object.entries(globals);
  for (const [name, value] of values) {
    const global = plan.globals.find(
      candidate => candidate.name === name || `${candidate.section}:${candidate.name}` === name,
    );
    if (global !== undefined && kept.has(global.section)) loaded.variables.set(name, value);
  }
}

function tellUpdated(context: Context, flags: Flags, { entry, maps, notes }: Outcome): void {
  if (flags.json) {
    printJson(context, { ok: true, entry: entryJson(entry), maps, notes });
    return;
  }
  for (const note of notes) tell(context, `rootlet: note: ${note}`);
  const facts = hookFacts(entry);
  print(context, formatEntry(`${facts.place} now runs ${facts.program} (${entry.name})`, entry));
  const kept = maps.flatMap(map => (map.kept ? [map.name] : []));
  if (kept.length > 0) print(context, `kept: ${kept.join(', ')}`);
  for (const map of maps) if (!map.kept) print(context, `not kept: ${map.name}: ${map.why}`);
}
