/** A plan with repaired types for the kernel. */

import type { Btf } from '../../btf/index.ts';
import { RootletError } from '../../diag/index.ts';
import { type LoadPlan, withKernelTypes } from '../plan/index.ts';
import { type MendedTypes, mendTypes } from './mend.ts';
import { NAME_RULES, type NameRules } from './names.ts';

export interface MendedPlan {
  /** Its `types` are those of the object, for values. */
  readonly plan: LoadPlan;
  /** The types that the kernel gets. */
  readonly types: Btf;
  /** What was repaired; the plan has these notes as well. */
  readonly notes: readonly string[];
}

/** The plan with repaired types, and a note about each repair; null when there is nothing to repair. */
export function mendPlan(plan: LoadPlan, rules: NameRules = NAME_RULES): MendedPlan | null {
  const mended = plan.types === null || plan.btf === null ? null : tryMend(plan.types, rules);
  if (mended === null) return null;
  const notes = mended.notes.map(note => `${plan.source}: BTF for the kernel: ${note}`);
  return {
    plan: { ...withKernelTypes(plan, mended.btf), notes: [...plan.notes, ...notes] },
    types: mended.btf,
    notes,
  };
}

/** Types that are nested too deeply to be followed are not repaired. */
function tryMend(types: Btf, rules: NameRules): MendedTypes | null {
  try {
    return mendTypes(types, rules);
  } catch (error) {
    if (error instanceof RootletError) return null;
    throw error;
  }
}
