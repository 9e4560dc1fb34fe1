/**
 * Whether components fit into the slots of a rootlet, or in the place of its program: names, prototypes, layouts,
 * program types, and what a back end adds. Decided here before the kernel is asked, so that all back ends refuse alike.
 */

import { formatFunc } from '../../btf/index.ts';
import { inputError, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import { comparePrototypes, slotProblem } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { RelinkVia } from '../generation/index.ts';
import { ruleObjection, viaProblem } from './back-ends.ts';
import { entryProblem, typeProblem } from './main-program.ts';
import { type Host, isInstead, type Pair, type Part, pairOf, programNamed, typeOfProgram } from './pair.ts';
import { pinnedProblems } from './pinned-maps.ts';

/** Throws everything that keeps components from their places, but for what only the kernel knows. */
export function requireFitting(
  rootlet: BpfObject,
  components: readonly Part[],
  main: string,
  via: RelinkVia,
): void {
  const { pairs, problems } = examine(rootlet, components, main);
  const refused = pairs.flatMap(pair => {
    const objection = ruleObjection(via, pair);
    return objection === undefined ? [] : [viaProblem(pair, via, objection)];
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
 * Layouts behind pointers and signedness as well: rootlet and component are compiled apart, and for some back ends they
 * meet in the kernel, which compares neither.
 */
function strictProblem({ host, slot, component, program }: Pair): Problem | undefined {
  const { rootlet, main } = host;
  if (rootlet.btf === null || component.btf === null) return undefined;
  const left = { btf: rootlet.btf, func: slot.btfId };
  const right = { btf: component.btf, func: program.btfId };
  const progType = typeOfProgram(rootlet, main)?.progType;
  const mismatch = comparePrototypes(left, right, { progType, strict: true, program: true });
  if (mismatch === null) return undefined;
  const path = mismatch.path === '' ? '' : `: ${mismatch.path}`;
  return problem(
    'relink-prototype',
    [component.name],
    `program ${quote(program.name)} does not fit slot ${quote(slot.name)}${path}: ${mismatch.left} and ${mismatch.right}`,
    {
      details: [
        `slot:    ${formatFunc(left.btf, left.func)}  (${rootlet.name})`,
        `program: ${formatFunc(right.btf, right.func)}  (${component.name})`,
      ],
    },
  );
}
