/**
 * `--set NAME=VALUE`: words of the command line as values for variables. Their types are checked where they
 * are known.
 */

import { parseLiteral } from '../../src/btf/index.ts';
import { quote, usageError } from '../../src/diag/index.ts';

const DECIMAL = /^[+-]?\d+$/;
const OTHER_BASE = /^0[xX][0-9a-fA-F]+$|^0[bB][01]+$|^0[oO][0-7]+$/;
const FRACTION = /^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$/;

/** Words as names and values, the last one of a name counts. Throws `usage-set`. */
export function parseSettings(words: readonly string[]): ReadonlyMap<string, unknown> {
  return new Map(
    words.map(word => {
      const [name, value] = splitPair(word, '--set', 'NAME=VALUE');
      return [name, parseSetting(value)] as const;
    }),
  );
}

/**
 * Whole numbers (also `0x`, `0b`, `0o`), fractions, `true` and `false`, JSON or initialisers of C for lists and
 * structures; everything else is text: names of enumerators, contents of character arrays. Text that looks like
 * a number goes in quotes. Throws `value-literal`.
 */
export function parseSetting(text: string): unknown {
  if (DECIMAL.test(text)) return BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (OTHER_BASE.test(text)) return BigInt(text);
  if (/^-0[xX][0-9a-fA-F]+$/.test(text)) return -BigInt(text.slice(1));
  if (FRACTION.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[[{"]/.test(text) ? parseLiteral(text) : text;
}

/** `NAME=VALUE` as two words. Throws `usage-set`. */
export function splitPair(word: string, flag: string, form: string): readonly [name: string, value: string] {
  const equals = word.indexOf('=');
  if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
  throw usageError('usage-set', `${flag} ${quote(word)} is not ${form}`);
}
