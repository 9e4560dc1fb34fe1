/** `rootlet detach`: detaches what `attach` attached. */

import { buildCommand } from '@stricli/core';
import { type Removal, removeBrokenHook, removeHook } from '../../src/hooks/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import type { BrokenEntry, Store, StoreEntry } from '../../src/store/index.ts';
import { off } from '../flags/kinds.ts';
import { entriesToRemove, openStore, removeEach, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { type Context, guarded, printJson, printLine } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly force: boolean;
  readonly json: boolean;
}

export const detachCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Detach programs from their hooks and unload them',
    fullDescription:
      'Detach programs that "rootlet attach" attached, and remove their entries. "rootlet ps" lists the names.',
  },
  parameters: {
    flags: {
      force: {
        ...off,
        brief: 'Remove the entry even if it is still in use, or its record or hook cannot be reached',
      },
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
      const removed = new Map<string, Removal>();
      try {
        store.locked(() => {
          removeEach(entriesToRemove(store, 'hook', names, flags.force), entry => {
            removed.set(entry.name, remove(store, entry, flags.force));
          });
        });
      } finally {
        // those before the one that failed are gone
        if (!flags.json) for (const [name, removal] of removed) tellRemoved(this, name, removal);
      }
      if (flags.json) printJson(this, { ok: true, ...removedJson(removed) });
    });
  },
});

function remove(store: Store, entry: StoreEntry | BrokenEntry, force: boolean): Removal {
  return entry.kind === 'broken' ? removeBrokenHook(store, entry) : removeHook(store, entry, force);
}

function tellRemoved(context: Context, name: string, removal: Removal): void {
  switch (removal.kind) {
    case 'detached':
      printLine(context, `detached ${name}`);
      break;
    case 'ended':
      printLine(context, `removed ${name}: ${removal.why}`);
      break;
    case 'left':
      printLine(context, `removed the entry ${name}, but its program may go on running: ${removal.why}`);
      if (removal.command !== null) printLine(context, `to detach it: ${removal.command}`);
  }
}

function removedJson(removed: ReadonlyMap<string, Removal>): Record<string, unknown> {
  const all = [...removed];
  return {
    detached: all.flatMap(([name, { kind }]) => (kind === 'detached' ? [name] : [])),
    removed: all.flatMap(([name, one]) => (one.kind === 'detached' ? [] : [{ name, ...one }])),
  };
}
