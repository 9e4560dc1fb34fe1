/** The body of `rootlet fleet drain`. */

import { requireWord } from '../../src/fleet/index.ts';
import type { DrainFlags } from '../commands/fleet/drain.ts';
import { type Context, printJson, printLine } from '../io/context.ts';
import { noteOf, withFleet } from './context.ts';

export async function drain(context: Context, flags: DrainFlags, host: string): Promise<void> {
  requireWord('the name of a host', host);
  const drained = !flags.undo;
  await withFleet(context, flags, async ({ etcd, keys }) => {
    const key = keys.drained(host);
    const record = JSON.stringify({ ...noteOf(flags), drained: true });
    await etcd.transact([], [drained ? { put: key, value: record } : { delete: key }]);
  });
  if (flags.json) printJson(context, { ok: true, host, drained });
  else
    printLine(
      context,
      `${host}: ${drained ? 'is to run nothing of the fleet' : 'is to run its revision again'}`,
    );
}
