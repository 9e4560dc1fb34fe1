/** The verify budget: what optimization may cost the verifier. */

import type { InlineScope } from '../../link/index.ts';
import type { LoadedObject } from '../execute/index.ts';

const FACTOR = 1.2;
/** Small programs exceed any factor. */
const ALLOWANCE = 100;

/** Instructions that the verifier processed for all programs of an object; undefined before Linux 5.16. */
export function processedInstructions({ programs }: LoadedObject): number | undefined {
  const counts = [...programs.values()].map(program => program.info().verifiedInsns);
  return counts.includes(0) ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

export function isOverBudget(after: number, before: number): boolean {
  return after > before * FACTOR + ALLOWANCE;
}

/** Why a step was left, as a part of a sentence. */
export function overBudget(step: InlineScope, after: number, before: number): string {
  return `at step ${step} the verifier processes ${after} instructions, more than ${FACTOR} times the ${before} without optimization plus ${ALLOWANCE}`;
}
