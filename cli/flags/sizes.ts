/** Flags that are sizes: of maps, which `load` and `run` share, and of the machine's memory. */

import { quote, usageError } from '../../src/diag/index.ts';
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

/** What 32-bit addresses reach. */
const MOST_MEMORY = 2 ** 32;
const UNITS = new Map([
  ['', 1],
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
]);

/** Bytes of a size such as `512M`. Throws `usage-memory`. */
export function parseMemory(size: string): number {
  const [, digits, letter] = /^(\d{1,10})([KMG]?)(?:i?B)?$/i.exec(size) ?? [];
  const unit = letter === undefined ? undefined : UNITS.get(letter.toUpperCase());
  const bytes = unit === undefined ? 0 : Number(digits) * unit;
  if (bytes >= 1 && bytes <= MOST_MEMORY) return bytes;
  throw usageError('usage-memory', `${quote(size)} is not a valid size of memory`, {
    hint: 'as in --memory 512M; at most 4G',
  });
}
