/**
 * References that their definition cannot satisfy: a call of a variable, a map where a function belongs.
 *
 * Agreement compares declarations with definitions. Assembly has none, and a symbol can be used against its
 * declaration, so each reference is compared with the kind of what it is bound to.
 */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  declaredKind,
  type Requirement,
  requirementsOf,
  type SymbolIndex,
  type SymbolKind,
  symbolOf,
} from '../../object/index.ts';
import * as kernels from './checks.kernel.ts';
import { faultsOf } from './columns.ts';
import { LINK_FAULT } from './faults.ts';
import { describeDefinition, sourceLine } from './problems.ts';
import { groupAt, type Resolution } from './resolve.ts';
import { type SymbolAt, symbolAt } from './symbol-at.ts';

/** What a symbol of an input is bound to, if that is another symbol. */
export type TargetOf = (at: SymbolAt) => SymbolAt | undefined;

/** The definitions that names resolve to, or that explicit bindings specify. */
function targetsOf(
  resolution: Resolution,
  bindings: readonly { readonly loser: SymbolAt; readonly winner: SymbolAt }[],
): TargetOf {
  const bound = new Map(bindings.map(({ loser, winner }) => [`${loser.file}:${loser.index}`, winner]));
  return at => {
    const group = groupAt(resolution, at);
    const winner = group === undefined || group.clashing.length > 0 ? undefined : group.winner;
    const target = (bound.size === 0 ? undefined : bound.get(`${at.file}:${at.index}`)) ?? winner;
    return target === undefined || (target.file === at.file && target.index === at.index)
      ? undefined
      : target;
  };
}

/**
 * A problem for each symbol and kind of wrong use, in order of inputs. `bindings`: targets other than by name; without
 * any, a kernel knows the inputs without wrong uses.
 */
export function referenceProblems(
  objects: readonly BpfObject[],
  resolution: Resolution,
  bindings: readonly { readonly loser: SymbolAt; readonly winner: SymbolAt }[],
): Problem[] {
  const files = bindings.length === 0 ? doubtfulFiles(resolution) : objects.map((_, file) => file);
  return problemsOfFiles(objects, files, targetsOf(resolution, bindings));
}

/** The same for definitions that were found in another way than by resolving names. */
export function wrongReferences(objects: readonly BpfObject[], targetOf: TargetOf): Problem[] {
  return problemsOfFiles(
    objects,
    objects.map((_, file) => file),
    targetOf,
  );
}

function problemsOfFiles(
  objects: readonly BpfObject[],
  files: readonly number[],
  targetOf: TargetOf,
): Problem[] {
  return files.flatMap(file => {
    const object = elementAt(objects, file);
    const isWanted = (index: SymbolIndex): boolean => targetOf({ file, index }) !== undefined;
    return problemsOf(objects, object, file, requirements(object, isWanted), targetOf);
  });
}

function doubtfulFiles({ columns: { image, request } }: Resolution): readonly number[] {
  return faultsOf(image, LINK_FAULT.reference, () => image.run(kernels).findReferences(request)).map(
    ({ a }) => a,
  );
}

/** The problems of reading a map are reported by those who need its definition. */
function requirements(object: BpfObject, isWanted: (to: SymbolIndex) => boolean): Requirement[] {
  try {
    return requirementsOf(object, isWanted);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return [];
  }
}

function problemsOf(
  objects: readonly BpfObject[],
  object: BpfObject,
  file: number,
  required: readonly Requirement[],
  targetOf: TargetOf,
): Problem[] {
  const reported = new Set<string>();
  return required.flatMap(requirement => {
    const target = targetOf({ file, index: requirement.to });
    const found = target === undefined ? undefined : kindAt(objects, target);
    const key = `${requirement.to} ${requirement.kind}`;
    if (target === undefined || found === undefined || found === requirement.kind) return [];
    // a declaration of another kind is a problem of its own
    const isDeclared = declaredKind(object, symbolOf(object, requirement.to)) === requirement.kind;
    if (isDeclared || reported.has(key)) return [];
    reported.add(key);
    return [wrongUse(objects, object, requirement, target, found)];
  });
}

function kindAt(objects: readonly BpfObject[], at: SymbolAt): SymbolKind | undefined {
  return declaredKind(elementAt(objects, at.file), symbolAt(objects, at));
}

function wrongUse(
  objects: readonly BpfObject[],
  object: BpfObject,
  { from, to, kind, position }: Requirement,
  target: SymbolAt,
  found: SymbolKind,
): Problem {
  const user = symbolOf(object, from);
  const name = symbolOf(object, to).name;
  const place = user.kind === 'function' ? `insn ${position}` : `byte ${position}`;
  const line = user.kind === 'function' ? sourceLine(user, position) : null;
  return problem(
    'link-reference-kind',
    [object.name, `${user.kind} ${quote(user.name)}`, place],
    `${USES[user.kind === 'map' ? 'value' : kind]} ${quote(name)}, which is a ${found} in ${elementAt(objects, target.file).name}`,
    {
      subject: name,
      details: [describeDefinition(objects, target), ...(line === null ? [] : [`used in ${line}`])],
    },
  );
}

const USES: Readonly<Record<SymbolKind | 'value', string>> = {
  function: 'calls',
  variable: 'accesses the memory of',
  map: 'uses as a map',
  value: 'holds as an initial value',
};
