/** Flags that are sizes: of maps, which `load` and `run` share, of the machine's memory, and of limits. */

import { LIMITS, quote, SIZE_UNITS, usageError } from '../../src/diag/index.ts';
import { listFlag } from './edit.ts';
import { splitPair } from './set-values.ts';

export const maxEntriesFlag = listFlag('NAME=N', 'Override max_entries of a map');

/** Map name → number of entries. Throws `usage-max-entries`. */
export function parseMaxEntries(words: readonly string[] = []): ReadonlyMap<string, number> {
  return new Map(words.map(parseCount));
}

function parseCount(word: string): readonly [name: string, count: number] {
  const [name, text] = splitPair(word, '--max-entries', 'NAME=N');
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 0xffffffff) return [name, count];
  throw usageError('usage-max-entries', `${quote(text)} is not a valid number of entries`, {
    hint: 'as in --max-entries flows=4096',
  });
}

/** Bytes of a size such as `512M`, `64KiB` and `100`; undefined for what is none. */
export function parseSize(size: string): number | undefined {
  const [, digits, letter = ''] = /^(\d{1,10})([KMG]?)(?:i?B)?$/i.exec(size) ?? [];
  if (digits === undefined) return undefined;
  const unit = SIZE_UNITS.find(([name]) => name[0] === letter.toUpperCase());
  return Number(digits) * (unit?.[1] ?? 1);
}

/** Bytes of the machine's memory. Throws `usage-memory`. */
export function parseMemory(size: string): number {
  const bytes = parseSize(size);
  if (bytes !== undefined && bytes >= LIMITS.machine.least && bytes <= LIMITS.machine.most) return bytes;
  throw usageError('usage-memory', `${quote(size)} is not a valid size of memory`, {
    hint: 'as in --memory 512M; at most 4G',
  });
}
