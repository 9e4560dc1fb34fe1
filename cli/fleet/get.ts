/** The body of `rootlet fleet get`. */

import { joinLines, usageError } from '../../src/diag/index.ts';
import { type FleetContext, type Revision, readNewest, requireRevision } from '../../src/fleet/index.ts';
import type { GetFlags } from '../flags/fleet-commands.ts';
import { type Context, print, printJson } from '../io/context.ts';
import { withFleet } from './context.ts';

export async function get(context: Context, flags: GetFlags, number: number | undefined): Promise<void> {
  const found = await withFleet(context, flags, fleet => revisionOrNewest(fleet, number));
  if (flags.json) printJson(context, { ok: true, ...found });
  else print(context, joinLines(found.document.replace(/\n$/, '').split('\n')));
}

/** Throws `fleet-revision`. */
export async function revisionOrNewest(fleet: FleetContext, number: number | undefined): Promise<Revision> {
  const wanted = number ?? (await readNewest(fleet));
  if (Number.isInteger(wanted) && wanted > 0) return requireRevision(fleet, wanted);
  throw usageError(
    'fleet-revision',
    number === undefined ? 'there is no revision yet' : `${number} is not a revision`,
    {
      hint: '"rootlet fleet put -f FILE" writes one; "rootlet fleet history" lists them',
    },
  );
}
