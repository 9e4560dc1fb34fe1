/** `rootlet load`: loads an object into the kernel, under a name. */

import { existsSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { elementAt } from '../../src/bytes/index.ts';
import { joinLines, quote, usageError } from '../../src/diag/index.ts';
import { type Binding, firstEntryState, optimizationOutlook, settingsOf } from '../../src/dynamic/index.ts';
import { type Attachment, openSys, type Sys } from '../../src/kernel/index.ts';
import {
  callNotes,
  findLacks,
  type LoadedObject,
  type LoadOptions,
  limitPlan,
  type PreparedLoad,
  requireMapCalls,
  requireMaps,
  typesOutlook,
} from '../../src/load/index.ts';
import { encodeEntryState } from '../../src/state/index.ts';
import type { JsonObject, StoreEntry } from '../../src/store/index.ts';
import {
  BIND_FLAGS,
  type BindFlags,
  type BoundJob,
  bindWaiting,
  explainBound,
  explanation,
  hasExterns,
  withBound,
} from '../flags/binding.ts';
import { parseComponent, words } from '../flags/components.ts';
import { off, text } from '../flags/kinds.ts';
import { LOAD_LIMITS, parseLimits } from '../flags/limits.ts';
import {
  entryName,
  givenNotes,
  idleNote,
  LOAD_FLAGS,
  type LoadFlags,
  loadOptionsOf,
  now,
  openStore,
  planObject,
  readObjects,
  requireFree,
  STORE_FLAGS,
  type StoreFlags,
  storeRoot,
  tailCallNotes,
} from '../flags/loading.ts';
import { makePins, plannedPins, removeExtraPins, requirePinDirectory } from '../flags/pinning.ts';
import { splitPair } from '../flags/set-values.ts';
import { parseTypes } from '../flags/types.ts';
import { entryJson, formatEntry } from '../format/entry.ts';
import { formatPlan, mapExists, type PlanView, planJson } from '../format/load-plan.ts';
import { type Context, guarded, print, printJson, printLine, tellNotes } from '../io/context.ts';

interface Flags extends LoadFlags, StoreFlags, BindFlags {
  readonly name?: string;
  readonly only?: string;
  readonly pin?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export const loadCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Load an object into the kernel, and keep it by name',
    fullDescription:
      'Load all programs and maps of an object (several objects are linked first) and pin them under a name. ' +
      '"rootlet ps" lists them, "rootlet unload NAME" unloads them.',
  },
  parameters: {
    flags: {
      name: { ...text, brief: 'Name of the entry (default: file name)', placeholder: 'N' },
      ...LOAD_FLAGS,
      ...BIND_FLAGS,
      only: {
        ...text,
        brief: 'Load only these programs, even if their autoload is disabled (SEC("?…"))',
        placeholder: 'PROG,PROG',
      },
      pin: { ...text, brief: 'Also pin programs and maps in DIR', placeholder: 'DIR' },
      ...STORE_FLAGS,
      dryRun: { ...off, brief: 'Print what would be done, and change nothing' },
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { O: 'optimize' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Object', parse: String, placeholder: 'FILE' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      const name = entryName(elementAt(paths, 0), flags.name);
      const only = flags.only === undefined ? undefined : words(flags.only);
      for (const path of paths) refuseProgram(path);
      const input = readObjects(paths, parseLimits(flags, LOAD_LIMITS), parseTypes(flags.type));
      if (flags.pin !== undefined) requirePinDirectory(flags.pin);
      const sys = openSys({ requireRights: !flags.dryRun });
      const options = loadOptionsOf(sys, storeRoot(this, flags), flags, only);
      const planned: Planned = { sys, name, input, options, only, flags };
      if (flags.dryRun) {
        dryRun(this, planned);
        return;
      }
      const store = openStore(this, flags, sys);
      tellLoaded(
        this,
        flags,
        store.locked(() => load({ ...planned, store })),
      );
    });
  },
});

/** `FILE:PROGRAM` is how other commands name a program. */
function refuseProgram(path: string): void {
  const { file, program } = parseComponent(path);
  if (program === undefined || existsSync(path) || !existsSync(file)) return;
  throw usageError('usage-program', `${quote(path)} is not a file, and load takes no FILE:PROGRAM`, {
    hint: `--only ${program} loads only this program of ${file}`,
  });
}

interface Job extends BoundJob {
  readonly flags: Flags;
}

/** A dry run needs the store for externs only. */
type Planned = Omit<Job, 'store'>;

interface Outcome {
  readonly entry: StoreEntry;
  readonly bindings: readonly Binding[];
  /** Pending externs that are bound to this object now. */
  readonly waiting: readonly string[];
  readonly notes: readonly string[];
}

/** Under the lock, so no other process takes the name meanwhile. */
function load(job: Job): Outcome {
  const { store, name, input, flags } = job;
  requireFree(store, 'object', name);
  const outcome = withBound(job, (loaded, { data, links, bindings }) => {
    const entry = save(job, loaded, data, links);
    const idle = idleNote(input.object, loaded);
    const notes = [
      ...loaded.notes,
      ...givenNotes(flags, loaded.plan),
      ...tailCallNotes(input, loaded),
      ...(idle === undefined ? [] : [idle]),
    ];
    return { entry, bindings, notes };
  });
  const { done, notes } = bindWaiting(store, name);
  return { ...outcome, waiting: done, notes: [...outcome.notes, ...notes] };
}

/** With --pin, the pins are made right before the entry counts: a killed load leaves neither. */
function save(
  { store, name, input, flags, options }: Job,
  loaded: LoadedObject,
  data: JsonObject,
  links: ReadonlyMap<string, Attachment>,
): StoreEntry {
  const { pin: root } = flags;
  const pins = root === undefined ? [] : plannedPins(root, loaded);
  const contents = {
    source: input.source,
    time: now(),
    programs: loaded.programs,
    maps: loaded.maps,
    links,
    files: input.files,
    data: {
      ...data,
      ...encodeEntryState(firstEntryState(loaded, settingsOf(options), options.optimize)),
      pins: pins.map(pin => ({ ...pin })),
    },
  };
  if (root === undefined) return store.save('object', name, contents);
  try {
    return store.save('object', name, contents, () => makePins(root, loaded, pins));
  } catch (error) {
    removeExtraPins(store.sys, pins);
    throw error;
  }
}

function dryRun(context: Context, job: Planned): void {
  const { sys, input, name, options, flags, only } = job;
  if (hasExterns(input)) {
    const bindings = explainBound({ ...job, store: openStore(context, flags, sys) });
    const { notes } = optimizationOutlook(input.object, options.optimize);
    if (flags.json) {
      printJson(context, { ok: true, dryRun: true, bindings, notes });
      return;
    }
    tellNotes(context, notes);
    print(context, joinLines([`would load ${name}`, ...explanation(bindings)]));
    return;
  }
  const prepared = planObject(sys, input, flags, options, only);
  tellPlan(context, flags, { sys, name, prepared, options });
}

function tellPlan(
  context: Context,
  flags: Flags,
  job: {
    readonly sys: Sys;
    readonly name: string;
    readonly prepared: PreparedLoad;
    readonly options: LoadOptions;
  },
): void {
  const { sys, name, prepared, options } = job;
  const lacks = findLacks(sys, prepared.plan);
  const limited = lacks.size === 0 ? { plan: prepared.plan, notes: [] } : limitPlan(prepared.plan, lacks);
  const view: PlanView = {
    ...prepared,
    name,
    given: new Map((flags.map ?? []).map(word => splitPair(word, '--map', 'NAME=PIN'))),
    pinRoot: options.pinRoot ?? null,
    fallbacks: limited.notes,
    typeNotes: [...typesOutlook(limited.plan, sys), ...callNotes(limited.plan)],
    exists: existsSync,
  };
  requireMaps(view.plan, map => mapExists(view, map));
  requireMapCalls(view.plan);
  if (flags.json) printJson(context, { ok: true, dryRun: true, plan: planJson(view) });
  else print(context, formatPlan(view));
}

function tellLoaded(context: Context, flags: Flags, outcome: Outcome): void {
  const { entry, bindings, waiting, notes } = outcome;
  if (flags.json) {
    printJson(context, { ok: true, entry: entryJson(entry), bindings, waiting, notes });
    return;
  }
  tellNotes(context, notes);
  print(context, formatEntry(`loaded ${entry.name}`, entry));
  if (flags.explain) for (const line of explanation(bindings)) printLine(context, line);
  for (const line of waiting) printLine(context, line);
}
