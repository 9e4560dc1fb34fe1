/** The body of `rootlet fleet put`. */

import { given } from '../../src/bytes/index.ts';
import { usageError } from '../../src/diag/index.ts';
import { parseReference, putDocuments, readCurrent, resolveReference } from '../../src/fleet/index.ts';
import type { PutFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine, tellNotes } from '../io/context.ts';
import { readInput } from '../io/files.ts';
import { noteOf, withFleet } from './context.ts';
import { openRegistry } from './registry.ts';

export async function put(context: Context, flags: PutFlags): Promise<void> {
  const { file, after, now } = flags;
  if (file === undefined)
    throw usageError('usage-no-input', 'no file with documents: -f FILE', {
      hint: 'docs/fleet.md describes the format; "rootlet fleet get" prints the newest revision',
    });
  const { name, bytes } = readInput(file);
  const document = Buffer.from(bytes).toString('utf8');
  using registry = openRegistry(flags);
  const digestOf = async (object: string): Promise<string> =>
    (await resolveReference(registry, parseReference(object))).digest;
  const revision = await withFleet(context, flags, async fleet => {
    const current = now ? await readCurrent(fleet) : undefined;
    const assign = current === undefined ? undefined : { current, targetOf: all };
    return putDocuments(fleet, { ...noteOf(flags), ...given({ assign }), name, document, after }, digestOf);
  });
  if (!now) tellNotes(context, [`"rootlet fleet rollout ${revision.revision}" gives it to hosts`]);
  const { objects } = revision;
  if (flags.json) printJson(context, { ok: true, revision: revision.revision, assigned: now, objects });
  else printLine(context, `revision ${revision.revision}`);
}

function all(stable: number) {
  return { stable, next: null };
}
