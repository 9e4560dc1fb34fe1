/** Names in generated chains. */

import { COUNTS_MAP } from '../watch/index.ts';

/** Name of the slot at `position` (from 0) of a generated chain. */
export function chainSlotName(position: number): string {
  return `slot${position + 1}`;
}

/**
 * Name of the map that counts for the slot at `position`. It is state of the component in that slot, whatever
 * its place is.
 */
export function chainCountsName(position: number): string {
  return `${COUNTS_MAP}_${chainSlotName(position)}`;
}

/** The slot for which a map of a generated chain counts; undefined for other maps. */
export function countedSlot(map: string): string | undefined {
  const prefix = `${COUNTS_MAP}_`;
  return map.startsWith(prefix) ? map.slice(prefix.length) : undefined;
}
