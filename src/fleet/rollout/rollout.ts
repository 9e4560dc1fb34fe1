/** A rollout as data: its waves, the bounds of health, how far it is. Its record in etcd is all that a leader knows. */

import { usageError } from '../../diag/index.ts';
import { readRecord } from '../desired/index.ts';
import { integer, type JsonShape, list, nullable, number, object, text, word } from '../io/index.ts';

/** How many hosts have the revision when a wave is complete: a number, or a share of all. */
export type Wave = { readonly hosts: number } | { readonly share: number };

export interface Bounds {
  /** Shares of packets of a hook that may be dropped, and aborted. */
  readonly mostDropped: number;
  readonly mostAborted: number;
  /** Seconds for which a wave is watched after all its hosts have the revision. */
  readonly settle: number;
  /** Seconds that a wave may take. */
  readonly timeout: number;
}

export const ROLLOUT_STATES = ['running', 'rolling-back', 'done', 'rolled-back', 'failed'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export interface Rollout {
  readonly revision: number;
  /** What the other hosts run meanwhile; 0 for none. */
  readonly base: number;
  readonly waves: readonly Wave[];
  readonly bounds: Bounds;
  /** Of the order of hosts. */
  readonly salt: string;
  readonly state: RolloutState;
  /** Place in `waves`; -1 before the first. */
  readonly wave: number;
  /** Place of the last host of the wave. */
  readonly upTo: number;
  /** When the wave began, and when all of its hosts had the revision: milliseconds since 1970. */
  readonly since: number;
  readonly converged: number | null;
  /** The revision that took the place of a bad one. */
  readonly replacement: number | null;
  /** Why it was stopped: one sentence each. */
  readonly causes: readonly string[];
  readonly author: string;
}

const REVISION = integer(0, 9_999_999_999);
const MOST_WAVES = 32;
export const MOST_CAUSES = 16;

const ROLLOUT: JsonShape<Rollout> = object({
  revision: REVISION,
  base: REVISION,
  waves: list(readWave, MOST_WAVES),
  bounds: object({
    mostDropped: number(0, 1),
    mostAborted: number(0, 1),
    settle: number(0, 86_400),
    timeout: number(0, 604_800),
  }),
  salt: text(64),
  state: word(ROLLOUT_STATES),
  wave: integer(-1, MOST_WAVES),
  upTo: number(0, 1),
  since: integer(),
  converged: nullable(integer()),
  replacement: nullable(REVISION),
  causes: list(text(4096), MOST_CAUSES),
  author: text(256),
});

function readWave(value: unknown, path: string): Wave {
  const isShare = typeof value === 'object' && value !== null && 'share' in value;
  return isShare
    ? object({ share: number(0, 1) })(value, path)
    : object({ hosts: integer(1, 10_000_000) })(value, path);
}

export function readRollout(key: string, value: string): Rollout {
  return readRecord(key, value, ROLLOUT);
}

export const DEFAULT_WAVES: readonly Wave[] = [{ hosts: 1 }, { share: 0.01 }, { share: 0.1 }, { share: 1 }];

/** `1,1%,10%,all`. Throws `fleet-option`. */
export function parseWaves(text: string): readonly Wave[] {
  const waves = text.split(',').map(parseWave);
  const last = waves.at(-1);
  const isWhole = last !== undefined && 'share' in last && last.share === 1;
  const all = isWhole ? waves : [...waves, { share: 1 }];
  if (all.length <= MOST_WAVES) return all;
  throw usageError('fleet-option', `there are more than ${MOST_WAVES} waves`, {
    hint: 'as in --waves 1,1%,10%,all',
  });
}

function parseWave(word: string): Wave {
  const [value, isPercent] = numberIn(word.trim());
  if (word.trim() === 'all') return { share: 1 };
  if (isPercent && value > 0 && value <= 100) return { share: value / 100 };
  if (!isPercent && Number.isInteger(value) && value > 0) return { hosts: value };
  throw usageError('fleet-option', `${JSON.stringify(word)} is not a wave`, {
    hint: 'a number of hosts, a share, or all, as in --waves 1,1%,10%,all',
  });
}

/** A number, which may be of hundred; NaN for other texts. */
function numberIn(text: string): readonly [value: number, isPercent: boolean] {
  const isNumber = /^\d{1,8}(?:\.\d{1,6})?%?$/.test(text);
  return [isNumber ? Number.parseFloat(text) : Number.NaN, text.endsWith('%')];
}

/** `5%`, `0.05`. Throws `fleet-option`. */
export function parseShare(option: string, text: string): number {
  const [number, isPercent] = numberIn(text);
  const value = isPercent ? number / 100 : number;
  if (value >= 0 && value <= 1) return value;
  throw usageError('fleet-option', `${option} ${text} is not a share`, { hint: `as in ${option} 5%` });
}
