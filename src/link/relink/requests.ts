/**
 * What a re-link asks of the pipeline: how names find their definitions, what stays, and the final names.
 *
 * Separate from `relink()`, which is only the order of the steps.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { didYouMean, type Problem, type ProblemList, problem, quote } from '../../diag/index.ts';
import type { BpfObject, SymbolIndex } from '../../object/index.ts';
import { isNeededAnyway, type Liveness, markLive, symbolOf } from '../../object/index.ts';
import {
  type Combined,
  defaultRoots,
  fixedNames,
  labelsFor,
  type NamingInput,
  pinnedIn,
  pinnedSymbols,
  separateNames,
} from '../passes/index.ts';
import type { Merged, Naming, Pruned, ResolveRequest, Selection } from '../pipeline/index.ts';
import { keptSymbols } from '../report/index.ts';
import { bindExplicitly, type SymbolAt } from '../resolve/index.ts';
import { isLibrary, type RelinkInputs } from './inputs.ts';
import type { RelinkOptions } from './options.ts';
import { fileNames, privatePins } from './pinned.ts';
import { arrayWithItself } from './slot-fit.ts';
import type { Plug } from './slots.ts';

// --- names --------------------------------------------------------------------------------------------------------

/** Every component has a scope of its own; slots are replaced by the programs that fill them. */
export function relinkNames(
  objects: readonly BpfObject[],
  plugs: readonly Plug[],
  inputs: RelinkInputs,
  options: RelinkOptions,
  problems: ProblemList,
): ResolveRequest {
  const { scopes, shared } = inputs;
  const explicit = bindExplicitly(objects, options.bind ?? []);
  problems.add([...explicit.problems, ...unknownNames(objects, options)]);
  const replaced = plugs.map(plug => ({ loser: plug.slot, winner: plug.program }));
  return {
    objects,
    name: options.name ?? 'chain.o',
    partial: false,
    rules: { scopes, shared, united: pinnedIn(objects) },
    bound: explicit.bindings,
    replaced,
    pinned: {
      fileOf: fileNames(inputs),
      check: merges => [
        ...plugs.flatMap(({ program }) => arrayProblem(objects, program)),
        ...privatePins(merges, objects, options.private ?? []),
      ],
    },
    refuseUndefined: 'needed',
    explain: { names: options.explain ?? [], slots: replaced },
    ...given({ license: options.license }),
  };
}

/** A program that becomes a function is in no array any more. */
function arrayProblem(objects: readonly BpfObject[], { file, index }: SymbolAt): Problem[] {
  const object = elementAt(objects, file);
  const array = arrayWithItself(object, index);
  if (array === undefined) return [];
  const name = quote(symbolOf(object, index).name);
  return [
    problem(
      'relink-array-program',
      [object.name],
      `${name} is put into a slot, so that it becomes a function, but array ${quote(array)} contains it as a program`,
      { hint: `let the array hold another program of the file that does the same` },
    ),
  ];
}

/** Names to share or to keep apart that no input has: a typo. */
function unknownNames(objects: readonly BpfObject[], options: RelinkOptions): Problem[] {
  const known = new Set(objects.flatMap(object => object.symbols.map(symbol => symbol.name)));
  const asked = [...(options.share ?? []), ...(options.private ?? [])];
  const isKnown = (word: string): boolean =>
    word === '*' || known.has(word) || (options.libraries ?? []).some(library => isLibrary(library, word));
  return asked
    .filter(word => !isKnown(word))
    .map(name =>
      problem('relink-share', [], `no input has a map, variable or function ${quote(name)}`, {
        subject: name,
        ...didYouMean(name, known),
      }),
    );
}

// --- what stays ---------------------------------------------------------------------------------------------------

export interface RelinkSelection extends Selection {
  readonly liveness: Liveness;
}

/** What programs of the rootlet need, and names of `keep`; everything without `gcSections`. */
export function selectNeeded(
  { combined, resolved }: Merged,
  { gcSections = true, keep = [] }: RelinkOptions,
): RelinkSelection {
  const kept = keptSymbols(combined, resolved.request.objects, keep);
  const roots = gcSections
    ? [...rootsOf(combined), ...kept.indexes]
    : combined.object.symbols.map((_, index) => index);
  const liveness = markLive(combined.object, roots);
  return { live: liveness.live, everything: !gcSections, problems: kept.problems, liveness };
}

/** Everything the rootlet exports; of components only what must stay whoever refers to it. */
function rootsOf(combined: Combined): SymbolIndex[] {
  const ofRootlet = defaultRoots(combined.object).filter(index => combined.origins[index]?.file === 0);
  const ofComponents = combined.origins.flatMap((origin, index) =>
    origin.file !== 0 && isNeededAnyway(combined.object, index) ? [index] : [],
  );
  return [...ofRootlet, ...ofComponents];
}

// --- final names --------------------------------------------------------------------------------------------------

/** Names of the rootlet stay, unless a component pins a map of that name. */
export function relinkNaming({ combined, merged }: Pruned, inputs: RelinkInputs): Naming {
  const names = inputs.components.map(({ component, instance }) => instance ?? component.name);
  const labels = [null, ...labelsFor(names)];
  const [yielding = 'rootlet'] = labelsFor([inputs.objects[0]?.name ?? 'rootlet', ...names]);
  const input: NamingInput = {
    combined,
    labels: inputs.scopes.map(scope => labels[scope] ?? null),
    pinned: pinnedSymbols(combined.object),
    yielding,
  };
  const { objects } = merged.resolved.request;
  return { renames: separateNames(input), problems: fixedNames(input, objects) };
}
