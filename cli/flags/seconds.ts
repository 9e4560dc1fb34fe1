/** Durations as arguments. */

import { numberParser } from '@stricli/core';
import { usageError } from '../../src/diag/index.ts';

/** A number of seconds, such as 0.5. */
export const secondsFlag = {
  kind: 'parsed',
  parse: numberParser,
  default: '1',
  placeholder: 'SECONDS',
} as const;

const [LEAST, MOST] = [0.01, 86_400];

/** Throws `watch-interval`. */
export function requireSeconds(value: number): void {
  if (value >= LEAST && value <= MOST) return;
  throw usageError('watch-interval', `--interval ${value}: not between ${LEAST} and ${MOST} seconds`);
}
