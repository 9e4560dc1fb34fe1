/**
 * What the leader of a rollout does next, as a function of its record and of what hosts report: no clock, no network. Whoever
 * leads decides the same.
 */

import { counted } from '../../diag/index.ts';
import { GOOD_STATES, HOST_STATES, type HostStatus, PASSING_STATES } from '../agent/index.ts';
import { placeOf } from '../desired/index.ts';
import { MOST_CAUSES, type Rollout, type Wave } from './rollout.ts';

/** A host as the leader sees it. */
export interface HostView {
  readonly host: string;
  /** Undefined for a host that has an agent but has reported nothing yet. */
  readonly status: HostStatus | undefined;
  readonly isAlive: boolean;
  readonly isDrained: boolean;
}

export type RolloutAction =
  | { readonly kind: 'wait'; readonly why: string }
  /** The next wave: hosts up to this place have the revision. */
  | { readonly kind: 'advance'; readonly wave: number; readonly upTo: number; readonly hosts: number }
  /** All hosts of the wave have the revision: it is watched from now. */
  | { readonly kind: 'settle' }
  | { readonly kind: 'roll-back'; readonly causes: readonly string[] }
  /** All hosts have the revision. */
  | { readonly kind: 'finish' }
  /** No host is left on the bad revision, or some are after the time for it. */
  | { readonly kind: 'end'; readonly left: readonly string[] };

export function nextStep(rollout: Rollout, hosts: readonly HostView[], now: number): RolloutAction {
  const placed = hosts
    .map(host => ({ host, place: placeOf(rollout.salt, host.host) }))
    .sort((a, b) => a.place - b.place);
  if (rollout.state === 'rolling-back') return afterRollback(rollout, hosts, now);
  if (rollout.wave < 0) return advance(rollout, placed);
  const members = placed.filter(({ place }) => place <= rollout.upTo).map(({ host }) => host);
  return judge(rollout, members, now) ?? advance(rollout, placed);
}

interface Placed {
  readonly host: HostView;
  readonly place: number;
}

function advance({ waves, wave }: Rollout, placed: readonly Placed[]): RolloutAction {
  const next = waves[wave + 1];
  if (next === undefined) return { kind: 'finish' };
  const able = placed.filter(({ host }) => host.isAlive && !host.isDrained);
  const count = countOf(next, able.length);
  const isAll = 'share' in next && next.share === 1;
  const last = able[count - 1];
  // without a host that is able, the wave is one of none
  const upTo = isAll ? 1 : last === undefined ? 0 : last.place;
  return { kind: 'advance', wave: wave + 1, upTo, hosts: count };
}

function countOf(wave: Wave, all: number): number {
  return Math.min(all, 'hosts' in wave ? wave.hosts : Math.ceil(all * wave.share));
}

/** Undefined when the wave is good, and over. */
function judge(rollout: Rollout, members: readonly HostView[], now: number): RolloutAction | undefined {
  const { revision, bounds, since, converged } = rollout;
  const involved = members.filter(
    ({ isAlive, isDrained, status }) => !isDrained && (isAlive || status?.attempted === revision),
  );
  const causes = involved.map(host => causeAgainst(host, rollout)).filter(cause => cause !== undefined);
  if (causes.length > 0) return { kind: 'roll-back', causes: causes.slice(0, MOST_CAUSES) };
  const pending = involved.filter(({ status }) => !hasRevision(status, revision));
  const isLate = now - since > bounds.timeout * 1000;
  if (pending.length > 0)
    return isLate
      ? { kind: 'roll-back', causes: lateCauses(pending, bounds.timeout) }
      : { kind: 'wait', why: `missing on ${pending.length} of ${counted(involved.length, 'host')}` };
  if (converged === null) return { kind: 'settle' };
  if (now - converged < bounds.settle * 1000) return { kind: 'wait', why: 'the wave is watched' };
  const silent = involved.filter(({ status }) => !hasReported(status, bounds.settle));
  if (silent.length === 0) return undefined;
  if (!isLate) return { kind: 'wait', why: `no rates yet of ${counted(silent.length, 'host')}` };
  return { kind: 'roll-back', causes: lateCauses(silent, bounds.timeout) };
}

function hasRevision(status: HostStatus | undefined, revision: number): boolean {
  return status !== undefined && status.revision === revision && GOOD_STATES.has(status.state);
}

/** Rates are of packets after the change: both times are of the clock of the host. */
function hasReported(status: HostStatus | undefined, settle: number): boolean {
  if (status === undefined || status.hooks.length === 0) return true;
  return status.time - status.applied >= (settle * 1000) / 2;
}

function lateCauses(hosts: readonly HostView[], seconds: number): readonly string[] {
  return hosts
    .slice(0, MOST_CAUSES)
    .map(
      ({ host, status }) =>
        `${host}: ${status === undefined ? 'no report' : status.state} after ${seconds} s`,
    );
}

function causeAgainst({ host, status, isAlive }: HostView, rollout: Rollout): string | undefined {
  const { revision, bounds } = rollout;
  if (status === undefined || status.attempted !== revision) return undefined;
  if (!isAlive) return `${host}: its agent is gone since it began with the revision`;
  const isBad = !GOOD_STATES.has(status.state) && !PASSING_STATES.has(status.state);
  const [first] = status.problems;
  if (isBad)
    return `${host}: ${status.state}: ${first === undefined ? HOST_STATES[status.state] : first.message}`;
  if (status.revision !== revision) return undefined;
  for (const { hook, packets, dropped, aborted } of status.rates) {
    if (packets === 0) continue;
    if (dropped > bounds.mostDropped) return overBound(host, hook, dropped, 'dropped', bounds.mostDropped);
    if (aborted > bounds.mostAborted) return overBound(host, hook, aborted, 'aborted', bounds.mostAborted);
  }
  return undefined;
}

function overBound(host: string, hook: string, share: number, what: string, most: number): string {
  return `${host}: ${hook}: ${percent(share)} of packets are ${what}, more than ${percent(most)}`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

function afterRollback(rollout: Rollout, hosts: readonly HostView[], now: number): RolloutAction {
  const { revision, bounds, since, replacement } = rollout;
  const alive = hosts.filter(({ isAlive }) => isAlive);
  const left = alive.filter(({ status }) => status?.revision === revision);
  const isBack = ({ status }: HostView): boolean =>
    status?.attempted !== revision || (replacement !== null && status.revision >= replacement);
  if (left.length === 0 && alive.every(isBack)) return { kind: 'end', left: [] };
  if (now - since > bounds.timeout * 1000) return { kind: 'end', left: left.map(({ host }) => host) };
  return { kind: 'wait', why: `revision ${revision} is left on ${counted(left.length, 'host')}` };
}
