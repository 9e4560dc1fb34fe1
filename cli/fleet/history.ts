/** The body of `rootlet fleet history`. */

import { usageError } from '../../src/diag/index.ts';
import { listRevisions, type Revision, readCurrent, type Target } from '../../src/fleet/index.ts';
import type { HistoryFlags } from '../flags/fleet-commands.ts';
import { table } from '../format/table.ts';
import { type Context, print, printJson } from '../io/context.ts';
import { withFleet } from './context.ts';

export async function history(context: Context, flags: HistoryFlags): Promise<void> {
  const { count } = flags;
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw usageError('fleet-option', `--count ${count} is not a number from 1 to 10000`);
  const { revisions, target } = await withFleet(context, flags, async fleet => ({
    revisions: await listRevisions(fleet, count),
    target: (await readCurrent(fleet)).target,
  }));
  if (flags.json) {
    const listed = revisions.map(({ document: _document, ...one }) => ({
      ...one,
      use: useOf(one.revision, target),
    }));
    printJson(context, { ok: true, target, revisions: listed });
    return;
  }
  const rows = revisions.map(one => rowOf(one, target));
  print(context, table([['REVISION', 'TIME', 'AUTHOR', 'HOSTS', 'MESSAGE'], ...rows]));
}

function useOf(revision: number, { stable, next }: Target): 'all' | 'some' | null {
  if (revision === stable) return 'all';
  return revision === next?.revision ? 'some' : null;
}

function rowOf({ revision, time, author, message, rollbackOf }: Revision, target: Target): string[] {
  const use = useOf(revision, target);
  const note =
    rollbackOf === null ? message : `contents of ${rollbackOf}${message === '' ? '' : `: ${message}`}`;
  const shown = note.replace(/\n.*/s, '');
  return [
    String(revision),
    new Date(time).toISOString().slice(0, 19),
    author,
    use === null ? '-' : use,
    shown,
  ];
}
