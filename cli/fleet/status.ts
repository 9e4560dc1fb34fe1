/** The body of `rootlet fleet status`. */

import { joinBlocks, joinLines, usageError } from '../../src/diag/index.ts';
import {
  assignedRevision,
  HOST_STATES,
  type HostView,
  isLed,
  isRunning,
  percent,
  type Rollout,
  readCurrent,
  readHosts,
  readNewestRollout,
  type Target,
} from '../../src/fleet/index.ts';
import type { StatusFlags } from '../flags/fleet-commands.ts';
import { table } from '../format/table.ts';
import { type Context, print, printJson } from '../io/context.ts';
import { withFleet } from './context.ts';

/** Of hosts whose agent is gone, and of those that have reported nothing. */
const OTHER_STATES = ['gone', 'new'] as const;

export async function status(context: Context, flags: StatusFlags): Promise<void> {
  const words = [...Object.keys(HOST_STATES), ...OTHER_STATES];
  if (flags.state !== undefined && !words.includes(flags.state))
    throw usageError('fleet-option', `--state ${flags.state} is not a state`, {
      hint: `states: ${words.join(', ')}`,
    });
  const { hosts, target, rollout, hasLeader } = await withFleet(context, flags, async fleet => ({
    hosts: await readHosts(fleet),
    target: (await readCurrent(fleet)).target,
    rollout: await readNewestRollout(fleet),
    hasLeader: await isLed(fleet),
  }));
  const shown = hosts.filter(one => flags.state === undefined || wordOf(one) === flags.state);
  const counts = countsOf(hosts);
  if (flags.json) {
    printJson(context, {
      ok: true,
      target,
      rollout: rollout === undefined ? null : { ...rollout, hasLeader },
      counts,
      hosts: shown.map(one => hostJson(one, target)),
    });
    return;
  }
  const rows = shown.map(one => rowOf(one, target));
  const list = table([['HOST', 'STATE', 'REVISION', 'ASSIGNED', 'DROPPED', 'PROBLEM'], ...rows]);
  print(context, joinBlocks([list, joinLines(summary(counts, target, rollout, hasLeader))]));
}

function wordOf({ status: found, isAlive }: HostView): string {
  if (!isAlive) return 'gone';
  return found === undefined ? 'new' : found.state;
}

function countsOf(hosts: readonly HostView[]): Readonly<Record<string, number>> {
  const words = hosts.map(wordOf).sort();
  return Object.fromEntries(
    [...new Set(words)].map(word => [word, words.filter(one => one === word).length]),
  );
}

function hostJson(view: HostView, target: Target) {
  const { host, status: found, isAlive, isDrained } = view;
  return {
    host,
    state: wordOf(view),
    isAlive,
    isDrained,
    assigned: assignedRevision(target, host),
    report: found === undefined ? null : { ...found, labels: Object.fromEntries(found.labels) },
  };
}

function rowOf(view: HostView, target: Target): string[] {
  const { host, status: found } = view;
  const rates = found === undefined ? [] : found.rates.filter(({ packets }) => packets > 0);
  const dropped = rates.length === 0 ? '-' : percent(Math.max(...rates.map(one => one.dropped)));
  const [first] = found === undefined ? [] : found.problems;
  const problem =
    first === undefined
      ? ''
      : `${first.message.split('\n')[0]}${first.hint === '' ? '' : ` (${first.hint})`}`;
  const revision = found === undefined || found.revision === 0 ? '-' : String(found.revision);
  return [host, wordOf(view), revision, String(assignedRevision(target, host)), dropped, problem];
}

function summary(
  counts: Readonly<Record<string, number>>,
  target: Target,
  rollout: Rollout | undefined,
  hasLeader: boolean,
): string[] {
  const states = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  const lines = [
    `${states.length === 0 ? 'no hosts' : states.join(', ')}; revision ${target.stable} is for all hosts`,
  ];
  if (rollout !== undefined) {
    const { revision, state, wave, waves, causes } = rollout;
    const idle = hasLeader ? '' : '; no process leads it: "rootlet fleet rollout --join" goes on';
    const where = isRunning(rollout) ? `: wave ${wave + 1} of ${waves.length}${idle}` : '';
    lines.push(`rollout of revision ${revision}: ${state}${where}`, ...causes.map(cause => `  ${cause}`));
  }
  return lines;
}
