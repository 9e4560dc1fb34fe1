/**
 * From a design to a tcx hook: everything new is loaded first, so that a program that fails changes nothing; then
 * members change one after another, each in one step.
 *
 * Every member is an entry of the store. A process that is killed leaves each member in its old or its new state;
 * a member that is just being moved may be attached twice, until the next command opens the store.
 */

import { quote, RootletError } from '../../diag/index.ts';
import type { OptimizeReport } from '../../link/index.ts';
import type { StateChange } from '../../state/index.ts';
import { type ChainDesign, type ChainHook, hasCounters, optimizationOf } from '../model/index.ts';
import { differenceOf, freshNames, loadable } from './changes.ts';
import type { TcxContext, TcxOptions } from './context.ts';
import { readTcxHook } from './hook.ts';
import { planTcx, type TcxPlan, type TcxStep } from './plan.ts';
import { incomplete, requireRoom } from './problems.ts';
import { type Job, type StepContext, type StepResult, stepJob } from './steps.ts';

/** What a change did, or would do. */
export interface TcxApplied {
  readonly steps: readonly TcxStep[];
  readonly state: readonly StateChange[];
  /** One sentence each. */
  readonly notes: readonly string[];
  /** What the optimizer did, or would do at first; null where it does nothing. */
  readonly optimization: OptimizeReport | null;
}

/**
 * Makes a hook what the design says. Throws, with nothing changed, what prevents it; `chain-incomplete` when a
 * part of the members has changed.
 */
export function applyTcx(
  context: TcxContext,
  hook: ChainHook,
  design: ChainDesign,
  options: TcxOptions = {},
): TcxApplied {
  if (options.dryRun === true) return run(prepare(context, hook, design, options));
  return context.store.locked(() => run(prepare(context, hook, design, options)));
}

interface Change extends StepContext {
  readonly plan: TcxPlan;
}

function prepare(context: TcxContext, hook: ChainHook, design: ChainDesign, options: TcxOptions): Change {
  const found = readTcxHook(context, hook);
  const attached = found.rows.flatMap(({ member }) => member ?? []);
  const running = new Map([...attached, ...found.lost].map(member => [member.facts.name, member]));
  const members = new Map(design.members.map(member => [member.name, loadable(member)]));
  const counters = hasCounters(design);
  const optimize = optimizationOf(design);
  const fresh = freshNames(design, options.fresh ?? []);
  const wanted = [...members.values()].map(member => {
    const old = running.get(member.name);
    const names = fresh.get(member.name) ?? [];
    return {
      name: member.name,
      differs:
        old === undefined
          ? ('code' as const)
          : differenceOf(context, old, { member, counters, optimize }, names),
    };
  });
  const present = [
    ...attached.map(({ facts }) => ({ name: facts.name, isLost: false })),
    ...found.lost.map(({ facts }) => ({ name: facts.name, isLost: true })),
  ];
  const plan = planTcx(present, wanted);
  requireRoom(found, plan);
  const places = { context, hook, order: [...members.keys()], settled: new Set(plan.stay) };
  return {
    context,
    hook,
    options,
    plan,
    places,
    members,
    running,
    counters,
    optimize,
    givenOptimize: design.optimize,
    fresh,
  };
}

// --- running the steps --------------------------------------------------------------------------------------------

function run(change: Change): TcxApplied {
  const { plan, options, hook } = change;
  const done: StepResult[] = [];
  try {
    loadThenChange(plan.steps.map(step => stepJob(change, step, result => done.push(result))).reverse());
  } catch (error) {
    const isPartial = done.length > 0 && options.dryRun !== true && error instanceof RootletError;
    throw isPartial ? incomplete(hook, plan.steps, done.length, error) : error;
  }
  return {
    steps: plan.steps,
    state: done.flatMap(({ state }) => state),
    notes: [...done.flatMap(({ notes }) => notes), ...stepNotes(plan.steps)],
    optimization: joined(done.map(({ optimization }) => optimization).filter(one => one !== null)),
  };
}

/** Of members that are loaded one by one. */
function joined(reports: readonly OptimizeReport[]): OptimizeReport | null {
  const [first] = reports;
  if (first === undefined) return null;
  const programs = reports.flatMap(report => report.programs);
  return { ...first, programs, removed: reports.flatMap(({ removed }) => removed) };
}

/**
 * Each job loads, calls the rest, and changes the hook after it: so that all have loaded before the first change.
 * The first job is the last one to change the hook.
 */
function loadThenChange([first, ...others]: readonly Job[]): void {
  first?.(() => loadThenChange(others));
}

function stepNotes(steps: readonly TcxStep[]): string[] {
  const moved = steps.filter(({ kind }) => kind === 'move').map(({ name }) => quote(name));
  const several = steps.filter(({ kind }) => kind !== 'record').length > 1;
  return [
    ...(moved.length === 0
      ? []
      : [
          `${moved.join(', ')}: loaded a second time for another place; for a moment packets meet both programs, and none meets neither`,
        ]),
    ...(several
      ? ['tcx members change one after another: for a moment packets meet a part of the change']
      : []),
  ];
}
