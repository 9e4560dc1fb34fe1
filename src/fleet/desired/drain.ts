/** Hosts that are to run nothing: a key for each, which its agent watches. */

import type { FleetContext } from './desired.ts';

/** Who drains a host, and why. */
export interface DrainNote {
  readonly author: string;
  readonly message: string;
  readonly time: number;
}

/** Drains a host; with `undo` it is to run its revision again. */
export async function drainHost(
  { etcd, keys, signal }: FleetContext,
  host: string,
  note: DrainNote,
  undo: boolean,
): Promise<void> {
  const key = keys.drained(host);
  const value = JSON.stringify({ ...note, drained: true });
  await etcd.transact([], [undo ? { delete: key } : { put: key, value }], signal);
}
