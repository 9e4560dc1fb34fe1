/**
 * Loading an object optimized: only the verifier can tell whether it accepts the result, so a refusal is
 * answered with less optimization, down to the object as it is.
 *
 * `all → single → members → none`, from the step that the setting names. What a failed step made is gone
 * before the next one begins. The error of a refusal at `none` is the one that is reported: it is about the
 * code that was compiled.
 */

import { quote } from '../../diag/index.ts';
import type { InlineScope, Optimized, OptimizeReport } from '../../link/index.ts';
import { NO_GAIN, optimize } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { E2BIG, EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, ENOTSUPP, EPERM } from '../../uapi/index.ts';
import { type LoadedObject, verifierFailureOf } from '../execute/index.ts';
import { isOverBudget, overBudget, processedInstructions } from './budget.ts';
import { type FirstStep, functionsIn, type OptimizeSetting } from './setting.ts';

/** What an object was made at one step. */
export interface OptimizedVariant {
  readonly object: BpfObject;
  /** `none`: the object as it was given. */
  readonly step: InlineScope;
  /** Null where nothing was optimized. */
  readonly report: OptimizeReport | null;
  /** Why it is this step, and what was not optimized; one sentence each. */
  readonly notes: readonly string[];
}

/** How one variant is loaded. */
export interface VariantLoader<T> {
  /** Loads it. When this throws, nothing of it stays. */
  readonly load: (variant: OptimizedVariant) => T;
  readonly loadedOf: (made: T) => LoadedObject;
  /** Removes all that `load` made. */
  readonly discard: (made: T) => void;
  /**
   * Instructions that the verifier processes for the object as it was given; undefined where that is not known.
   */
  readonly processedBefore: () => number | undefined;
  /** Whether a program of the object is loaded; default: all. Only these are reported. */
  readonly isLoaded?: ((program: string) => boolean) | undefined;
}

/** Replaced in tests. */
export type Optimizer = (
  object: BpfObject,
  step: InlineScope,
  functions: { readonly noInline: readonly string[]; readonly firstCalls: readonly string[] },
) => Optimized;

/** From the one that inlines most. */
const STEPS: readonly FirstStep[] = ['all', 'single', 'members'];
const FIRST_STEP = 'single';

/**
 * Loads the object at the first step of the ladder that the verifier accepts. Throws what `load` throws for
 * another reason, and the refusal of the object as it was given.
 */
export function loadVariants<T>(
  object: BpfObject,
  setting: OptimizeSetting,
  loader: VariantLoader<T>,
  optimizer: Optimizer = optimizeAt,
): T {
  const plain = { object, step: 'none', report: null } as const;
  if (setting.level === 0) return loader.load({ ...plain, notes: [] });
  const budget = setting.verifyBudget === true ? knownBudget(object, loader) : NO_BUDGET;
  const walk: Walk = { ...newWalk(loader.isLoaded), notes: [...budget.notes] };
  for (const variant of variantsOf(object, setting, optimizer, walk)) {
    const made = tryStep(variant, loader, budget.processed, walk);
    if (made !== undefined) return made.value;
  }
  return loader.load({ ...plain, notes: notesAt(object, 'none', walk) });
}

/** The first variant that a ladder would load; nothing is loaded. */
export function firstVariant(
  object: BpfObject,
  setting: OptimizeSetting,
  isLoaded?: (program: string) => boolean,
  optimizer: Optimizer = optimizeAt,
): OptimizedVariant {
  const walk = newWalk(isLoaded);
  if (setting.level === 1)
    for (const variant of variantsOf(object, setting, optimizer, walk))
      return { ...variant, notes: notesAt(object, variant.step, walk) };
  return { object, step: 'none', report: null, notes: walk.notes };
}

const optimizeAt: Optimizer = (object, inline, functions) => optimize(object, { inline, ...functions });

// --- steps --------------------------------------------------------------------------------------------------------

interface Walk {
  /** Why earlier steps were left, as parts of a sentence. */
  readonly refusals: string[];
  notes: readonly string[];
  /** What the step before was, so that the same code is not loaded twice. */
  before: OptimizeReport | undefined;
  readonly isLoaded: (program: string) => boolean;
}

function newWalk(isLoaded: (program: string) => boolean = () => true): Walk {
  return { refusals: [], notes: [], before: undefined, isLoaded };
}

type Variant = Omit<OptimizedVariant, 'notes'> & { readonly step: FirstStep };

/** Each step that differs from the one before it. Ends where no program can be optimized. */
function* variantsOf(
  object: BpfObject,
  { inline = FIRST_STEP, noInline = [], firstCalls = [] }: OptimizeSetting,
  optimizer: Optimizer,
  walk: Walk,
): Generator<Variant> {
  const known = functionsIn(object, noInline);
  walk.notes = [...walk.notes, ...noInline.filter(name => !known.includes(name)).map(noFunction)];
  for (const step of STEPS.slice(STEPS.indexOf(inline))) {
    const { object: optimized, report } = optimizer(object, step, { noInline: known, firstCalls });
    if (walk.before === undefined) walk.notes = [...walk.notes, ...refusedPrograms(object, report, walk)];
    if (report.programs.every(({ refused }) => refused !== null)) return;
    if (walk.before !== undefined && isSameInlining(walk.before, report)) continue;
    walk.before = report;
    yield { object: optimized, step, report };
  }
}

/** A name that stays in force, in case a later version has the function. */
export function noFunction(name: string): string {
  return `--no-inline ${name} has no effect: there is no such function`;
}

function refusedPrograms({ name }: BpfObject, { programs }: OptimizeReport, { isLoaded }: Walk): string[] {
  return programs.flatMap(({ program, refused }) =>
    refused === null || refused === NO_GAIN || !isLoaded(program)
      ? []
      : [`${name}: program ${quote(program)} is not optimized: ${refused}`],
  );
}

function isSameInlining(a: OptimizeReport, b: OptimizeReport): boolean {
  const text = ({ programs }: OptimizeReport): string =>
    JSON.stringify(programs.map(({ program, inlined }) => [program, inlined]));
  return text(a) === text(b);
}

function tryStep<T>(
  variant: Variant,
  loader: VariantLoader<T>,
  before: number | undefined,
  walk: Walk,
): { readonly value: T } | undefined {
  const { step, object } = variant;
  let value: T;
  try {
    value = loader.load({ ...variant, notes: notesAt(object, step, walk) });
  } catch (error) {
    const cause = refusalOf(error);
    if (cause === undefined) throw error;
    walk.refusals.push(`the verifier refused ${step}: ${cause}`);
    return undefined;
  }
  if (before === undefined) return { value };
  const after = processedInstructions(loader.loadedOf(value));
  if (after === undefined || !isOverBudget(after, before)) return { value };
  loader.discard(value);
  walk.refusals.push(overBudget(step, after, before));
  return undefined;
}

/** What is reported with what is loaded at `step`. */
function notesAt({ name }: BpfObject, step: InlineScope, { refusals, notes }: Walk): string[] {
  if (refusals.length === 0) return [...notes];
  const what = step === 'none' ? 'not optimized' : `optimized at step ${step}`;
  return [...notes, `${name}: ${what}: ${refusals.join('; ')}`];
}

// --- refusals -----------------------------------------------------------------------------------------------------

/** Errors that are not about the code: the next step would have them as well. */
const NOT_ABOUT_CODE: readonly number[] = [EPERM, ENOMEM, EAGAIN, EINTR, EMFILE, ENFILE];
/** Errors about the code that may come without a log: too many instructions, or no way to compile them. */
const WITHOUT_LOG: readonly number[] = [E2BIG, ENOTSUPP];

/** The first line of the verifier's reason; undefined for an error that less optimization cannot mend. */
function refusalOf(error: unknown): string | undefined {
  const failure = verifierFailureOf(error);
  if (failure === undefined || NOT_ABOUT_CODE.includes(failure.errno)) return undefined;
  if (failure.log.length === 0 && !WITHOUT_LOG.includes(failure.errno)) return undefined;
  const [first = failure.cause] = failure.cause.split('\n');
  return `program ${quote(failure.program)}: ${first}`;
}

// --- budget -------------------------------------------------------------------------------------------------------

const NO_BUDGET = { processed: undefined, notes: [] } as const;

function knownBudget<T>({ name }: BpfObject, { processedBefore }: VariantLoader<T>) {
  const processed = processedBefore();
  if (processed !== undefined) return { processed, notes: [] };
  return {
    processed,
    notes: [
      `${name}: the verify budget is not checked: the number of instructions that the verifier processes without optimization is not known`,
    ],
  };
}
