/** What a load would do with types that this kernel refuses, for dry runs. */

import type { Problem } from '../../diag/index.ts';
import { RootletError } from '../../diag/index.ts';
import { loadBtf, type Sys } from '../../kernel/index.ts';
import type { LoadPlan } from '../plan/index.ts';
import { type MendedPlan, mendPlan } from './mend-plan.ts';
import { NAME_RULES, OLDEST_NAME_RULES } from './names.ts';
import { typeNeeds } from './needs.ts';
import { btfRefusal, neededTypes, withoutTypesNote } from './refusal.ts';

/**
 * The notes that a load of the plan would have about its types. They are loaded for a moment. Throws
 * `kernel-btf-refused` when the kernel refuses them and something needs them. Without the right to load types,
 * what kernels are known to refuse.
 */
export function typesOutlook(plan: LoadPlan, sys: Sys): readonly string[] {
  const whole = refusalOf(plan, sys);
  if (whole === undefined) return [];
  if (whole === 'unknown') return notesOf(mendPlan(plan));
  let last: Problem = whole;
  for (const rules of [NAME_RULES, OLDEST_NAME_RULES]) {
    const mended = mendPlan(plan, rules);
    const refusal = mended === null ? last : refusalOf(mended.plan, sys);
    if (refusal === undefined) return notesOf(mended);
    if (refusal !== 'unknown') last = refusal;
  }
  const needs = typeNeeds(plan);
  if (needs.length > 0) throw new RootletError([neededTypes(plan.source, last, needs)]);
  return [withoutTypesNote(plan.source, last)];
}

function notesOf(mended: MendedPlan | null): readonly string[] {
  return mended === null ? [] : mended.notes;
}

/** Undefined when the kernel takes the types. */
function refusalOf({ btf }: LoadPlan, sys: Sys): Problem | 'unknown' | undefined {
  if (btf === null) return undefined;
  try {
    loadBtf(sys, btf).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return btfRefusal(error) ?? 'unknown';
  }
}
