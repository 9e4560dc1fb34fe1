/** The optimizer's passes, one more with each stage, and the scopes of inlining: what each is tested with. */

import type { InlineScope } from '../../src/link/optimize/model/options.ts';
import { NO_PASSES, type Passes } from '../../src/link/optimize/model/passes.ts';

const inline: Passes = { ...NO_PASSES, inline: true };
const clean: Passes = { ...inline, clean: true, tails: true, ranges: true };
const constants: Passes = { ...clean, constants: true };
const context: Passes = { ...constants, context: true };
const bounds: Passes = { ...context, bounds: true };
const facts: Passes = { ...bounds, facts: true, packet: true };

export const STAGES: Readonly<Record<string, Passes>> = {
  /** Every program once through the representation, and back. */
  lift: NO_PASSES,
  'A inline': inline,
  'A without coalescing': { ...inline, coalesce: false },
  'B copies, dead code, tails, ranges': clean,
  'C constants': constants,
  'D context loads': context,
  'E bounds': bounds,
  'F facts and packet loads': facts,
  /** Sharing alone. */
  'packet loads without facts': { ...clean, packet: true },
  'facts without packet loads': { ...clean, facts: true },
};

/** All passes. */
export const FULL = 'F facts and packet loads';

export const SCOPES: readonly InlineScope[] = ['all', 'single', 'members'];

export interface Variant {
  readonly stage: string;
  readonly scope: InlineScope;
}

const OTHERS = Object.keys(STAGES).filter(stage => stage !== FULL);

export const ALL_VARIANTS: readonly Variant[] = Object.keys(STAGES).flatMap(stage =>
  SCOPES.map(scope => ({ stage, scope })),
);

/** All passes at every scope, and for each seed two of the other stages; with every seed two others. */
export function variantsFor(seed: number): readonly Variant[] {
  const scopeOf = (at: number) => SCOPES[at % SCOPES.length] ?? 'all';
  const some = [seed, seed + Math.floor(OTHERS.length / 2)].map((at, index) => ({
    stage: OTHERS[at % OTHERS.length] ?? FULL,
    scope: scopeOf(Math.floor(at / OTHERS.length) + index),
  }));
  return [...SCOPES.map(scope => ({ stage: FULL, scope })), ...some];
}
