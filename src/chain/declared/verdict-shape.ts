/**
 * Verdicts of a program type in documents: the words that options take, in lower or upper case, names of
 * constants, or numbers.
 */

import { didYouMean, quote } from '../../diag/index.ts';
import { verdictConstant, verdictNumbers, verdictWords } from '../../object/index.ts';
import { refuse, type Shape } from './shape.ts';

/** A word or a number from `least` to `most`, as the text that options take. */
export function verdict(progType: number, least: number, most: number): Shape<string> {
  const words = verdictWords(progType);
  const constants = verdictNumbers(progType).map(one => verdictConstant(progType, one));
  const all = [...words, ...words.map(one => one.toUpperCase()), ...constants];
  return {
    schema: {
      anyOf: [
        { type: 'string', enum: all },
        { type: 'integer', minimum: least, maximum: most },
      ],
    },
    read(node, at) {
      const value = node.kind === 'scalar' ? node.value : null;
      if (typeof value === 'bigint' && value >= least && value <= most) return String(value);
      if (typeof value === 'string' && all.includes(value)) return value;
      const similar = typeof value === 'string' ? didYouMean(value.toLowerCase(), words) : {};
      const expected = `a verdict: ${words.map(quote).join(', ')}, or a number from ${least} to ${most}`;
      return refuse(node, at, expected, similar.hint);
    },
  };
}
