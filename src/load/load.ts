/** `loadObject`: everything from a symbolic object to programs in the kernel. */

import { given } from '../bytes/index.ts';
import { type CoreAnswer, needsCore, relocateCore } from '../core/index.ts';
import { RootletError, requireOptions, within } from '../diag/index.ts';
import { liftMemlock, mayHave, requireSys, type Sys } from '../kernel/index.ts';
import {
  type BpfObject,
  markLive,
  requireObject,
  type SymbolIndex,
  stripDataSections,
  withProgramTypes,
} from '../object/index.ts';
import { type ExecuteOptions, type LoadedObject, requireByteOrder } from './execute/index.ts';
import {
  bindExterns,
  type ExternBindings,
  type KernelFacts,
  type KernelTypes,
  openKernelTypes,
  runningKernelFacts,
} from './externs/index.ts';
import { executeOnKernel } from './mend/index.ts';
import {
  firstVariant,
  loadVariants,
  NOT_OPTIMIZED,
  type OptimizedVariant,
  type OptimizeSetting,
  processedInstructions,
} from './optimized/index.ts';
import {
  findAttachTypes,
  findOperations,
  type LoadPlan,
  type PlanOptions,
  planLoad,
  wantedPrograms,
} from './plan/index.ts';

/** Options of `loadObject` and `prepareLoad`. */
export interface LoadOptions extends PlanOptions, ExecuteOptions {
  /**
   * Name of a program → its type, instead of the one that its section specifies: a section name of libbpf
   * (`xdp`, `cgroup_skb/egress`, `kprobe/do_exit`) or the kernel's name of a type (`sched_cls`). `*` stands for
   * all programs without an entry. Throws `object-program-type` and `object-no-program`.
   */
  readonly types?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  /** Text of a kernel configuration for `.kconfig` externs; without it, that of the running kernel. */
  readonly kconfig?: string;
  /** Types to relocate against instead of the running kernel's: a BTF file, or an ELF file with BTF. */
  readonly btfPath?: string;
  /** Facts of the kernel; default those of the running one. */
  readonly kernelTypes?: KernelTypes;
  /** @hidden */
  readonly kernelFacts?: KernelFacts;
  /**
   * How `loadObject` optimizes the programs. A verifier that refuses the result gets less of it, at last the
   * object as it is; `notes` of the loaded object report it. Default: not at all.
   */
  readonly optimize?: OptimizeSetting;
}

/** A plan for this machine, and how its CO-RE relocations came out. */
export interface PreparedLoad {
  readonly plan: LoadPlan;
  readonly answers: readonly CoreAnswer[];
  /** What was planned: the input after CO-RE. Symbols of `answers` and `bindings` are its. */
  readonly object: BpfObject;
  /** @internal */
  readonly bindings: ExternBindings;
}

/**
 * Relocates, binds externs and plans, without creating anything. Only what the object needs is read from the
 * kernel.
 */
export function prepareLoad(input: BpfObject, sys: Sys, options: LoadOptions = {}): PreparedLoad {
  requireObject('prepareLoad: input', input);
  requireSys('prepareLoad: sys', sys);
  requireOptions('prepareLoad: options', options);
  requireByteOrder({ byteOrder: input.byteOrder, source: input.name });
  const types = options.kernelTypes ?? openKernelTypes(sys, options.btfPath, options.limits);
  const whole = withProgramTypes(stripDataSections(input), options.types ?? {});
  const operations = findOperations(whole, types);
  const used = usedBy(whole, wantedPrograms(whole, operations, options));
  const { object, answers: coreAnswers } = relocate(withoutUnusedCore(whole, used), types);
  const bindings = bind(object, sys, types, options, used);
  const attach = findAttachTypes(object, types, operations, options);
  const plan = planLoad({ object, coreAnswers, bindings, operations, attach }, options);
  return { plan, answers: coreAnswers, object, bindings };
}

/**
 * Loads an object into the kernel. Either all of it is there afterwards, or nothing is. When the kernel
 * refuses, it is loaded once more with what the kernel takes, if the programs mean the same: with repaired
 * types, without features that are too new, or without types. `notes` of the loaded object report it.
 */
export function loadObject(input: BpfObject, sys: Sys, options: LoadOptions = {}): LoadedObject {
  requireObject('loadObject: input', input);
  requireSys('loadObject: sys', sys);
  requireOptions('loadObject: options', options);
  return loadOptimized(input, options.optimize ?? NOT_OPTIMIZED, {
    sys,
    options,
    planOf: object => prepareLoad(object, sys, options).plan,
  });
}

/**
 * As `prepareLoad`, of what `loadObject` would try first with `options.optimize`. The plan has what the optimizer
 * would do, and what it would not.
 */
export function prepareOptimized(object: BpfObject, sys: Sys, options: LoadOptions = {}): PreparedLoad {
  const prepared = prepareLoad(object, sys, options);
  const { optimize = NOT_OPTIMIZED } = options;
  const isLoaded = (program: string): boolean => prepared.plan.programs.some(({ name }) => name === program);
  const variant = firstVariant(object, optimize, isLoaded);
  const { plan, ...others } = variant.report === null ? prepared : prepareLoad(variant.object, sys, options);
  return { ...others, plan: planOfVariant(plan, variant) };
}

/** How one object is loaded, whatever optimization makes of it. */
export interface OptimizedLoad {
  readonly sys: Sys;
  readonly options: ExecuteOptions;
  /** Plans a variant of the object. */
  readonly planOf: (object: BpfObject) => LoadPlan;
}

/** Loads an object at the first step of the ladder that the verifier accepts. Throws as `loadObject` does. */
export function loadOptimized(
  object: BpfObject,
  setting: OptimizeSetting,
  { sys, options, planOf }: OptimizedLoad,
): LoadedObject {
  return loadVariants<LoadedObject>(object, setting, {
    load: variant => executePlan(planOfVariant(planOf(variant.object), variant), sys, options),
    loadedOf: loaded => loaded,
    discard: loaded => loaded.discard(),
    processedBefore: () => processedBy(planOf(object), sys, options),
    isLoaded: program => planOf(object).programs.some(({ name }) => name === program),
  });
}

/** The plan of a variant, which reports what it is. */
export function planOfVariant(plan: LoadPlan, { step, notes, report }: OptimizedVariant): LoadPlan {
  const isLoaded = ({ program }: { readonly program: string }): boolean =>
    plan.programs.some(({ name }) => name === program);
  const optimization =
    report === null ? undefined : { ...report, programs: report.programs.filter(isLoaded) };
  return {
    ...plan,
    notes: [...notes, ...plan.notes],
    ...given({ optimized: step === 'none' ? undefined : step, optimization }),
  };
}

/**
 * Instructions that the verifier processes for the programs of a plan, which are loaded for a moment, without a
 * pin. Undefined where the kernel refuses them, or does not count.
 */
export function processedBy(plan: LoadPlan, sys: Sys, options: ExecuteOptions): number | undefined {
  try {
    using loaded = executePlan(plan, sys, { ...options, keepLog: false, pinRoot: null });
    return processedInstructions(loaded);
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/** The second half of `loadObject`: does what `prepareLoad` planned for this kernel. */
export function executePlan(plan: LoadPlan, sys: Sys, options: ExecuteOptions = {}): LoadedObject {
  liftMemlock(sys);
  return executeOnKernel(plan, sys, options);
}

/** What the programs that are loaded need, directly or not. */
function usedBy(
  object: BpfObject,
  programs: readonly { readonly index: SymbolIndex }[],
): (index: SymbolIndex) => boolean {
  const { live } = markLive(
    object,
    programs.map(({ index }) => index),
  );
  return index => live[index] === true;
}

/** Functions of programs that are not loaded keep their code: nothing of it has to exist in the target. */
function withoutUnusedCore(object: BpfObject, used: (index: SymbolIndex) => boolean): BpfObject {
  if (!needsCore(object)) return object;
  const symbols = object.symbols.map((symbol, index) =>
    symbol.kind === 'function' && symbol.coreRecords.length > 0 && !used(index)
      ? { ...symbol, coreRecords: [] }
      : symbol,
  );
  return { ...object, symbols };
}

function relocate(object: BpfObject, types: KernelTypes) {
  if (!needsCore(object)) return { object, answers: [] };
  const main = within(object.name, () => types.vmlinux());
  return relocateCore(object, { main, modules: name => types.modules(name) });
}

function bind(
  object: BpfObject,
  sys: Sys,
  types: KernelTypes,
  options: LoadOptions,
  used: (index: SymbolIndex) => boolean,
): ExternBindings {
  const facts = options.kernelFacts ?? runningKernelFacts(() => mayHave(sys, 'attachCookie'));
  return bindExterns(object, types, facts, { ...options, isUsed: used });
}
