/** `rootlet map get`, `rootlet map dump`: elements of a map. */

import { buildCommand } from '@stricli/core';
import { type Lines, line } from '../../../src/diag/index.ts';
import {
  contentsOf,
  type EntryMap,
  type EntryView,
  formatContext,
  getElement,
  withNamedMap,
} from '../../../src/dynamic/index.ts';
import { openSys } from '../../../src/kernel/index.ts';
import { elementLines, mapTitle } from '../../../src/vm/index.ts';
import { cpuFlag, KEY, MAP } from '../../flags/elements.ts';
import { off } from '../../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../../flags/loading.ts';
import { elementFacts, entryOf, mapFacts, notesOn } from '../../format/entry-values.ts';
import { type Context, guarded, printAll, printJson, tellNotes } from '../../io/context.ts';

interface Flags extends StoreFlags {
  readonly json: boolean;
}

interface GetFlags extends Flags {
  readonly cpu?: number;
}

const FLAGS = {
  ...STORE_FLAGS,
  json: { ...off, brief: 'Output JSON (docs/schema/map.schema.json)' },
} as const;

export const getCommand = buildCommand<GetFlags, [string, string?], Context>({
  docs: {
    brief: 'Print an element of a map',
    fullDescription:
      'Print the value of a key. Maps without keys, as queues, have none: their first element is printed, and stays.',
  },
  parameters: {
    flags: { cpu: { ...cpuFlag, brief: 'Only the value of this CPU' }, ...FLAGS },
    positional: { kind: 'tuple', parameters: [MAP, KEY] },
  },
  async func(flags, name, key) {
    await guarded(this, flags.json, () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      withNamedMap(store, name, (view, map) => {
        const element = getElement(map, key, flags.cpu);
        if (flags.json)
          printJson(this, {
            ok: true,
            entry: entryOf(view),
            map: map.name,
            ...elementFacts(view, map, element.key, element.value),
            notes: notesOn(view, [map]),
          });
        else printAll(this, linesOf(view, map, [[element.key, element.value]]));
        if (!flags.json) tellNotes(this, notesOn(view, [map]));
      });
    });
  },
});

export const dumpCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Print all elements of a map',
    fullDescription:
      'Print all elements of a map, also those that are zero. What programs add and remove meanwhile may be missing.',
  },
  parameters: { flags: FLAGS, positional: { kind: 'tuple', parameters: [MAP] } },
  async func(flags, name) {
    await guarded(this, flags.json, () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      withNamedMap(store, name, (view, map) => {
        const contents = contentsOf(view, map);
        const notes = [
          ...(contents.unlisted === undefined
            ? []
            : [`the elements of ${map.name} cannot be listed: ${contents.unlisted}`]),
          ...notesOn(view, [map]),
        ];
        if (flags.json) {
          const entries = [...contents.entries()].map(([key, value]) => elementFacts(view, map, key, value));
          printJson(this, { ok: true, entry: entryOf(view), map: mapFacts(map), entries, notes });
          return;
        }
        printAll(this, [line(mapTitle(formatContext(map), contents))]);
        printAll(this, linesOf(view, map, contents.entries(), '  '));
        tellNotes(this, notes);
      });
    });
  },
});

function* linesOf(
  view: EntryView,
  map: EntryMap,
  elements: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  indent = '',
): Iterable<Lines> {
  const contents = contentsOf(view, map);
  for (const [key, value] of elements)
    for (const text of elementLines(formatContext(map), contents, key, value)) yield line(`${indent}${text}`);
}
