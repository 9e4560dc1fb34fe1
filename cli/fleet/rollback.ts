/** The body of `rootlet fleet rollback`. */

import { rollBack } from '../../src/fleet/index.ts';
import type { RollbackFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine } from '../io/context.ts';
import { noteOf, withFleet } from './context.ts';

export async function rollback(
  context: Context,
  flags: RollbackFlags,
  to: number | undefined,
): Promise<void> {
  const { revision, rollbackOf } = await withFleet(context, flags, fleet =>
    rollBack(fleet, to, noteOf(flags)),
  );
  if (flags.json) printJson(context, { ok: true, revision, rollbackOf });
  else printLine(context, `revision ${revision}, with the contents of ${rollbackOf}, for all hosts`);
}
