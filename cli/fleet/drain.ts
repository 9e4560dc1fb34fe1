/** The body of `rootlet fleet drain`. */

import { drainHost, requireWord } from '../../src/fleet/index.ts';
import type { DrainFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine } from '../io/context.ts';
import { noteOf, withFleet } from './context.ts';

export async function drain(context: Context, flags: DrainFlags, host: string): Promise<void> {
  requireWord('the name of a host', host);
  const drained = !flags.undo;
  await withFleet(context, flags, fleet => drainHost(fleet, host, noteOf(flags), flags.undo));
  if (flags.json) printJson(context, { ok: true, host, drained });
  else
    printLine(
      context,
      `${host}: ${drained ? 'is to run nothing of the fleet' : 'is to run its revision again'}`,
    );
}
