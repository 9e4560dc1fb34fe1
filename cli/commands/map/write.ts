/** `rootlet map put`, `rootlet map delete`: changes of elements. */

import { buildCommand } from '@stricli/core';
import { usageError } from '../../../src/diag/index.ts';
import type { EntryMap, EntryView } from '../../../src/dynamic/index.ts';
import { deleteElement, type ElementChange, putElement, withNamedMap } from '../../../src/dynamic/index.ts';
import { openSys } from '../../../src/kernel/index.ts';
import { cpuFlag, KEY, MAP, type PutFlags, putMode } from '../../flags/elements.ts';
import { off } from '../../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../../flags/loading.ts';
import { changeJson, changeText, notesOn } from '../../format/entry-values.ts';
import { type Context, guarded, printJson, printLine, tellNotes } from '../../io/context.ts';

interface Flags extends StoreFlags {
  readonly dryRun: boolean;
  readonly json: boolean;
}

const FLAGS = {
  dryRun: { ...off, brief: 'Print what would change, and change nothing' },
  ...STORE_FLAGS,
  json: { ...off, brief: 'Output JSON (docs/schema/map.schema.json)' },
} as const;

export const putCommand = buildCommand<Flags & PutFlags & { readonly cpu?: number }, string[], Context>({
  docs: {
    brief: 'Write an element of a map',
    fullDescription:
      'Write an element: NAME.MAP KEY VALUE, or NAME.MAP VALUE for maps without keys. Members and elements of the value that ' +
      'are not given are 0. Maps with a value for each CPU get it for all of them, unless --cpu names one.',
  },
  parameters: {
    flags: {
      exist: { ...off, brief: 'Only an element that is there (BPF_EXIST)' },
      noexist: { ...off, brief: 'Only an element that is not there (BPF_NOEXIST)' },
      cpu: { ...cpuFlag, brief: 'Write the value of this CPU only' },
      ...FLAGS,
    },
    positional: {
      kind: 'array',
      minimum: 2,
      parameter: { parse: String, placeholder: 'NAME.MAP KEY VALUE', brief: 'Map, key, and value' },
    },
  },
  async func(flags, name = '', ...words) {
    await guarded(this, flags.json, () => {
      const mode = putMode(flags);
      const { cpu, dryRun } = flags;
      change(this, flags, name, map => {
        const [key, value] = keyAndValue(map, words);
        return putElement(map, { key, value, mode, cpu, dryRun });
      });
    });
  },
});

export const deleteCommand = buildCommand<Flags, [string, string?], Context>({
  docs: {
    brief: 'Delete an element of a map',
    fullDescription: 'Delete an element; of a queue or a stack, which have no keys, the first one.',
  },
  parameters: { flags: FLAGS, positional: { kind: 'tuple', parameters: [MAP, KEY] } },
  async func(flags, name, key) {
    await guarded(this, flags.json, () =>
      change(this, flags, name, map => deleteElement(map, key, flags.dryRun)),
    );
  },
});

function keyAndValue(
  { definition }: EntryMap,
  words: readonly string[],
): [key: string | undefined, value: string] {
  const [first = '', second, ...more] = words;
  const wanted = definition.keySize === 0 ? 1 : 2;
  if (more.length > 0 || words.length !== wanted)
    throw usageError('usage-arguments', `${wanted === 1 ? 'a value' : 'a key and a value'} must be given`, {
      hint: 'quote values with spaces or braces for the shell',
    });
  return second === undefined ? [undefined, first] : [first, second];
}

/** No other command replaces the map meanwhile. */
function change(context: Context, flags: Flags, name: string, make: (map: EntryMap) => ElementChange): void {
  const store = openStore(context, flags, openSys({ requireRights: false }));
  const run = () => withNamedMap(store, name, (view, map) => report(context, flags, view, map, make(map)));
  if (flags.dryRun) run();
  else store.locked(run);
}

function report(context: Context, flags: Flags, view: EntryView, map: EntryMap, done: ElementChange): void {
  const notes = [...done.notes, ...notesOn(view, [map])];
  if (flags.json) {
    printJson(context, { ok: true, dryRun: flags.dryRun, ...changeJson(view, map, done), notes });
    return;
  }
  for (const text of changeText(view, map, done, flags.dryRun)) printLine(context, text);
  tellNotes(context, notes);
}
