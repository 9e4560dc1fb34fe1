/**
 * Attaching a member in its place: next to another member, and only while the hook is as it was read. Whoever
 * loses a race reads again.
 */

import { RootletError } from '../../diag/index.ts';
import { attachProgram, type Hook } from '../../hooks/index.ts';
import type { Order } from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import type { ChainHook } from '../model/index.ts';
import type { TcxContext } from './context.ts';
import { readTcxHook, type TcxHook } from './hook.ts';
import { neighborOf } from './plan.ts';

/** The order that a hook is to have, and how far it has it. */
export interface Places {
  readonly context: TcxContext;
  readonly hook: ChainHook;
  /** Names of all members, in the order in which they are to run. */
  readonly order: readonly string[];
  /** Those that are on the hook and in the final place. */
  readonly settled: Set<string>;
}

/** How often a place is looked for again because other processes attach or detach meanwhile. */
const ATTEMPTS = 20;

/**
 * Attaches a program as the member `name`, and counts it as settled. Throws `kernel-attach`, and
 * `kernel-attachment-changed` where others do not stop changing the hook.
 */
export function attachInPlace(places: Places, name: string, loaded: LoadedObject, program: string): Hook {
  const { ifindex, direction } = places.hook;
  for (let attempt = 1; ; attempt++) {
    const order = orderFor(places, readTcxHook(places.context, places.hook), name);
    try {
      const place = { interface: ifindex, direction: direction ?? 'ingress', method: 'tcx', order } as const;
      const attached = attachProgram(loaded, program, place);
      places.settled.add(name);
      return attached;
    } catch (error) {
      if (!isLostRace(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

function isLostRace(error: unknown): boolean {
  return error instanceof RootletError && error.code === 'kernel-attachment-changed';
}

function orderFor({ order, settled }: Places, { rows, revision }: TcxHook, name: string): Order {
  const links = new Map(rows.map(({ member, linkId }) => [member?.facts.name, linkId]));
  const there = new Set([...settled].filter(other => links.has(other)));
  const neighbor = neighborOf(order, name, there);
  if (neighbor === null) return { revision };
  return { [neighbor.side]: links.get(neighbor.name), isLink: true, isId: true, revision };
}
