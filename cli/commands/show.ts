/** `rootlet show`: what an entry has, the elements of a map, the value of a variable. */

import { buildCommand } from '@stricli/core';
import { asLines, joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import {
  contentsOf,
  type EntryMap,
  formatContext,
  type NamedItem,
  withNamed,
} from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { formatMapContents } from '../../src/vm/index.ts';
import { off } from '../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import {
  entryOf,
  formatView,
  mapJson,
  notesOn,
  variableJson,
  variableText,
  viewJson,
} from '../format/entry-values.ts';
import { type Context, guarded, print, printJson, tellNotes } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly json: boolean;
}

export const showCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Show maps and variables of what is loaded',
    fullDescription:
      'Print what an attachment or a loaded object has: programs, maps, variables with their values. NAME.MAP prints the ' +
      'elements of a map, NAME.VARIABLE the value of a variable, by their C types: those that the kernel has, or those of ' +
      'the file. A part of a variable is named as in C: NAME.cfg.limit, NAME.table[3].',
  },
  parameters: {
    flags: { ...STORE_FLAGS, json: { ...off, brief: 'Output JSON (docs/schema/show.schema.json)' } },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          placeholder: 'NAME[.MAP|.VARIABLE]',
          brief: 'Attachment or loaded object, and what of it',
        },
      ],
    },
  },
  async func(flags, name) {
    await guarded(this, flags.json, () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      withNamed(store, name, found => {
        if (flags.json) {
          printJson(this, { ok: true, ...foundJson(found) });
          return;
        }
        print(this, formatFound(found));
        tellNotes(this, notesOn(found.view, mapsOf(found)));
      });
    });
  },
});

/** The maps that are shown. */
function mapsOf({ view, item }: NamedItem): readonly EntryMap[] {
  if (item === undefined) return view.maps;
  return [item.kind === 'map' ? item : item.in];
}

function formatFound({ view, item, path }: NamedItem): Lines {
  if (item === undefined) return formatView(view);
  if (item.kind === 'variable') return line(variableText(item, path));
  const variables = view.variables.filter(variable => variable.in === item);
  if (variables.length === 0) return asLines(formatMapContents(formatContext(item), contentsOf(view, item)));
  return joinBlocks([
    line(`${item.name} (global variables):`),
    ...variables.map(variable => line(`  ${variableText(variable, [])}`)),
  ]);
}

function foundJson({ view, item, path }: NamedItem): Readonly<Record<string, unknown>> {
  if (item === undefined) return viewJson(view);
  const notes = notesOn(view, mapsOf({ view, item, path }));
  if (item.kind === 'variable') return { entry: entryOf(view), variable: variableJson(item, path), notes };
  const variables = view.variables.filter(variable => variable.in === item);
  return {
    entry: entryOf(view),
    map: mapJson(view, item),
    ...(variables.length === 0 ? {} : { variables: variables.map(one => variableJson(one, [])) }),
    notes,
  };
}
