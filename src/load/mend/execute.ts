/**
 * A plan on a kernel that may refuse a part of it: as it is, with types that were repaired, without what an
 * older kernel lacks, without types, in this order. What the kernel takes stays what it is.
 *
 * Separate from `execute/`, which carries out one plan and makes no decisions.
 */

import type { Btf } from '../../btf/index.ts';
import { given } from '../../bytes/index.ts';
import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import type { Sys } from '../../kernel/index.ts';
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EINTR,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOMEM,
  ENOSYS,
  ENOTSUPP,
  EOPNOTSUPP,
  EPERM,
  errnoText,
} from '../../uapi/index.ts';
import { type ExecuteOptions, executeLoad, type LoadedObject, verifierFailureOf } from '../execute/index.ts';
import { findLacks, type LoadPlan, limitPlan, withKernelTypes } from '../plan/index.ts';
import { type MendedTypes, mendTypes } from './mend.ts';
import { NAME_RULES, type NameRules, OLDEST_NAME_RULES } from './names.ts';
import { typeNeeds } from './needs.ts';

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
  const typed = mended ?? { plan, outcome: whole };
  if ('loaded' in typed.outcome) return typed.outcome.loaded;
  const last = loadLimited(typed.plan, typed.outcome.error, sys, load);
  if ('loaded' in last) return last.loaded;
  if (refusal === undefined) throw last.error;
  return loadUntyped(plan, btfRefusal(last.error) ?? refusal, last.error, load);
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

/** A plan whose types are repaired, and how its load ended. */
interface Mended {
  readonly plan: LoadPlan;
  readonly outcome: Outcome;
}

/** With repaired types; older kernels take fewer names. Null when there is nothing to repair. */
function loadMended(plan: LoadPlan, load: Load): Mended | null {
  let last: Mended | null = null;
  for (const rules of [NAME_RULES, OLDEST_NAME_RULES]) {
    const variant = mendPlan(plan, rules);
    if (variant === null) continue;
    last = { plan: variant, outcome: load(variant) };
    if ('loaded' in last.outcome || btfRefusal(last.outcome.error) === undefined) return last;
  }
  return last;
}

/** The plan with repaired types, and a note about each repair; null when there is nothing to repair. */
export function mendPlan(plan: LoadPlan, rules: NameRules = NAME_RULES): LoadPlan | null {
  const mended = plan.types === null || plan.btf === null ? null : tryMend(plan.types, rules);
  if (mended === null) return null;
  const notes = mended.notes.map(note => `${plan.source}: BTF for the kernel: ${note}`);
  return { ...withKernelTypes(plan, mended.btf), notes: [...plan.notes, ...notes] };
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

// --- older kernels ----------------------------------------------------------------------------------------------

/** Without what the kernel lacks, if `error` can be due to that; otherwise the same error. */
function loadLimited(plan: LoadPlan, error: unknown, sys: Sys, load: Load): Outcome {
  if (!mayBeTooNew(error)) return { error };
  const lacks = findLacks(sys, plan);
  if (lacks.size === 0) return { error };
  const limited = limitPlan(plan, lacks);
  return load({ ...limited.plan, notes: [...plan.notes, ...limited.notes] });
}

/** Errors that kernels return for unsupported requests. */
const TOO_NEW: readonly number[] = [EINVAL, E2BIG, EACCES, EOPNOTSUPP, ENOTSUPP];

function mayBeTooNew(error: unknown): boolean {
  return TOO_NEW.includes(errnoOf(error));
}

function errnoOf(error: unknown): number {
  const [first] = error instanceof RootletError ? error.problems : [];
  return first?.errno === undefined ? NO_ERRNO : first.errno;
}

const NO_ERRNO = -1;

// --- without types ----------------------------------------------------------------------------------------------

/** Errors that are not about what the types are. */
const NOT_ABOUT_TYPES: readonly number[] = [EPERM, EACCES, ENOMEM, EMFILE, ENFILE, EAGAIN, EINTR, ENOSYS];

/** The kernel's problem with the types themselves; undefined for any other error. */
function btfRefusal(error: unknown): Problem | undefined {
  const [first] = error instanceof RootletError ? error.problems : [];
  const isRefusal = first?.code === 'kernel-btf-refused' && !NOT_ABOUT_TYPES.includes(errnoOf(error));
  return isRefusal ? first : undefined;
}

/**
 * Without types, if nothing needs them. `typedError` is how the load with types ended: where the kernel took
 * repaired types, it is the error to report.
 */
function loadUntyped(plan: LoadPlan, refusal: Problem, typedError: unknown, load: Load): LoadedObject {
  const needs = typeNeeds(plan);
  const wereTaken = btfRefusal(typedError) === undefined;
  if (needs.length > 0) throw wereTaken ? typedError : new RootletError([neededTypes(plan, refusal, needs)]);
  const note = `${plan.source}: loaded without BTF, which the kernel refuses: ${reasonOf(refusal)}; ${LOST}`;
  const outcome = load({ ...plan, btf: null, notes: [...plan.notes, note] });
  if ('loaded' in outcome) return outcome.loaded;
  if (wereTaken) throw typedError;
  const failure = verifierFailureOf(outcome.error);
  if (failure === undefined || !(outcome.error instanceof RootletError)) throw outcome.error;
  const first = neededTypes(plan, refusal, [
    `program ${quote(failure.program)} (the verifier refuses it without)`,
  ]);
  throw new RootletError([first, ...outcome.error.problems], { cause: failure });
}

const LOST =
  'maps and functions have no types in the kernel, and global functions are verified as static ones';

function neededTypes(plan: LoadPlan, refusal: Problem, needs: readonly string[]): Problem {
  const message = `the kernel refuses the types: ${reasonOf(refusal)}`;
  return problem('kernel-btf-refused', [plan.source, 'section ".BTF"'], message, {
    ...given({ errno: refusal.errno }),
    details: needs.map(need => `needed by ${need}`),
    hint: 'change the declaration that the line of the kernel names',
  });
}

/** The last line of the kernel's log; a line about a part of a type comes with the line of the type. */
function reasonOf({ details = [], errno }: Problem): string {
  const last = details.at(-1);
  const words = errno === undefined ? '' : errnoText(errno);
  if (last === undefined) return words;
  const head = last.startsWith('\t') ? details.findLast(line => line.startsWith('[')) : undefined;
  const line = head === undefined ? last.trim() : `${head}: ${last.trim()}`;
  return `${quote(line)} (${words})`;
}
