/**
 * What callers pass to the optimizer: types of arguments, and names that have to exist. Separate from the passes,
 * which take both for granted.
 */

import { didYouMean, type Problem, problem, quote, requireList, requireRecord } from '../../diag/index.ts';
import { type BpfObject, programsOf } from '../../object/index.ts';
import type { InlineScope, OptimizeOptions } from './model/index.ts';

/** Words of `InlineScope`, the largest first: a ladder. */
export const INLINE_SCOPES: readonly InlineScope[] = ['all', 'single', 'members', 'none'];

/** Whether a text is one of `INLINE_SCOPES`. */
export function isInlineScope(text: unknown): text is InlineScope {
  return INLINE_SCOPES.some(scope => scope === text);
}

/** Throws a `TypeError` unless `value` has the shape of `OptimizeOptions`. `place` names the argument. */
export function requireOptimizeOptions(place: string, value: OptimizeOptions): void {
  requireRecord(place, 'an object of options', value);
  const { inline, noInline, programs } = value;
  if (inline !== undefined && !isInlineScope(inline))
    throw new TypeError(`${place}.inline must be one of ${INLINE_SCOPES.join(', ')}; got ${String(inline)}`);
  if (noInline !== undefined) requireList(`${place}.noInline`, 'an array of names', noInline);
  if (programs !== undefined) requireList(`${place}.programs`, 'an array of names', programs);
}

/** Throws a `TypeError` unless `value` is what `CommonLinkOptions.optimize` may be. */
export function requireOptimization(place: string, value: boolean | OptimizeOptions | undefined): void {
  if (value !== undefined && typeof value !== 'boolean') requireOptimizeOptions(place, value);
}

/** Names that the object does not have, and names of something else than a function or program. */
export function unknownNames(object: BpfObject, options: OptimizeOptions): readonly Problem[] {
  const functions = object.symbols.flatMap(symbol => (symbol.kind === 'function' ? [symbol.name] : []));
  const programs = programsOf(object).map(({ program }) => program.name);
  return [
    ...unknownIn(object, functions, options.noInline, 'function'),
    ...unknownIn(object, programs, options.programs, 'program'),
  ];
}

function unknownIn(
  object: BpfObject,
  known: readonly string[],
  words: readonly string[] | undefined,
  kind: 'function' | 'program',
): readonly Problem[] {
  if (words === undefined) return [];
  const names = new Set(known);
  return words
    .filter(word => !names.has(word))
    .map(word =>
      problem('link-optimize', [object.name], `there is no ${kind} ${quote(word)} to optimize or to keep`, {
        subject: word,
        ...didYouMean(word, known),
      }),
    );
}
