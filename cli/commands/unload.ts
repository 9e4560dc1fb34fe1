/** `rootlet unload`: unloads what `load` loaded. */

import { buildCommand } from '@stricli/core';
import { quote } from '../../src/diag/index.ts';
import { releaseConsumers } from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { entriesToRemove, openStore, removeEach, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { extraPinsOf, removeExtraPins } from '../flags/pinning.ts';
import { type Context, guarded, printJson, printLine, tellLine, tellNotes } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly force: boolean;
  readonly json: boolean;
}

export const unloadCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Unload an object',
    fullDescription:
      'Remove objects that "rootlet load" keeps. Their programs that are attached elsewhere, and their maps that other ' +
      'programs use, stay in the kernel.',
  },
  parameters: {
    flags: {
      force: { ...off, brief: 'Unload even if it is still in use, or if its record cannot be read' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name of the entry', parse: String, placeholder: 'NAME' },
    },
  },
  async func(flags, ...names) {
    await guarded(this, flags.json, () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      const left = new Set<string>();
      const pins: string[] = [];
      store.locked(() => {
        removeEach(entriesToRemove(store, 'object', names, flags.force), entry => {
          if (entry.kind !== 'broken') {
            pins.push(...removeExtraPins(store.sys, extraPinsOf(entry)));
            if (flags.force) for (const consumer of releaseConsumers(store, entry)) left.add(consumer);
          }
          store.remove(entry);
        });
      });
      const notes = pins.map(path => `${quote(path)} is left: it is not the pin that --pin made`);
      const consumers = [...left].filter(name => !names.includes(name));
      if (flags.json) {
        printJson(this, { ok: true, unloaded: names, consumers, notes });
        return;
      }
      for (const name of names) printLine(this, `unloaded ${name}`);
      tellNotes(this, notes);
      for (const name of consumers)
        tellLine(this, `rootlet: note: ${name} keeps the code and maps that it uses`);
    });
  },
});
