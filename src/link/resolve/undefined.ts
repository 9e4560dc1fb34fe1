/** Undefined names: all of them at once, each with its references and similar names. */

import { elementAt } from '../../bytes/index.ts';
import { nearestNames, type Problem, problem, quote, suggestion } from '../../diag/index.ts';
import { type BpfObject, kconfigHint, symbolOf } from '../../object/index.ts';
import * as kernels from './checks.kernel.ts';
import { faultsOf } from './columns.ts';
import { LINK_FAULT } from './faults.ts';
import { describeSymbol } from './problems.ts';
import { referenceLines, referencesByGroup, type SomeReferences } from './references.ts';
import type { Resolution, SymbolGroup } from './resolve.ts';
import { inputName } from './symbol-at.ts';

export interface UndefinedOptions {
  /** Whether any live symbol refers to the name. Default: all of them are needed. */
  readonly isNeeded?: (group: SymbolGroup) => boolean;
  /** In a re-link: scope of each object. */
  readonly scopes?: readonly number[];
}

export function undefinedProblems(
  objects: readonly BpfObject[],
  resolution: Resolution,
  { isNeeded = () => true, scopes }: UndefinedOptions = {},
): Problem[] {
  const missing = missingGroups(resolution).filter(isNeeded);
  if (missing.length === 0) return [];
  const references = referencesByGroup(objects, resolution);
  const candidates = new Map<number | undefined, Candidates>();
  return missing.map((group, index) => {
    const scope = scopes?.[group.winner.file];
    const own =
      candidates.get(scope) ?? candidateNames(objects.filter((_, file) => scopes?.[file] === scope));
    candidates.set(scope, own);
    const near = index < COMPARED_NAMES ? nearSuggestion(group.name, own) : null;
    const hint = near ?? (scopes === undefined ? FILE_HINT : componentHint(objects, group, index));
    const sites = references.get(resolution.groupRow(group.winner));
    return missingProblem(objects, group, sites, hint);
  });
}

/** Similar names are looked for, and other components that have the name, for so many missing names. */
const COMPARED_NAMES = 64;
const FILE_HINT = 'add the file that defines it, declare it __weak, or link with -r to leave it undefined';
const COMPONENT_HINT =
  'add an archive that defines it, link the component with its other files first, or declare it __weak';

/** Names that nothing defines, that something needs, and that the kernel does not resolve. */
function missingGroups({ columns, groupOf }: Resolution): readonly SymbolGroup[] {
  const { image, request } = columns;
  return faultsOf(image, LINK_FAULT.undefined, () => image.run(kernels).findUndefined(request)).map(({ a }) =>
    groupOf(a),
  );
}

function missingProblem(
  objects: readonly BpfObject[],
  group: SymbolGroup,
  sites: SomeReferences | undefined,
  hint: string,
): Problem {
  const object = elementAt(objects, group.winner.file);
  const declaration = describeSymbol(object, symbolOf(object, group.winner.index));
  return problem('link-undefined', [object.name], `${quote(group.name)} is not defined in any input`, {
    subject: group.name,
    details: [declaration, ...referenceLines(sites)],
    hint: kconfigHint(group.name) ?? hint,
  });
}

interface Candidates {
  readonly globals: readonly string[];
  /** Name → file that defines it as static. */
  readonly statics: ReadonlyMap<string, string>;
}

function candidateNames(objects: readonly BpfObject[]): Candidates {
  const globals = new Set<string>();
  const statics = new Map<string, string>();
  for (const object of objects) {
    for (const symbol of object.symbols) {
      if (symbol.kind === 'extern' || symbol.name === '') continue;
      if (symbol.binding !== 'local') globals.add(symbol.name);
      else if (!statics.has(symbol.name)) statics.set(symbol.name, object.name);
    }
  }
  return { globals: [...globals], statics };
}

/** Components do not share names. `index`: of the missing name. */
function componentHint(objects: readonly BpfObject[], group: SymbolGroup, index: number): string {
  if (index >= COMPARED_NAMES) return COMPONENT_HINT;
  const owner = objects.find(object =>
    object.symbols.some(
      symbol => symbol.kind !== 'extern' && symbol.binding !== 'local' && symbol.name === group.name,
    ),
  );
  if (owner === undefined) return COMPONENT_HINT;
  const user = inputName(objects, group.winner.file);
  return `${owner.name} defines it, but components do not share names: --bind ${user}:${group.name}=${owner.name}:${group.name}`;
}

function nearSuggestion(name: string, candidates: Candidates): string | null {
  const file = candidates.statics.get(name);
  if (file !== undefined) return `${quote(name)} is defined as static in ${file}: remove "static" there`;
  return suggestion(nearestNames(name, candidates.globals)) ?? null;
}
