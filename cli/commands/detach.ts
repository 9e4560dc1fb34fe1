/** `rootlet detach`: takes off its hook what `attach` put there. */

import { buildCommand } from '@stricli/core';
import { openSys } from '../../src/kernel/sys-koffi.ts';
import { type Context, guarded, print, printJson } from '../context.ts';
import { removeHook } from '../hook-entry.ts';
import { entriesToRemove, openStore, STORE_FLAGS, type StoreFlags } from '../loading.ts';

interface Flags extends StoreFlags {
  readonly force: boolean;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const detachCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Take a program off its hook, and let go of it and its maps',
    fullDescription: 'Ends what "rootlet attach" made, by its name. "rootlet ps" lists the names.',
  },
  parameters: {
    flags: {
      force: { ...off, brief: 'Although others use it, or its record or hook cannot be reached' },
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
      store.locked(() => {
        for (const entry of entriesToRemove(store, 'hook', names, flags.force)) {
          if (entry.kind === 'broken') store.remove(entry);
          else removeHook(store, entry, flags.force);
        }
      });
      if (flags.json) printJson(this, { ok: true, detached: names });
      else for (const name of names) print(this, `detached ${name}`);
    });
  },
});
