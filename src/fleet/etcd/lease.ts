/**
 * A lease that is kept alive: keys of it say that this process runs. When etcd was away for longer than the lease lasts, a
 * new one is made, and whoever holds it puts the keys again.
 */

import type { Clock } from '../io/index.ts';
import type { Etcd } from './client.ts';

export interface LeaseHandler {
  /** A new lease is there: keys have to be put with it. */
  begun(lease: string): Promise<void>;
  failed(error: unknown): void;
}

/** Keeps a lease of `seconds` until the signal is aborted; a third of its time passes between two signs of life. */
export async function keepLease(
  etcd: Etcd,
  seconds: number,
  handler: LeaseHandler,
  clock: Clock,
  signal: AbortSignal,
): Promise<never> {
  let lease: string | undefined;
  for (;;) {
    try {
      if (lease !== undefined && !(await etcd.keepAlive(lease, signal))) lease = undefined;
      if (lease === undefined) {
        const next = await etcd.grant(seconds, signal);
        await handler.begun(next);
        lease = next;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      handler.failed(error);
    }
    const pause = (seconds * 1000) / 3;
    await clock.sleep(pause * (0.8 + clock.random() / 5), signal);
  }
}
