/** `rootlet events`: records of a ring buffer or a perf event array, as they come. */

import { buildCommand, numberParser } from '@stricli/core';
import { counted } from '../../src/diag/index.ts';
import {
  type EntryView,
  find,
  openEvents,
  recordJson,
  recordType,
  requireMap,
} from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { text } from '../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { type Context, guarded, printJsonLine, tellLine, tellNotes } from '../io/context.ts';
import { Stop } from '../io/stop.ts';

interface Flags extends StoreFlags {
  readonly type?: string;
  readonly count?: number;
}

/** Milliseconds between two looks at an empty buffer. */
const POLL = 50;
/** Records that are printed before signals are looked at. */
const AT_ONCE = 256;

export const eventsCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Follow records of a ring buffer',
    fullDescription:
      'Print the records that programs write into a ring buffer or a perf event array, a line of JSON each ' +
      '(docs/schema/events.schema.json), until ^C. Their type is the value type of the map, or --type. Records are taken out: ' +
      'no other process gets them.',
  },
  parameters: {
    flags: {
      type: { ...text, brief: 'Structure of the records, of the types of the file', placeholder: 'STRUCT' },
      count: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'End after so many records',
        placeholder: 'N',
      },
      ...STORE_FLAGS,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, placeholder: 'NAME.MAP', brief: 'Attachment or loaded object, and its map' },
      ],
    },
  },
  async func(flags, name) {
    await guarded(this, false, async () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      const views: EntryView[] = [];
      try {
        const found = find(store, name, views);
        await follow(this, flags, found.view, requireMap(name, found));
      } finally {
        for (const view of views) view.close();
      }
    });
  },
});

async function follow(
  context: Context,
  flags: Flags,
  view: EntryView,
  map: ReturnType<typeof requireMap>,
): Promise<void> {
  const type = recordType(view, map, flags.type);
  if (type === undefined)
    tellNotes(context, [`the type of the records of ${map.name} is not known: --type STRUCT names it`]);
  using stop = new Stop();
  const source = openEvents(map);
  try {
    const limit = flags.count ?? Number.POSITIVE_INFINITY;
    for (let printed = 0; printed < limit && !stop.isStopped; ) {
      const records = source.read(Math.min(AT_ONCE, limit - printed));
      for (const record of records) printJsonLine(context, { ok: true, ...recordJson(record, type) });
      printed += records.length;
      await stop.wait(records.length === 0 ? POLL : 0);
    }
    const lost = source.lost();
    if (lost !== null && lost > 0) tellLine(context, `rootlet: ${counted(lost, 'record')} were lost`);
  } finally {
    source.close();
  }
}
