/**
 * What of the running generation goes over to the next one without being loaded again, and what does not go
 * over.
 */

import { given } from '../../bytes/index.ts';
import type { BpfMap } from '../../kernel/index.ts';
import { globalsKind } from '../../object/index.ts';
import {
  type DroppedMap,
  type MapDecision,
  type MapIdentity,
  mapKey,
  previousOf,
  type StoredState,
} from '../../state/index.ts';
import {
  type BuildContext,
  type Design,
  type Generation,
  isFresh,
  isSame,
  isSameFill,
  type SlotFill,
} from '../generation/index.ts';
import { isSlotArray } from '../providers/index.ts';
import type { PlannedPart } from './part.ts';
import { KCONFIG } from './prepare.ts';

/** State of parts that were not loaded again, since their code is the same as before. */
export function keptStates(
  context: BuildContext,
  design: Design,
  loaded: readonly PlannedPart[],
  via: Generation['via'],
): Map<string, { readonly state: StoredState; readonly map: BpfMap }> {
  const { old } = context;
  const kept = new Map<string, { readonly state: StoredState; readonly map: BpfMap }>();
  if (old === undefined) return kept;
  const taken = new Set(loaded.flatMap(({ request }) => request.states.map(mapKey)));
  for (const [key, state] of old.states) {
    const map = old.maps.get(key);
    const next = nextIdentity(context, design, state);
    if (map === undefined || next === undefined || taken.has(mapKey(next)) || isFresh(context, next))
      continue;
    if (isSlotArray(state) && (via !== 'tail' || old.via !== 'tail')) continue;
    const { owner: _owner, name: _name, version: _version, ...memory } = state;
    kept.set(mapKey(next), { state: { ...next, ...memory }, map });
  }
  return kept;
}

/** What happens to state: of the parts that are loaded, and of those that go over as they are. */
export function decisionsOf(
  context: BuildContext,
  design: Design,
  parts: readonly PlannedPart[],
  via: Generation['via'],
): MapDecision[] {
  const planned = parts.flatMap(({ decisions }) => [...decisions.values()]);
  const kept = [...keptStates(context, design, parts, via).values()].map((previous): MapDecision => {
    return { identity: previous.state, decision: { kind: 'reuse', previous } };
  });
  const all = [...planned, ...kept].filter(({ identity }) => !isSlotArray(identity));
  return all.filter(one => !isShared(one, all));
}

/** An outgoing version that continues with the map of the current one: that is listed once. */
function isShared({ identity, decision }: MapDecision, all: readonly MapDecision[]): boolean {
  const { owner, name, version } = identity;
  const id = idOf(decision);
  return (
    version !== undefined &&
    id !== undefined &&
    all.some(
      ({ identity: other, decision: theirs }) =>
        other.owner === owner && other.name === name && other.version === undefined && idOf(theirs) === id,
    )
  );
}

function idOf(decision: MapDecision['decision']): number | undefined {
  return decision.kind === 'reuse' ? decision.previous.map.info().id : undefined;
}

/** Maps of the running generation that the next one does not have, with the reason. */
export function droppedMaps(
  context: BuildContext,
  design: Design,
  parts: readonly PlannedPart[],
  via: Generation['via'],
): DroppedMap[] {
  const decisions = parts.flatMap(part => [...part.decisions.values()]);
  const used = new Set(decisions.flatMap(({ decision }) => previousOf(decision)?.map.info().id ?? []));
  for (const { map } of keptStates(context, design, parts, via).values()) used.add(map.info().id);
  return [...(context.old?.states ?? [])].flatMap(([key, state]): DroppedMap[] => {
    const map = context.old?.maps.get(key);
    const isCode = globalsKind(state.name) === 'rodata' || state.name === KCONFIG || isSlotArray(state);
    if (map === undefined || isCode || used.has(map.info().id) || isPinnedAgain(parts, key)) return [];
    const reason = `${whyDropped(design, state, parts)}${state.pinned === true ? '; its pin stays' : ''}`;
    return [{ identity: state, reason }];
  });
}

/** Whether the next generation uses what is pinned under the name of this map. */
function isPinnedAgain(parts: readonly PlannedPart[], key: string): boolean {
  return parts.some(({ request, decisions }) =>
    request.states.some(
      state => mapKey(state) === key && decisions.get(state.map)?.decision.kind === 'pinned',
    ),
  );
}

function whyDropped({ fills }: Design, identity: MapIdentity, parts: readonly PlannedPart[]): string {
  const { owner, version } = identity;
  if (owner !== null && !fills.some(({ component }) => component === owner))
    return `${owner} no longer fills a slot`;
  if (version === undefined) {
    const stays = parts.some(({ request }) => request.states.some(one => mapKey(one) === mapKey(identity)));
    return stays ? 'the new version uses what is pinned by name' : 'the new version has no such map';
  }
  return `the outgoing version of ${owner} no longer fills a slot`;
}

function versionOf({ version }: Pick<MapIdentity, 'version'>): Pick<MapIdentity, 'version'> {
  return given({ version });
}

/**
 * What a map of the running generation is called in the next one, if its owner's code is still part of it.
 */
function nextIdentity({ old }: BuildContext, design: Design, state: StoredState): MapIdentity | undefined {
  const { owner, name, version } = state;
  if (owner === null) {
    const stays = old !== undefined && isSame(old.design.rootlet, design.rootlet);
    return stays ? { owner, name } : undefined;
  }
  const users = (old?.design.fills ?? []).filter(
    fill => fill.component === owner && (fill.version === version || sharesMap(old, fill, state)),
  );
  const fills = design.fills.filter(
    fill => fill.component === owner && users.some(user => isSameFill(fill, user)),
  );
  const after = fills.find(fill => fill.version === undefined) ?? fills[0];
  return after === undefined ? undefined : { owner, name, ...versionOf(after) };
}

/** An outgoing version without a map of its own uses that of the current version. */
function sharesMap(
  old: Generation | undefined,
  { component, version }: SlotFill,
  { name, version: own }: StoredState,
) {
  if (own !== undefined || version === undefined) return false;
  return old?.states.has(mapKey({ owner: component, name, version })) === false;
}
