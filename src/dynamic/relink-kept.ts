/** What of the running generation goes over to the next one without being loaded again, and what does not go over. */

import type { BpfMap } from '../kernel/map.ts';
import { globalsKind } from '../load/plan-maps.ts';
import { type DroppedMap, type MapIdentity, mapKey, previousOf, type StoredState } from '../state/index.ts';
import type { BuildContext } from './relink-context.ts';
import { type Design, isSame } from './relink-design.ts';
import type { Generation } from './relink-generation.ts';
import type { PlannedPart } from './relink-part.ts';
import { KCONFIG } from './relink-prepare.ts';
import { SLOT_ARRAY } from './tail-slots.ts';

/** State of parts that were not loaded again, since their code is the same as before. */
export function keptStates(
  context: BuildContext,
  design: Design,
  loaded: readonly PlannedPart[],
  via: Generation['via'],
): Map<string, { readonly state: StoredState; readonly map: BpfMap }> {
  const { old, fresh } = context;
  const kept = new Map<string, { readonly state: StoredState; readonly map: BpfMap }>();
  if (old === undefined) return kept;
  const taken = new Set(loaded.flatMap(({ request }) => request.states.map(mapKey)));
  for (const [key, state] of old.states) {
    const map = old.maps.get(key);
    const next = nextIdentity(context, design, state);
    if (map === undefined || next === undefined || taken.has(mapKey(next)) || fresh.covers(next)) continue;
    if (state.name === SLOT_ARRAY && (via !== 'tail' || old.via !== 'tail')) continue;
    const { contents, inner } = state;
    kept.set(mapKey(next), { state: { ...next, contents, inner }, map });
  }
  return kept;
}

/** Maps of the running generation that the next one does not have, with the reason. */
export function droppedMaps(
  context: BuildContext,
  design: Design,
  parts: readonly PlannedPart[],
  via: Generation['via'],
): DroppedMap[] {
  const decisions = parts.flatMap(part => [...part.decisions.values()]);
  const used = new Set(decisions.flatMap(({ decision }) => previousOf(decision)?.state ?? []));
  const kept = new Set([...keptStates(context, design, parts, via).values()].map(({ map }) => map));
  return [...(context.old?.states ?? [])].flatMap(([key, state]): DroppedMap[] => {
    const map = context.old?.maps.get(key);
    const isCode =
      globalsKind(state.name) === 'rodata' || state.name === KCONFIG || state.name === SLOT_ARRAY;
    if (map === undefined || isCode || used.has(state) || kept.has(map)) return [];
    return hasPlan(parts, key) ? [] : [{ identity: state, reason: whyDropped(design, state) }];
  });
}

/** Whether the next generation has a map of this identity, whatever it begins with. */
function hasPlan(parts: readonly PlannedPart[], key: string): boolean {
  return parts.some(({ request, plan }) =>
    request.states.some(state => mapKey(state) === key && plan.maps.some(({ name }) => name === state.map)),
  );
}

function whyDropped({ fills }: Design, { owner, version }: MapIdentity): string {
  if (owner === null || fills.some(fill => fill.component === owner && fill.version === version))
    return 'the new version has no such map';
  const stays = fills.some(({ component }) => component === owner);
  return stays
    ? `version ${version ?? ''} of ${owner} fills no slot any more`
    : `${owner} fills no slot any more`;
}

function versionOf({ version }: Pick<MapIdentity, 'version'>): Pick<MapIdentity, 'version'> {
  return version === undefined ? {} : { version };
}

/** What a map of the running generation is called in the next one, if its owner's code is still part of it. */
function nextIdentity({ old }: BuildContext, design: Design, state: StoredState): MapIdentity | undefined {
  const { owner, name, version } = state;
  if (owner === null) {
    const stays = old !== undefined && isSame(old.design.rootlet, design.rootlet);
    return stays ? { owner, name } : undefined;
  }
  const before = old?.design.fills.find(fill => fill.component === owner && fill.version === version);
  const after = design.fills.find(
    fill => before !== undefined && fill.component === owner && isSame(fill.file, before.file),
  );
  return after === undefined ? undefined : { owner, name, ...versionOf(after) };
}
