import { inputError, type Problem, quote, RootletError } from '../../diag/index.ts';
import { comparePrototypes, misfit, slotProblem } from '../../link/index.ts';
import { type BpfObject, hasKnownType } from '../../object/index.ts';
import type { SlotBackEnd } from '../generation/index.ts';
import { backEndProblem, ruleObjection } from './back-ends.ts';
import { takesEntries } from './entry-prototype.ts';
import { entryProblem, typeProblem } from './main-program.ts';
import { fitNotesOf } from './notes.ts';
import {
  calledSlot,
  describedPart,
  type Host,
  isInstead,
  type Pair,
  type Part,
  pairOf,
  programNamed,
  typeOfProgram,
} from './pair.ts';
import { pinnedProblems } from './pinned-maps.ts';

/**
 * Throws everything that prevents components from filling their slots, except what only the kernel checks.
 */
export function requireFitting(
  rootlet: BpfObject,
  components: readonly Part[],
  main: string,
  via: SlotBackEnd,
): void {
  const { pairs, problems } = examine(rootlet, components, main);
  const refused = pairs.flatMap(pair => {
    const objection = ruleObjection(via, pair, pairs);
    return objection === undefined ? [] : [backEndProblem(pair, via, objection)];
  });
  const all = [
    ...problems,
    ...refused,
    ...pinnedProblems([rootlet, ...components.map(({ object }) => object)]),
  ];
  if (all.length > 0) throw new RootletError(all);
}

export interface Examined {
  /** What fits, whichever back end it is given to. */
  readonly pairs: readonly Pair[];
  /** One for each fill that does not. */
  readonly problems: readonly Problem[];
}

/** The rules of all back ends. Throws `relink-no-program` when the rootlet does not have `main`. */
export function examine(rootlet: BpfObject, parts: readonly Part[], main: string): Examined {
  const host = hostOf(rootlet, main);
  const pairs: Pair[] = [];
  const problems: Problem[] = [];
  for (const { object, fills } of parts) {
    for (const fill of fills) {
      const pair = pairOf(host, object, fill);
      const misfit = pair.ok ? pairProblem(pair.value) : pair.problem;
      if (misfit !== undefined) problems.push(misfit);
      else if (pair.ok) pairs.push(pair.value);
    }
  }
  return { pairs, problems };
}

/** Notes on what fills slots, for every back end. `parts`: as their files have them. */
export function fitNotes(rootlet: BpfObject, parts: readonly Part[], main: string): string[] {
  const host = hostOf(rootlet, main);
  return parts.flatMap(({ object, fills }) => fills.flatMap(fill => fitNotesOf(host, object, fill)));
}

/**
 * Components as `requireFitting` sees them: programs without types have those of programs where they
 * fit, entry points have the prototypes of their slots.
 */
export function describedParts<T extends Part>(
  rootlet: BpfObject,
  parts: readonly T[],
  main: string,
): readonly T[] {
  const host = hostOf(rootlet, main);
  return parts.map(part => describedPart(host, part));
}

function hostOf(rootlet: BpfObject, name: string): Host {
  const main = programNamed(rootlet, name);
  if (main !== undefined) return { rootlet, main };
  throw inputError('relink-no-program', [rootlet.name], `has no program ${quote(name)}`);
}

function pairProblem(pair: Pair): Problem | undefined {
  if (isInstead(pair)) return typeProblem(pair) ?? entryProblem(pair);
  const { host, slot, component, program } = pair;
  return slotProblem(host.rootlet, slot, component, program) ?? typeProblem(pair) ?? strictProblem(pair);
}

/**
 * Layouts behind pointers and signedness as well: rootlet and component are compiled separately, and for some
 * back ends they meet in the kernel, which compares neither.
 */
function strictProblem(pair: Pair): Problem | undefined {
  const { host, slot, component, program } = pair;
  const { rootlet, main } = host;
  if (takesEntries(calledSlot(pair))) return undefined; // nothing but the context and a number
  if (rootlet.btf === null || component.btf === null || !hasKnownType(rootlet, slot)) return undefined;
  const left = { btf: rootlet.btf, func: slot.btfId };
  const right = { btf: component.btf, func: program.btfId };
  const progType = typeOfProgram(rootlet, main)?.progType;
  const mismatch = comparePrototypes(left, right, { progType, strict: true, program: true });
  if (mismatch === null) return undefined;
  const path = mismatch.path === '' ? '' : `${mismatch.path}: `;
  const why = `${path}${mismatch.left} and ${mismatch.right}`;
  return misfit({ object: rootlet, symbol: slot }, { object: component, symbol: program }, why);
}
