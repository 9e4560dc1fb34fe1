/**
 * A plan on a kernel that may refuse a part of it: as it is, with types that were repaired, without what an
 * older kernel lacks, without types, in this order. What the kernel takes stays what it is.
 *
 * Separate from `execute/`, which carries out one plan and makes no decisions.
 */

import type { Btf } from '../../btf/index.ts';
import { type Problem, quote, RootletError } from '../../diag/index.ts';
import type { Sys } from '../../kernel/index.ts';
import { E2BIG, EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP } from '../../uapi/index.ts';
import { type ExecuteOptions, executeLoad, type LoadedObject, verifierFailureOf } from '../execute/index.ts';
import { findLacks, type LoadPlan, limitPlan } from '../plan/index.ts';
import { mendPlan } from './mend-plan.ts';
import { NAME_RULES, OLDEST_NAME_RULES } from './names.ts';
import { typeNeeds } from './needs.ts';
import { btfRefusal, errnoOf, neededTypes, withoutTypesNote } from './refusal.ts';

/**
 * Carries out the plan, with less where the kernel refuses, which `notes` of the loaded object report. Throws
 * what the kernel refuses for another reason; `kernel-btf-refused` when it refuses the types and something
 * needs them.
 */
export function executeOnKernel(plan: LoadPlan, sys: Sys, options: ExecuteOptions = {}): LoadedObject {
  const load: Load = variant => attempt(variant, sys, options);
  const whole = load(plan);
  if ('loaded' in whole) return whole.loaded;
  const refusal = btfRefusal(whole.error);
  const mended = refusal === undefined ? null : loadMended(plan, load);
  const typed = mended ?? { plan, types: plan.types, outcome: whole };
  if ('loaded' in typed.outcome) return typed.outcome.loaded;
  const last = loadLimited(typed, typed.outcome.error, sys, load);
  if ('loaded' in last) return last.loaded;
  if (refusal === undefined) throw last.error;
  const needs = [...typeNeeds(plan), ...(options.typesFor === undefined ? [] : [options.typesFor])];
  return loadUntyped(
    { plan, needs, refusal: btfRefusal(last.error) ?? refusal, typedError: last.error },
    sys,
    load,
  );
}

type Outcome = { readonly loaded: LoadedObject } | { readonly error: unknown };
type Load = (plan: LoadPlan) => Outcome;

function attempt(plan: LoadPlan, sys: Sys, options: ExecuteOptions): Outcome {
  try {
    return { loaded: executeLoad(plan, sys, options) };
  } catch (error) {
    return { error };
  }
}

// --- repaired types ---------------------------------------------------------------------------------------------

/** A plan, and the types that the kernel gets. */
interface Typed {
  readonly plan: LoadPlan;
  readonly types: Btf | null;
}

/** A plan whose types are repaired, and how its load ended. */
interface Mended extends Typed {
  readonly outcome: Outcome;
}

/** With repaired types; older kernels take fewer names. Null when there is nothing to repair. */
function loadMended(plan: LoadPlan, load: Load): Mended | null {
  let last: Mended | null = null;
  for (const rules of [NAME_RULES, OLDEST_NAME_RULES]) {
    const variant = mendPlan(plan, rules);
    if (variant === null) continue;
    last = { ...variant, outcome: load(variant.plan) };
    if ('loaded' in last.outcome || btfRefusal(last.outcome.error) === undefined) return last;
  }
  return last;
}

// --- older kernels ----------------------------------------------------------------------------------------------

/** Without what the kernel lacks, if `error` can be due to that; otherwise the same error. */
function loadLimited({ plan, types }: Typed, error: unknown, sys: Sys, load: Load): Outcome {
  if (!mayBeTooNew(error)) return { error };
  const lacks = findLacks(sys, plan);
  if (lacks.size === 0) return { error };
  const limited = limitPlan({ ...plan, types }, lacks);
  const notes = [...plan.notes, ...limited.notes];
  return load({ ...limited.plan, types: plan.types, notes });
}

/** Errors that kernels return for unsupported requests. */
const TOO_NEW: readonly number[] = [EINVAL, E2BIG, EACCES, EOPNOTSUPP, ENOTSUPP];

function mayBeTooNew(error: unknown): boolean {
  return TOO_NEW.includes(errnoOf(error));
}

// --- without types ----------------------------------------------------------------------------------------------

function causeOf(error: unknown): string {
  const failure = verifierFailureOf(error);
  if (failure !== undefined) return `it refuses program ${quote(failure.program)}: ${failure.cause}`;
  return `loading fails: ${error instanceof RootletError ? error.problems[0]?.message : String(error)}`;
}

/** A plan whose types the kernel refuses. */
interface Refused {
  readonly plan: LoadPlan;
  /** What the types are needed for. */
  readonly needs: readonly string[];
  readonly refusal: Problem;
  /** How the load with types ended: where the kernel took repaired types, it is the error to report. */
  readonly typedError: unknown;
}

/** Without types, if nothing needs them. */
function loadUntyped(refused: Refused, sys: Sys, load: Load): LoadedObject {
  const { plan, needs, refusal, typedError } = refused;
  const wereTaken = btfRefusal(typedError) === undefined;
  if (needs.length > 0)
    throw wereTaken ? typedError : new RootletError([neededTypes(plan.source, refusal, needs)]);
  const note = withoutTypesNote(plan.source, refusal, wereTaken ? causeOf(typedError) : undefined);
  const bare = { ...plan, btf: null, notes: [...plan.notes, note] };
  const first = load(bare);
  const outcome =
    'loaded' in first ? first : loadLimited({ plan: bare, types: null }, first.error, sys, load);
  if ('loaded' in outcome) return outcome.loaded;
  if (wereTaken) throw typedError;
  const failure = verifierFailureOf(outcome.error);
  if (failure === undefined || !(outcome.error instanceof RootletError)) throw outcome.error;
  const need = `program ${quote(failure.program)} (the verifier refuses it without)`;
  throw new RootletError([neededTypes(plan.source, refusal, [need]), ...outcome.error.problems], {
    cause: failure,
  });
}
