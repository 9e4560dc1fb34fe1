/**
 * What a change did, or would do, to state: rows for output, with the reason of everything that is not kept.
 */

import { type CarriedEntries, changedEntries } from './contents.ts';
import type { DroppedMap, MapDecision } from './decision.ts';
import { type MapIdentity, mapKey, partKey } from './identity.ts';

/** What became of one map or data section. */
export interface StateChange {
  /** `mapKey`: `rules`, or `firewall:rules` for a map of a component. */
  readonly key: string;
  readonly component: string | null;
  readonly map: string;
  readonly kind: 'reuse' | 'pinned' | 'migrate' | 'rebuild' | 'reset' | 'new' | 'refuse' | 'dropped';
  /** Why it is not kept; '' where it is. */
  readonly reason: string;
  /** Component that it was taken over from, when that has another name. */
  readonly from: string | null;
  /** Variables whose values are carried over. */
  readonly variables: readonly string[];
  /** Variables whose values are not, and why. */
  readonly lost: readonly { readonly name: string; readonly reason: string }[];
  /** Entries set at run time that are carried over, and what could not be. */
  readonly entries: { readonly carried: number; readonly lost: readonly string[] } | null;
}

function reportDecision(
  { identity, decision }: MapDecision,
  entries: ReadonlyMap<string, CarriedEntries>,
): StateChange {
  const key = mapKey(identity);
  const previous = 'previous' in decision ? decision.previous.state : undefined;
  const moved = previous !== undefined && previous.owner !== identity.owner;
  return {
    ...rowOf(identity),
    kind: decision.kind,
    reason: 'reason' in decision ? decision.reason : '',
    from: moved ? previous.owner : null,
    variables: decision.kind === 'migrate' ? decision.variables.map(({ name }) => name) : [],
    lost: decision.kind === 'migrate' ? decision.lost : [],
    entries: entries.get(key) ?? null,
  };
}

function reportDropped({ identity, reason }: DroppedMap): StateChange {
  return { ...rowOf(identity), kind: 'dropped', reason, from: null, variables: [], lost: [], entries: null };
}

/**
 * All rows of a change. `transfer` has copied what it could; undefined for a plan, for which entries are only
 * counted.
 */
export function reportState(
  decisions: readonly MapDecision[],
  dropped: readonly DroppedMap[],
  transfer: { readonly entries: ReadonlyMap<string, CarriedEntries> } | undefined,
): StateChange[] {
  const entries = transfer?.entries ?? countEntries(decisions);
  return [...decisions.map(one => reportDecision(one, entries)), ...dropped.map(reportDropped)];
}

function countEntries(decisions: readonly MapDecision[]): Map<string, CarriedEntries> {
  return new Map(
    decisions.flatMap(({ identity, decision }) =>
      decision.kind === 'rebuild'
        ? [[mapKey(identity), { carried: changedEntries(decision.previous).length, lost: [] }] as const]
        : [],
    ),
  );
}

function rowOf(identity: MapIdentity): Pick<StateChange, 'key' | 'component' | 'map'> {
  const { owner, name, version } = identity;
  return {
    key: mapKey(identity),
    component: owner === null ? null : partKey(owner, version),
    map: name,
  };
}

/** Whether something that was there is not kept. */
export function losesState({ kind, lost, entries }: StateChange): boolean {
  return kind === 'reset' || kind === 'dropped' || lost.length > 0 || (entries?.lost.length ?? 0) > 0;
}

/** Lines for users: one for all that is kept, then one for each loss. `all`: new maps and constants too. */
export function describeState(changes: readonly StateChange[], all = false): string[] {
  const kept = changes.filter(({ kind }) => kind === 'reuse' || kind === 'pinned' || kind === 'rebuild');
  const lines = kept.length === 0 ? [] : [`state kept: ${kept.map(describeKept).join(', ')}`];
  for (const change of changes) lines.push(...describeOne(change, all));
  return lines;
}

function describeKept({ key, kind, from, entries }: StateChange): string {
  const notes = [
    ...(kind === 'pinned' ? ['pinned'] : []),
    ...(kind === 'rebuild' ? [`new array${countText(entries)}`] : []),
    ...(from === null ? [] : [`from ${from}`]),
  ];
  return notes.length === 0 ? key : `${key} (${notes.join('; ')})`;
}

function countText(entries: CarriedEntries | null): string {
  const carried = entries?.carried ?? 0;
  if (carried === 0) return '';
  return `, ${carried} ${carried === 1 ? 'entry' : 'entries'} changed at run time carried over`;
}

function describeOne(change: StateChange, all: boolean): string[] {
  const { key, kind, reason, variables, from } = change;
  const origin = from === null ? '' : ` (from ${from})`;
  const losses = [
    ...change.lost.map(one => `state reset: ${key}: variable ${one.name} ${one.reason}`),
    ...(change.entries?.lost ?? []).map(one => `state dropped: ${key}: ${one}`),
  ];
  switch (kind) {
    case 'migrate':
      return [`state copied: ${key}${origin}: ${variables.join(', ')}`, ...losses];
    case 'reset':
      return [`state reset: ${key}: ${reason}`];
    case 'dropped':
      return [`state dropped: ${key}: ${reason}`];
    case 'refuse':
      return [`refused: ${key}: ${reason}`];
    case 'new':
      return all ? [`new: ${key}: ${reason}`] : [];
    default:
      return losses;
  }
}
