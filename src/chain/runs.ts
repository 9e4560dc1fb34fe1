/** How often the programs on hooks run, and how long: what the kernel counts of each while it is asked to. */

import { openById, readProgramInfo } from '../kernel/index.ts';
import type { ChainContext } from './engine/index.ts';
import type { ProgramFacts } from './model/index.ts';
import { type HookNode, readOverview } from './overview.ts';

/** A program on a hook, with what the kernel has counted of it since it was loaded. */
export interface ProgramRuns {
  readonly hook: HookNode;
  readonly program: ProgramFacts;
  readonly runs: bigint;
  /** Nanoseconds. */
  readonly time: bigint;
}

/** All programs at one time. */
export interface RunReading {
  /** Nanoseconds of a clock that only moves forward. */
  readonly time: bigint;
  readonly programs: readonly ProgramRuns[];
}

/** What one program did between two readings. */
export interface RunRate {
  readonly hook: HookNode;
  readonly program: ProgramFacts;
  /** Per second; null in the first reading that has the program. */
  readonly runs: number | null;
  /** Mean of a run; null without one. */
  readonly nanoseconds: number | null;
}

/**
 * The programs on the hooks of an interface, or of all hooks. `time`: now. What ended meanwhile is left out, and so are
 * the programs of members that the kernel runs by themselves: these have counters of their own. Throws as
 * `readOverview`, and `kernel-ids` without the rights to open a program.
 */
export function readRuns(context: ChainContext, name: string | undefined, time: bigint): RunReading {
  const { hooks } = readOverview(context);
  const wanted = hooks.filter(hook => name === undefined || hook.interface?.interface === name);
  return { time, programs: wanted.flatMap(hook => runsOf(context, hook)) };
}

function runsOf({ sys }: ChainContext, hook: HookNode): ProgramRuns[] {
  const { program } = hook;
  using fd = program === null ? undefined : openById(sys, 'program', program.id);
  if (program === null || fd === undefined) return [];
  const { runCount, runTimeNs } = readProgramInfo(sys, fd.number);
  return [{ hook, program, runs: runCount, time: runTimeNs }];
}

/** The programs of `after`; one that is not in `before` has no rate. */
export function runRates(before: RunReading, after: RunReading): readonly RunRate[] {
  const seconds = Number(after.time - before.time) / 1e9;
  return after.programs.map(({ hook, program, runs, time }) => {
    const earlier = before.programs.find(one => one.program.id === program.id);
    if (earlier === undefined || !(seconds > 0)) return { hook, program, runs: null, nanoseconds: null };
    const count = Number(runs - earlier.runs);
    const mean = count === 0 ? null : Number(time - earlier.time) / count;
    return { hook, program, runs: count / seconds, nanoseconds: mean };
  });
}
