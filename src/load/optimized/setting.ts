/** How code is optimized when it is loaded: a setting, which entries of the store keep. */

import type { InlineScope } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';

/** Where a ladder can begin. */
export type FirstStep = Exclude<InlineScope, 'none'>;

/** How the programs of an object are optimized when they are loaded. */
export interface OptimizeSetting {
  /** 0: they are loaded as they are. 1: optimized, as far as the verifier accepts the result. */
  readonly level: 0 | 1;
  /** Where the ladder begins. Default `single`. */
  readonly inline?: Exclude<InlineScope, 'none'>;
  /** Functions, by name, that stay functions: something attaches to them. */
  readonly noInline?: readonly string[];
  /**
   * Also steps down where the verifier processes more instructions than 1.2 times those of the unoptimized
   * programs plus 100, which are loaded for a moment to know.
   */
  readonly verifyBudget?: boolean;
  /**
   * `OptimizeOptions.firstCalls`, of code that was generated for one load; entries do not keep it.
   *
   * @internal
   */
  readonly firstCalls?: readonly string[];
}

/** Everything as it is. */
export const NOT_OPTIMIZED: OptimizeSetting = { level: 0 };
/** What generated programs are loaded with, unless another setting is given. */
export const OPTIMIZED: OptimizeSetting = { level: 1 };

/** Whether two settings mean the same. */
export function isSameOptimizeSetting(a: OptimizeSetting, b: OptimizeSetting): boolean {
  return describeOptimizeSetting(a) === describeOptimizeSetting(b);
}

/** As options of a command: `-O1 --no-inline parse --verify-budget`. */
export function describeOptimizeSetting({
  level,
  inline,
  noInline = [],
  verifyBudget,
}: OptimizeSetting): string {
  return [
    `-O${level}`,
    ...(inline === undefined ? [] : [`--inline ${inline}`]),
    ...[...new Set(noInline)].sort().map(name => `--no-inline ${name}`),
    ...(verifyBudget === true ? ['--verify-budget'] : []),
  ].join(' ');
}

/** Those of the names that are functions of the object. */
export function functionsIn({ symbols }: BpfObject, names: readonly string[]): string[] {
  const known = new Set(symbols.flatMap(({ kind, name }) => (kind === 'function' ? [name] : [])));
  return names.filter(name => known.has(name));
}
