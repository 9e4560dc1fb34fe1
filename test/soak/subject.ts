/** What is repeated: a subject, and the run that repeats and measures it. */

import type { Sys } from '../../src/kernel/sys/sys.ts';
import { type Growth, growthOf, type Rule } from './growth.ts';
import { type Measure, measure, peakMemory, RULES, type Values } from './measure.ts';

export type What = 'links' | 'loads' | 'chains' | 'events' | 'machine';

/** A subject that is at work. */
export interface Cycles {
  /** Throws when something came out wrong. */
  cycle(at: number): void | Promise<void>;
  close?(): void;
}

export interface Subject {
  readonly what: What;
  readonly name: string;
  /** One of how many cycles is run, for those that take long; default 1. */
  readonly every?: number;
  open(): Cycles | Promise<Cycles>;
}

export interface Limits {
  readonly cycles: number;
  readonly milliseconds: number;
}

export interface Outcome {
  readonly subject: Subject;
  readonly cycles: number;
  /** Of the processor, for each cycle. */
  readonly milliseconds: number;
  readonly first: Values;
  readonly last: Values;
  /** Most that the process had in memory so far, in bytes. */
  readonly peak: number;
  readonly growth: ReadonlyMap<Measure, Growth>;
}

/** Samples of a run: the most, and the fewest that the rules can judge. */
const [MOST_SAMPLES, LEAST_SAMPLES] = [24, 5];
/** Cycles between two samples of a short run. */
const BETWEEN = 5;

/** Runs with fewer cycles than this are still warming up in the end: limits of bytes are twice as high. */
const SHORT = 20;

/** Repeats a subject until one of the limits is reached. `pins`: as for `measure()`. */
export async function repeat(
  subject: Subject,
  limits: Limits,
  sys: Sys | null,
  pins: string | null,
): Promise<Outcome> {
  const running = await subject.open();
  try {
    return outcomeOf(subject, await sampled(running, limitsOf(subject, limits), sys, pins));
  } finally {
    running.close?.();
  }
}

function limitsOf({ every = 1 }: Subject, { cycles, milliseconds }: Limits): Limits {
  return { cycles: Math.max(LEAST_SAMPLES, Math.ceil(cycles / every)), milliseconds };
}

interface Sampled {
  readonly cycles: number;
  readonly milliseconds: number;
  readonly samples: readonly { readonly cycle: number; readonly values: Values }[];
}

async function sampled(
  running: Cycles,
  limits: Limits,
  sys: Sys | null,
  pins: string | null,
): Promise<Sampled> {
  const samples: { cycle: number; values: Values }[] = [];
  const start = Date.now();
  const count = Math.min(MOST_SAMPLES, Math.max(LEAST_SAMPLES, Math.floor(limits.cycles / BETWEEN)));
  let [cycle, used] = [0, 0];
  for (let sample = 1; sample <= count; sample++) {
    const until = Math.floor((limits.cycles * sample) / count);
    const end = start + (limits.milliseconds * sample) / count;
    const before = process.cpuUsage();
    // where time is short each part has fewer cycles, and there are as many samples
    do await running.cycle(cycle++);
    while (cycle < until && Date.now() < end);
    const { user, system } = process.cpuUsage(before);
    used += user + system;
    samples.push({ cycle, values: await measure(sys, pins) });
  }
  return { cycles: cycle, milliseconds: used / 1000 / cycle, samples };
}

function outcomeOf(subject: Subject, { cycles, milliseconds, samples }: Sampled): Outcome {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const measures = Object.keys(RULES) as Measure[]; // its keys are all measures
  const growth = new Map(
    measures.map(name => {
      const values = samples.map(({ cycle, values: all }) => ({ cycle, value: all[name] }));
      return [name, growthOf(values, ruleFor(name, cycles))] as const;
    }),
  );
  return {
    subject,
    cycles,
    milliseconds,
    first: first.values,
    last: last.values,
    peak: peakMemory(),
    growth,
  };
}

function ruleFor(name: Measure, cycles: number): Rule {
  const rule = RULES[name];
  return rule.kind === 'bytes' && cycles < SHORT ? { ...rule, limit: 2 * rule.limit } : rule;
}

/** What grew. */
export function grown({ growth }: Outcome): Measure[] {
  return [...growth].flatMap(([name, { grows }]) => (grows ? [name] : []));
}
