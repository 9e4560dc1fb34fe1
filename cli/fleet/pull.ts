/** The body of `rootlet pull`. */

import { join } from 'node:path';
import { counted } from '../../src/diag/index.ts';
import {
  ANY_SIGNATURE,
  ObjectCache,
  parseReference,
  pullObject,
  spellReference,
} from '../../src/fleet/index.ts';
import type { PullFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine, tellNotes } from '../io/context.ts';
import { writeOutput } from '../io/files.ts';
import { openRegistry, policyOf } from './registry.ts';

export async function pull(context: Context, flags: PullFlags, name: string): Promise<void> {
  const reference = parseReference(name);
  const policy = policyOf(flags);
  const cache = flags.state === undefined ? undefined : new ObjectCache(join(flags.state, 'objects'));
  using registry = openRegistry(flags);
  const pulled = await pullObject(registry, reference, { policy: policy ?? ANY_SIGNATURE, cache });
  if (policy === undefined) tellNotes(context, ['signatures were not looked at: --policy FILE checks them']);
  if (flags.output !== undefined) writeOutput(flags.output, pulled.bytes);
  if (flags.output === '-') return;
  const spelled = spellReference(pulled.reference);
  const { signer, programs, maps, bytes } = pulled;
  const facts = {
    size: bytes.length,
    signer,
    programs: Object.fromEntries(programs),
    maps: Object.fromEntries(maps),
  };
  if (flags.json)
    printJson(context, { ok: true, reference: spelled, digest: pulled.reference.digest, ...facts });
  else
    printLine(
      context,
      `${spelled}  ${counted(bytes.length, 'byte')}${signer === null ? '' : `, signed with ${signer}`}`,
    );
}
