/** Time and chance, given to everything that waits: tests have their own. */

import { setTimeout as sleep } from 'node:timers/promises';
import { given } from '../../bytes/index.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Throws the reason of the signal when it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, given({ signal }));
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw error;
    }
  },
};

export interface Backoff {
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly first: number;
  readonly most: number;
}

export const BACKOFF: Backoff = { first: 250, most: 30_000 };

/**
 * Milliseconds before attempt `attempt + 1`, from 1: half of it is chance, so that hosts that lost a server at the same
 * time do not come back at the same time.
 */
export function backoff(attempt: number, random: number, { first, most }: Backoff = BACKOFF): number {
  const whole = Math.min(most, first * 2 ** Math.min(attempt - 1, 20));
  return Math.round(whole * (0.5 + random / 2));
}
