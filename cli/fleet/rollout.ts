/** The body of `rootlet fleet rollout`. */

import { platformError, usageError } from '../../src/diag/index.ts';
import {
  beginRollout,
  DEFAULT_WAVES,
  isRunning,
  leadRollout,
  parseShare,
  parseWaves,
  type Rollout,
  readNewestRollout,
} from '../../src/fleet/index.ts';
import type { RolloutFlags } from '../flags/fleet-commands.ts';
import { type Context, printJson, printLine, tellLine } from '../io/context.ts';
import { noteOf, withFleet } from './context.ts';
import { revisionOrNewest } from './get.ts';

export async function rollout(
  context: Context,
  flags: RolloutFlags,
  number: number | undefined,
): Promise<void> {
  const waves = flags.waves === undefined ? DEFAULT_WAVES : parseWaves(flags.waves);
  const bounds = boundsOf(flags);
  const ended = await withFleet(context, flags, async fleet => {
    if (!flags.join) {
      const { revision } = await revisionOrNewest(fleet, number);
      await beginRollout(fleet, { revision, waves, bounds, author: noteOf(flags).author });
    } else if (!isRunning(await readNewestRollout(fleet)))
      throw usageError('fleet-option', 'no rollout is running: --join has nothing to follow', {
        hint: 'without --join, "rootlet fleet rollout" begins one',
      });
    return leadRollout(fleet, { log: line => tellLine(context, `rootlet: ${line}`) });
  });
  if (ended === undefined || ended.state !== 'done') throw stopped(ended);
  if (flags.json) printJson(context, { ok: true, rollout: ended });
  else printLine(context, `revision ${ended.revision} is on all hosts`);
}

function stopped(ended: Rollout | undefined): Error {
  const revision = ended === undefined ? 0 : ended.revision;
  const isBack = ended?.state === 'rolled-back';
  const message = isBack
    ? 'was stopped, and all hosts went back'
    : 'was stopped, and not all hosts went back';
  return platformError('fleet-rollout', [`revision ${revision}`], message, {
    subject: String(revision),
    details: ended === undefined ? [] : ended.causes,
    hint: 'remove the cause, write a new revision and begin again; "rootlet fleet status" shows each host',
  });
}

function boundsOf({ settle, timeout, mostDropped = '20%', mostAborted = '1%' }: RolloutFlags) {
  if (!(settle >= 0 && settle <= 86_400 && timeout >= 1 && timeout <= 604_800))
    throw usageError('fleet-option', '--settle is from 0 to 86400, --timeout from 1 to 604800');
  return {
    settle,
    timeout,
    mostDropped: parseShare('--most-dropped', mostDropped),
    mostAborted: parseShare('--most-aborted', mostAborted),
  };
}
