/** The body of `rootlet push`. */

import { given } from '../../src/bytes/index.ts';
import { counted, usageError } from '../../src/diag/index.ts';
import { parseReference, pushObject, readPrivateKey, spellReference } from '../../src/fleet/index.ts';
import type { PushFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine } from '../io/context.ts';
import { readObjectFile } from '../io/files.ts';
import { openRegistry, textOf } from './registry.ts';

export async function push(context: Context, flags: PushFlags, file: string, name: string): Promise<void> {
  const reference = parseReference(name);
  const key = flags.sign === undefined ? undefined : readPrivateKey(flags.sign, textOf(flags.sign));
  const created = createdOf(context);
  const input = readObjectFile(file);
  using registry = openRegistry(flags);
  const pushed = await pushObject(registry, input, reference, given({ key, created }));
  const { programs, maps, size, signed } = pushed;
  const spelled = spellReference(pushed.reference);
  if (flags.json)
    printJson(context, {
      ok: true,
      reference: spelled,
      digest: pushed.reference.digest,
      size,
      signed,
      programs,
      maps,
    });
  else
    printLine(
      context,
      `${spelled}  ${counted(Object.keys(programs).length, 'program')}, ${counted(Object.keys(maps).length, 'map')}${signed ? ', signed' : ''}`,
    );
}

/** Throws `fleet-option`. */
function createdOf({ process }: Context): number | undefined {
  const { SOURCE_DATE_EPOCH: text = '' } = process.env ?? {};
  if (text === '') return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw usageError('fleet-option', '$SOURCE_DATE_EPOCH is not a number of seconds', {
    hint: 'seconds since 1970, as in SOURCE_DATE_EPOCH=1700000000',
  });
}
