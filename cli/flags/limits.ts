/**
 * `--limits NAME=VALUE,…`: other limits of input than the standard ones. Names, ranges and units are those of the
 * table of limits; each command takes the limits of what it does.
 */

import {
  LIMITS,
  type LimitName,
  type Limits,
  limitError,
  quote,
  requireLimit,
  requireLimitName,
  spell,
} from '../../src/diag/index.ts';
import { listFlag } from './edit.ts';
import { parseSize } from './sizes.ts';

const READING = ['memory', 'btf', 'names'] as const;

/** Limits of commands that link files. */
export const LINK_LIMITS: readonly LimitName[] = [...READING, 'zeros', 'picture'];
export const INSPECT_LIMITS: readonly LimitName[] = [...READING, 'text', 'picture'];
export const STATUS_LIMITS: readonly LimitName[] = ['picture'];
/** Of commands that load files into the kernel. */
export const LOAD_LIMITS: readonly LimitName[] = [...READING, 'zeros', 'kconfig'];
export const KERNEL_RUN_LIMITS: readonly LimitName[] = [...READING, 'kconfig'];
export const RUN_LIMITS: readonly LimitName[] = [...READING, 'budget', 'machine'];
/** Of commands that read documents of chains. */
export const APPLY_LIMITS: readonly LimitName[] = [...LOAD_LIMITS, 'document', 'nodes'];
export const PLAN_LIMITS: readonly LimitName[] = [...APPLY_LIMITS, 'budget', 'machine'];

export interface LimitFlags {
  readonly limits?: readonly string[];
}

/** The option of a command that has these limits. */
export function limitsFlag(names: readonly LimitName[]) {
  const brief = `Change limits of input, as in btf=128MiB: ${names.join(', ')}`;
  return { limits: listFlag('NAME=VALUE,...', brief) } as const;
}

/** Undefined where none are given. Throws `usage-limits`. */
export function parseLimits(
  { limits: words = [] }: LimitFlags,
  names: readonly LimitName[],
): Limits | undefined {
  const given = new Map<LimitName, number>();
  for (const word of words.flatMap(list => list.split(','))) {
    const [name, value] = parseLimit(word, names);
    if (given.has(name)) throw limitError(`${name} is given twice`);
    given.set(name, value);
  }
  return given.size === 0 ? undefined : Object.fromEntries(given);
}

function parseLimit(word: string, names: readonly LimitName[]): readonly [LimitName, number] {
  const equals = word.indexOf('=');
  if (equals < 1) throw limitError(`${quote(word)} is not NAME=VALUE`, { hint: 'as in --limits btf=128MiB' });
  const name = requireLimitName(word.slice(0, equals), names);
  const value = parseValue(name, word.slice(equals + 1));
  requireLimit(name, value);
  return [name, value];
}

function parseValue(name: LimitName, text: string): number {
  const { unit, value } = LIMITS[name];
  const parsed = unit === 'bytes' ? parseSize(text) : /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (parsed !== undefined) return parsed;
  const wanted = unit === 'bytes' ? 'a size (512KiB, 64MiB, 1GiB, or bytes)' : 'a whole number';
  throw limitError(`${name}: ${quote(text)} is not ${wanted}`, {
    hint: `the standard limit is ${name}=${spell(name, value)}`,
  });
}
