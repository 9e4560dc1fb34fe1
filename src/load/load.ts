/** `loadObject`: everything from a symbolic object to programs in the kernel. */

import { type CoreAnswer, needsCore, relocateCore } from '../core/index.ts';
import { RootletError, requireOptions } from '../diag/index.ts';
import { liftMemlock, mayHave, requireSys, type Sys } from '../kernel/index.ts';
import { type BpfObject, requireObject, stripDataSections } from '../object/index.ts';
import { E2BIG, EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP } from '../uapi/index.ts';
import { type ExecuteOptions, executeLoad, type LoadedObject, requireByteOrder } from './execute/index.ts';
import {
  bindExterns,
  type ExternBindings,
  type KernelFacts,
  type KernelTypes,
  openKernelTypes,
  runningKernelFacts,
} from './externs/index.ts';
import {
  findAttachTypes,
  findLacks,
  findOperations,
  type LoadPlan,
  limitPlan,
  type PlanOptions,
  planLoad,
} from './plan/index.ts';

/** Options of `loadObject` and `prepareLoad`. */
export interface LoadOptions extends PlanOptions, ExecuteOptions {
  /** Text of a kernel configuration for `.kconfig` externs; without it, that of the running kernel. */
  readonly kconfig?: string;
  /** Types to relocate against instead of the running kernel's: a BTF file, or an ELF file with BTF. */
  readonly btfPath?: string;
  /** Facts of the kernel; default those of the running one. */
  readonly kernelTypes?: KernelTypes;
  /** @hidden */
  readonly kernelFacts?: KernelFacts;
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
  const types = options.kernelTypes ?? openKernelTypes(sys, options.btfPath);
  const { object, answers: coreAnswers } = relocate(stripDataSections(input), types);
  const bindings = bind(object, sys, types, options);
  const operations = findOperations(object, types);
  const attach = findAttachTypes(object, types, operations, options);
  const plan = planLoad({ object, coreAnswers, bindings, operations, attach }, options);
  return { plan, answers: coreAnswers, object, bindings };
}

/**
 * Loads an object into the kernel. Either all of it is there afterwards, or nothing is. When the kernel
 * refuses and turns out to be too old for something that the programs can do without, it is loaded once more
 * without that, and `notes` of the loaded object report it.
 */
export function loadObject(input: BpfObject, sys: Sys, options: LoadOptions = {}): LoadedObject {
  requireObject('loadObject: input', input);
  requireSys('loadObject: sys', sys);
  requireOptions('loadObject: options', options);
  return executePlan(prepareLoad(input, sys, options).plan, sys, options);
}

/** The second half of `loadObject`: does what `prepareLoad` planned for this kernel. */
export function executePlan(plan: LoadPlan, sys: Sys, options: ExecuteOptions = {}): LoadedObject {
  liftMemlock(sys);
  try {
    return executeLoad(plan, sys, options);
  } catch (error) {
    if (!mayBeTooNew(error)) throw error;
    const lacks = findLacks(sys, plan);
    if (lacks.size === 0) throw error;
    const limited = limitPlan(plan, lacks);
    return executeLoad({ ...limited.plan, notes: [...plan.notes, ...limited.notes] }, sys, options);
  }
}

/** Errors that kernels return for unsupported requests. */
function mayBeTooNew(error: unknown): boolean {
  const errno = error instanceof RootletError ? error.problems[0]?.errno : undefined;
  return (
    errno === EINVAL || errno === E2BIG || errno === EACCES || errno === EOPNOTSUPP || errno === ENOTSUPP
  );
}

function relocate(object: BpfObject, types: KernelTypes) {
  if (!needsCore(object)) return { object, answers: [] };
  return relocateCore(object, { main: types.vmlinux(), modules: name => types.modules(name) });
}

function bind(object: BpfObject, sys: Sys, types: KernelTypes, options: LoadOptions): ExternBindings {
  const facts = options.kernelFacts ?? runningKernelFacts(() => mayHave(sys, 'attachCookie'));
  return bindExterns(object, types, facts, options);
}
