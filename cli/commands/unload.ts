/** `rootlet unload`: lets go of what `load` kept. */

import { buildCommand } from '@stricli/core';
import { releaseConsumers } from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { entriesToRemove, openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { extraPinsOf, removeExtraPins } from '../flags/pinning.ts';
import { type Context, guarded, print, printJson, tell } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly force: boolean;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const unloadCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Let go of a loaded object',
    fullDescription:
      'Removes the pins of an object that "rootlet load" kept. Programs that are attached elsewhere, and maps that ' +
      'other programs use, live on there.',
  },
  parameters: {
    flags: {
      force: { ...off, brief: 'Although others use it, or its record cannot be read' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'As JSON' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name', parse: String, placeholder: 'NAME' },
    },
  },
  async func(flags, ...names) {
    await guarded(this, flags.json, () => {
      const store = openStore(this, flags, openSys());
      const left = new Set<string>();
      store.locked(() => {
        for (const entry of entriesToRemove(store, 'object', names, flags.force)) {
          if (entry.kind !== 'broken') {
            removeExtraPins(store.sys, extraPinsOf(entry));
            if (flags.force) for (const consumer of releaseConsumers(store, entry)) left.add(consumer);
          }
          store.remove(entry);
        }
      });
      const consumers = [...left].filter(name => !names.includes(name));
      if (flags.json) {
        printJson(this, { ok: true, unloaded: names, consumers });
        return;
      }
      for (const name of names) print(this, `unloaded ${name}`);
      for (const name of consumers) tell(this, `rootlet: note: ${name} keeps what it took from it`);
    });
  },
});
