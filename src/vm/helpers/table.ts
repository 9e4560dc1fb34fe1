/** All helpers of the machine. */

import { ADJUST_ROOM } from './adjust-room.ts';
import { CHECKSUM_HELPERS } from './checksum.ts';
import { EVENT_HELPERS } from './events.ts';
import { MAP_HELPERS } from './maps.ts';
import { MISC_HELPERS } from './misc.ts';
import { REDIRECT_HELPERS } from './redirect.ts';
import { SKB_HELPERS } from './skb.ts';
import type { Helper } from './spec.ts';
import { TEXT_HELPERS } from './text.ts';
import { XDP_HELPERS } from './xdp.ts';

/** In order of their numbers. */
export const HELPERS: readonly Helper[] = [
  ...MAP_HELPERS,
  ...EVENT_HELPERS,
  ...XDP_HELPERS,
  ...SKB_HELPERS,
  ADJUST_ROOM,
  ...CHECKSUM_HELPERS,
  ...REDIRECT_HELPERS,
  ...TEXT_HELPERS,
  ...MISC_HELPERS,
].sort((a, b) => a.id - b.id);

const BY_ID = new Map(HELPERS.map(helper => [helper.id, helper]));

/** The helper of that number; undefined for one that the machine does not have. */
export function helperById(id: number): Helper | undefined {
  return BY_ID.get(id);
}
