/** `rootlet upgrade`: a new version of a loaded object, for all that use it, while they run. */

import { buildCommand } from '@stricli/core';
import { type UpgradeReport, upgrade } from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/sys-koffi.ts';
import { words } from '../components.ts';
import { type Context, guarded, print, printJson, tell } from '../context.ts';
import { entryJson, formatEntry } from '../format/entry.ts';
import {
  entryName,
  LOAD_FLAGS,
  type LoadFlags,
  loadOptionsOf,
  now,
  openStore,
  readObjects,
  requireEntry,
  STORE_FLAGS,
  type StoreFlags,
} from '../loading.ts';
import { listFlag } from '../surgery-flags.ts';

interface Flags extends Omit<LoadFlags, 'map' | 'verifierLog'>, StoreFlags {
  readonly name?: string;
  readonly fresh?: readonly string[];
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const upgradeCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Put a new version in the place of a loaded object, for all that use it',
    fullDescription:
      'Loads the new version on the state of the old one and moves everything that is bound to it. Maps and variables ' +
      'are kept where they are the same, variables that moved are copied; what cannot be kept is refused. When anything ' +
      'fails, the old version stays.',
  },
  parameters: {
    flags: {
      name: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: "Name of the loaded object (the file's)",
        placeholder: 'N',
      },
      fresh: listFlag('NAME,…', 'Maps, sections or variables that may start anew; * for all'),
      set: LOAD_FLAGS.set,
      btf: LOAD_FLAGS.btf,
      kconfig: LOAD_FLAGS.kconfig,
      maxEntries: LOAD_FLAGS.maxEntries,
      ...STORE_FLAGS,
      json: { ...off, brief: 'As JSON' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Object', parse: String, placeholder: 'FILE' },
    },
  },
  async func(flags, ...paths) {
    await guarded(this, flags.json, () => {
      const name = entryName(paths[0] ?? '', flags.name);
      const input = readObjects(paths);
      const sys = openSys();
      const store = openStore(this, flags, sys);
      requireEntry(store, 'object', name);
      const { globals, maxEntries, kernelTypes, kconfig } = loadOptionsOf(sys, store, flags, undefined);
      const report = upgrade(store, name, input.object, {
        source: input.source,
        files: input.files,
        time: now(),
        fresh: (flags.fresh ?? []).flatMap(words),
        ...(globals === undefined ? {} : { globals }),
        ...(maxEntries === undefined ? {} : { maxEntries }),
        ...(kernelTypes === undefined ? {} : { kernelTypes }),
        ...(kconfig === undefined ? {} : { kconfig }),
      });
      tellUpgraded(this, flags, report);
    });
  },
});

function tellUpgraded(context: Context, flags: Flags, report: UpgradeReport): void {
  const { entry, state, consumers, notes } = report;
  if (flags.json) {
    printJson(context, { ok: true, entry: entryJson(entry), state, consumers, notes });
    return;
  }
  for (const note of notes) tell(context, `rootlet: note: ${note}`);
  print(context, formatEntry(`upgraded ${entry.name}`, entry));
  for (const { name, kind, why } of state) if (kind !== 'kept') print(context, `  ${name}: ${kind} (${why})`);
  for (const one of consumers) print(context, `  ${one.kind} ${one.name}: ${describeHow(one.how)}`);
}

const WORDS: Readonly<Record<UpgradeReport['consumers'][number]['how'][number], string>> = {
  slot: 'its tail-call slot has the new version',
  stub: 'its stubs have the new version',
  reload: 'loaded anew',
  hook: 'loaded anew and exchanged where it is attached',
};

function describeHow(how: UpgradeReport['consumers'][number]['how']): string {
  return how.length === 0 ? 'has nothing that changed' : how.map(one => WORDS[one]).join(', ');
}
