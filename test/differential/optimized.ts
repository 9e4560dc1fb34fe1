/**
 * An object before and after the optimizer: the same verdicts, packets and maps, in the machine and in the kernel;
 * and what the kernel's verifier had to do for each.
 */

import type { Sys } from '../../src/kernel/sys/sys.ts';
import type { OptimizeOptions, OptimizeReport } from '../../src/link/optimize/model/options.ts';
import { optimize } from '../../src/link/optimize/optimize.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { leftOut } from '../support/needs.ts';
import { inKernel, type Observation, observe, type Step } from './observe.ts';
import { throughBytes } from './passes.ts';
import { compare, machineObservation } from './single.ts';
import { STAGES, type Variant } from './stages.ts';

/** What a kernel did with an object. */
export interface KernelResult {
  readonly observation: Observation;
  /** Instructions that the verifier processed, of all programs. */
  readonly processed: number;
}

export function kernelResult(
  object: BpfObject,
  sys: Sys,
  seed: number,
  steps: readonly Step[],
): KernelResult | string {
  let subject: ReturnType<typeof inKernel>;
  try {
    subject = inKernel(object, sys, seed);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const processed = subject.processed();
  return { processed, observation: observe(subject, steps) };
}

export interface Before {
  readonly object: BpfObject;
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly machine: Observation | string;
  /** Null without a kernel. */
  readonly kernel: KernelResult | string | null;
}

/** What an object does as it is; the kernel is not asked about big-endian ones. */
export function beforeOf(
  object: BpfObject,
  seed: number,
  steps: readonly Step[],
  sys: Sys | undefined,
): Before {
  const machine = machineObservation(object, steps, seed);
  if (sys === undefined) leftOut('bpf');
  const asked = sys !== undefined && object.byteOrder === 'little';
  const kernel = asked ? kernelResult(object, sys, seed, steps) : null;
  return { object, seed, steps, machine, kernel };
}

export interface Outcome {
  readonly report: OptimizeReport;
  /** What is wrong: it does something else. Undefined where nothing is. */
  readonly wrong: string | undefined;
  /** The kernel loaded it before and refuses it now: why. */
  readonly refused: string | undefined;
  /** Instructions that the verifier processed, where it loaded both. */
  readonly processed: { readonly before: number; readonly after: number } | undefined;
}

/** Optimizes and compares. Throws what the optimizer throws. */
export function outcomeOf(
  before: Before,
  { stage, scope }: Variant,
  sys: Sys | undefined,
  options: OptimizeOptions = {},
): Outcome {
  const { object, seed, steps, machine, kernel } = before;
  const passes = STAGES[stage];
  if (passes === undefined) throw new Error(`no stage ${stage}`);
  const { object: optimized, report } = optimize(object, { ...options, inline: scope, passes });
  const after = seed % 2 === 0 ? throughBytes(optimized) : optimized;
  const inMachine = compare(machine, machineObservation(after, steps, seed));
  const base = { report, refused: undefined, processed: undefined };
  if (inMachine !== undefined) return { ...base, wrong: `in the machine: ${inMachine}` };
  if (sys === undefined || kernel === null || typeof kernel === 'string')
    return { ...base, wrong: undefined };
  const now = kernelResult(after, sys, seed, steps);
  if (typeof now === 'string') return { ...base, wrong: undefined, refused: now };
  const inKernelNow = compare(kernel.observation, now.observation);
  return {
    ...base,
    wrong: inKernelNow === undefined ? undefined : `in the kernel: ${inKernelNow}`,
    processed: { before: kernel.processed, after: now.processed },
  };
}

/** Counts over many outcomes of one variant. */
export class Tally {
  programs = 0;
  optimized = 0;
  inlined = 0;
  loaded = 0;
  before = 0;
  after = 0;
  /** Reasons of programs that were left as they are, and of calls that were kept. */
  readonly reasons = new Map<string, number>();
  readonly refusals: string[] = [];
  /** Those that exceed 1.2 times what it was and 100. */
  readonly costly: string[] = [];

  add(name: string, { report, refused, processed }: Outcome): void {
    for (const { refused: reason, inlined, kept } of report.programs) {
      this.programs++;
      if (reason === null) this.optimized++;
      else this.#count(`program: ${reason}`);
      this.inlined += inlined.length;
      for (const call of kept) this.#count(call.reason);
    }
    if (refused !== undefined) this.refusals.push(`${name}: ${refused.split('\n').slice(0, 3).join(' | ')}`);
    if (processed === undefined) return;
    this.loaded++;
    this.before += processed.before;
    this.after += processed.after;
    if (processed.after > 1.2 * processed.before + 100)
      this.costly.push(`${name}: ${processed.before} -> ${processed.after}`);
  }

  #count(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}

export const labelOf = ({ stage, scope }: Variant): string => `${stage}, ${scope}`;

/** The counts of each variant. */
export class Tallies {
  readonly #all = new Map<string, Tally>();

  add(name: string, variant: Variant, outcome: Outcome): void {
    const tally = this.of(variant);
    tally.add(name, outcome);
    this.#all.set(labelOf(variant), tally);
  }

  of(variant: Variant): Tally {
    return this.#all.get(labelOf(variant)) ?? new Tally();
  }

  show(title: string): void {
    if (process.env['ROOTLET_SHOW'] !== '1') return;
    for (const [label, { reasons, ...counts }] of this.#all)
      process.stdout.write(`${title}, ${label}: ${JSON.stringify({ ...counts, reasons: [...reasons] })}\n`);
  }
}

/** What happens, or what the optimizer throws. */
export function attempt(
  before: Before,
  variant: Variant,
  sys: Sys | undefined,
  options: OptimizeOptions = {},
): Outcome | string {
  try {
    return outcomeOf(before, variant, sys, options);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** What is wrong with one variant; below `all` it has to load. */
export function wrongWith(outcome: Outcome | string, { scope }: Variant): string | undefined {
  if (typeof outcome === 'string') return outcome;
  if (outcome.wrong !== undefined) return outcome.wrong;
  return outcome.refused === undefined || scope === 'all'
    ? undefined
    : `loaded before, and now: ${outcome.refused}`;
}
