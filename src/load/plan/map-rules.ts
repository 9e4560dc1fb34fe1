/**
 * Maps of a plan that the kernel does not take, as problems with the map's full name and the file. Apart from
 * execution, because a dry run reports the same.
 */

import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import { mapMachine } from '../../kernel/index.ts';
import { type MapRefusal, mapRefusals } from '../../object/index.ts';
import { refusedCalls } from './map-calls.ts';
import { maxEntriesOf } from './map-size.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from './plan.ts';

/** Places of problems of a map. */
export function mapPlace(plan: Pick<LoadPlan, 'source'>, map: Pick<MapPlan, 'name'>): readonly string[] {
  return [plan.source, `map ${quote(map.name)}`];
}

/** Why the kernel refuses the map, each reason a problem; none when it takes it. */
export function mapProblems(plan: Pick<LoadPlan, 'source' | 'types'>, map: MapPlan): readonly Problem[] {
  if (map.operations !== undefined) return [];
  const shape = { ...completed(map), inner: map.inner === null ? null : completed(map.inner) };
  return mapRefusals(shape, mapMachine(), plan.types).map(one =>
    problem('load-map-definition', mapPlace(plan, map), one.message, {
      subject: map.name,
      errno: one.errno,
      hint: hintOf(one, map.name),
    }),
  );
}

function completed(map: MapPlan): MapPlan {
  return { ...map, maxEntries: maxEntriesOf(map) };
}

/** The number of entries is the one thing that the command line can change. */
function hintOf({ field, remedy, inInner }: MapRefusal, map: string): string {
  return field === 'max_entries' && inInner !== true ? `${remedy}, or give --max-entries ${map}=N` : remedy;
}

/** Calls that the kernel refuses for the type of their map, wherever it certainly reaches them. */
function callProblems(plan: LoadPlan): readonly Problem[] {
  return plan.programs.flatMap(program =>
    refusedCalls(plan, program)
      .filter(({ certain }) => certain)
      .map(call => {
        const where = callPlace(plan, program, call.insnIndex);
        const { message, hint } = call.refusal;
        return problem('load-map-call', where, message, { subject: call.map.name, hint });
      }),
  );
}

/** Calls of which only the verifier knows whether the program reaches them, one sentence each. */
export function callNotes(plan: LoadPlan): readonly string[] {
  return plan.programs.flatMap(program =>
    refusedCalls(plan, program)
      .filter(({ certain }) => !certain)
      .map(({ insnIndex, refusal }) => {
        const [, ...where] = callPlace(plan, program, insnIndex);
        return `${where.join(', ')}: ${refusal.message} unless the call is dead code: ${refusal.hint}`;
      }),
  );
}

function callPlace(plan: LoadPlan, program: ProgramPlan, insnIndex: number): readonly string[] {
  const holder = program.functions.findLast(each => each.insnIndex <= insnIndex);
  const inside =
    holder === undefined || holder.name === program.name ? [] : [`function ${quote(holder.name)}`];
  const at = holder === undefined ? insnIndex : insnIndex - holder.insnIndex;
  return [plan.source, `program ${quote(program.name)}`, ...inside, `insn ${at}`];
}

/**
 * Throws `load-map-call` for calls that the kernel refuses in any case, all at once. A dry run asks; a load
 * leaves it to the verifier.
 */
export function requireMapCalls(plan: LoadPlan): void {
  const problems = callProblems(plan);
  if (problems.length > 0) throw new RootletError(problems);
}

/**
 * Throws `load-map-definition` with the problems of all maps that would be created. `exists` tells which maps
 * of the plan are there already.
 */
export function requireMaps(plan: LoadPlan, exists: (map: MapPlan) => boolean): void {
  const problems = plan.maps.filter(map => !exists(map)).flatMap(map => mapProblems(plan, map));
  if (problems.length > 0) throw new RootletError(problems);
}
