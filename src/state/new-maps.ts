/**
 * Whether the kernel takes the maps that a change would create, and the calls with maps of its programs. For dry runs only: where something is
 * created, the kernel itself decides.
 */

import { type LoadPlan, requireMapCalls, requireMaps } from '../load/index.ts';
import type { MapDecision } from './decision.ts';

/**
 * Throws `load-map-definition` with the problems of all maps that are neither reused nor pinned already, and
 * `load-map-call` for calls whose helper does not take the map.
 */
export function requireNewMaps(plan: LoadPlan, decisions: ReadonlyMap<string, MapDecision>): void {
  requireMaps(plan, ({ name }) => {
    const kind = decisions.get(name)?.decision.kind;
    return kind === 'reuse' || kind === 'pinned';
  });
  requireMapCalls(plan);
}
