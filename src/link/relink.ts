/**
 * Static re-linking: components are plugged into the slots of a rootlet, and the result is one ordinary object.
 *
 * Every component has a scope of names of its own, so that two of them may have the same functions, maps and globals.
 * A slot is a global function of the rootlet that is no program; the component's program takes its place: it leaves its
 * program section for `.text`, every call of the slot becomes a call of it, and the slot's own code is dropped. What the
 * chosen program does not need of its object (other programs, unused functions, maps and types) is left out.
 */

import {
  didYouMean,
  type Problem,
  problem,
  quote,
  requireList,
  requireOptions,
  requireRecord,
  requireText,
} from '../diag/index.ts';
import {
  type BpfObject,
  isNeededAnyway,
  type Liveness,
  markLive,
  type SymbolIndex,
  type Visibility,
} from '../object/index.ts';
import { droppedTailCalls } from './dropped-tail-calls.ts';
import { operateOnResult } from './edit/index.ts';
import type { LinkInput, PulledMember } from './inputs/index.ts';
import { requireInput } from './inputs/index.ts';
import type { LinkFailure } from './link.ts';
import {
  applyRenames,
  type Combined,
  checkLimits,
  chooseLicense,
  combine,
  defaultRoots,
  fixedNames,
  joinPinned,
  type LicenseChoice,
  labelsFor,
  type MergedSections,
  mergeSections,
  mergeStrings,
  type NamingInput,
  narrow,
  type PinnedMaps,
  pinnedIn,
  pinnedSymbols,
  separateNames,
  versionProblems,
  withLicense,
  withPinned,
  withTextSection,
} from './passes/index.ts';
import {
  arrayWithItself,
  fileNames,
  isLibrary,
  needsCaller,
  type Plug,
  pinnedNotes,
  plugComponents,
  privatePins,
  type RelinkInputs,
  type RelinkOptions,
  type RelinkReport,
  readRelinkInputs,
  reportRelink,
  type SlotAssignment,
  unseenVerdicts,
} from './relink/index.ts';
import { keptSymbols, type LivePath, linkNotes, livePaths, once } from './report/index.ts';
import {
  addendProblems,
  type Bindings,
  bindExplicitly,
  checkAgreement,
  type Explanation,
  explainAll,
  type Resolution,
  resolve,
  type SymbolAt,
  type SymbolGroup,
  symbolAt,
  undefinedProblems,
} from './resolve/index.ts';

/** A re-link that succeeded. */
export interface RelinkSuccess {
  readonly ok: true;
  readonly object: BpfObject;
  /** Made when first read. */
  readonly report: RelinkReport;
  /** Members of libraries in the order in which they were taken, and for which component (null: the rootlet). */
  readonly pulled: readonly (PulledMember & { readonly component: string | null })[];
  /** For `RelinkOptions.whyLive`, in that order. */
  readonly livePaths: readonly LivePath[];
  /** For `RelinkOptions.explain`, in that order: one for every component that knows the name. */
  readonly explanations: readonly Explanation[];
}

/** The re-linked object, or all problems: `ok` tells which. */
export type RelinkResult = RelinkSuccess | LinkFailure;

function requireAssignments(value: unknown): void {
  const wanted = '{ slot, component }';
  requireList('relink: assignments', `an array of ${wanted}`, value);
  for (const [at, one] of value.entries()) {
    const place = `relink: assignments[${at}]`;
    requireRecord(place, wanted, one);
    requireText(`${place}.slot`, 'a string, the name of a slot', 'slot' in one ? one.slot : undefined);
    requireInput(`${place}.component`, 'component' in one ? one.component : undefined);
  }
}

/**
 * Plugs components into a rootlet. What is wrong with the inputs comes back as data, all of it; throws only a
 * `TypeError` for arguments of another shape.
 */
export function relink(
  rootlet: LinkInput,
  assignments: readonly SlotAssignment[],
  options: RelinkOptions = {},
): RelinkResult {
  requireInput('relink: rootlet', rootlet);
  requireAssignments(assignments);
  requireOptions('relink: options', options);
  const inputs = readRelinkInputs(rootlet, assignments, options);
  const { pulled } = inputs;
  const failed = (problems: readonly Problem[]): LinkFailure => ({ ok: false, problems, pulled });
  if (inputs.problems.length > 0) return failed(inputs.problems);
  const { plugs, problems: unplugged } = plugComponents(
    inputs.objects,
    inputs.assignments,
    inputs.components,
    options.entrySlots === true,
  );
  if (unplugged.length > 0) return failed(unplugged);
  const objects = inputs.objects.map((object, file) =>
    demotePrograms(object, programsIn(plugs, file, inputs.objects)),
  );
  const bound = bindNames(objects, plugs, inputs, options);
  if (bound.problems.length > 0) return failed(bound.problems);
  // From here on every name has its winner in its scope, and every slot its program.

  const { resolution, license } = bound;
  const collected = mergeAndCollect(objects, inputs.scopes, bound, options);
  if (collected.problems.length > 0) return failed(collected.problems);
  const { combined, whole, liveness } = collected;
  const naming = namingOf(combined, inputs);
  const renames = separateNames(naming);
  const renamed = withLicense(applyRenames(combined.object, renames), license.license);
  const operated = operateOnResult(renamed, options.surgery ?? {});
  const { object } = operated;
  const paths = livePaths(whole, liveness, options.whyLive ?? [], {
    objects,
    finalName: index => object.symbols[collected.indexOf[index] ?? -1]?.name,
  });
  const refused = options.checkLimits === false ? [] : checkLimits(object);
  const problems = [...fixedNames(naming, objects), ...operated.problems, ...paths.problems, ...refused];
  if (problems.length > 0) return failed(problems);

  const notes = [
    ...inputs.notes,
    ...pinnedNotes(bound.pinned.merges, inputs, options.private?.includes('*') === true),
    ...unseenVerdicts(objects[0]),
    ...droppedTailCalls(
      inputs.objects,
      plugs.map(({ program }) => program),
      ({ file, index }) => liveness.live[whole.indexOf[file]?.[index] ?? -1] === true,
    ),
    ...linkNotes(combined.object, license),
  ];
  const report = once(() =>
    reportRelink({
      inputs,
      objects,
      plugs,
      resolution,
      license,
      whole,
      live: liveness.live,
      combined,
      renames,
      pinned: bound.pinned,
      object,
      notes,
    }),
  );
  return {
    ok: true,
    object,
    pulled,
    livePaths: paths.paths,
    explanations: bound.explanations,
    get report() {
      return report();
    },
  };
}

/** Programs of an input that go into slots, and what they are seen as there. */
function programsIn(
  plugs: readonly Plug[],
  file: number,
  objects: readonly BpfObject[],
): Map<SymbolIndex, Visibility> {
  const mine = plugs.filter(plug => plug.program.file === file);
  const programs = new Map<SymbolIndex, Visibility>(mine.map(plug => [plug.program.index, 'default']));
  for (const { slot, program } of mine) {
    const [own, other] = [symbolAt(objects, slot), symbolAt(objects, program)];
    const [rootlet, component] = [objects[slot.file], objects[file]];
    if (own?.kind !== 'function' || other?.kind !== 'function') continue;
    if (rootlet === undefined || component === undefined) continue;
    if (own.visibility === 'hidden' || needsCaller(rootlet, own, component, other))
      programs.set(program.index, 'hidden');
  }
  return programs;
}

/** The object with the given programs moved to `.text`, where they are ordinary functions: hidden as `programsIn` says. */
function demotePrograms(object: BpfObject, programs: ReadonlyMap<SymbolIndex, Visibility>): BpfObject {
  if (programs.size === 0) return object;
  const { sections, text } = withTextSection(object);
  const symbols = object.symbols.map((symbol, index) => {
    const seen = programs.get(index);
    if (seen === undefined || symbol.kind !== 'function') return symbol;
    return { ...symbol, section: text, visibility: seen === 'hidden' ? seen : symbol.visibility };
  });
  return { ...object, sections, symbols };
}

// --- names --------------------------------------------------------------------------------------------------------

interface Bound extends Bindings {
  readonly pinned: PinnedMaps;
  readonly resolution: Resolution;
  readonly sections: MergedSections;
  readonly license: LicenseChoice;
  readonly explanations: readonly Explanation[];
}

/** Everything that is decided before anything is moved. */
function bindNames(
  objects: readonly BpfObject[],
  plugs: readonly Plug[],
  inputs: RelinkInputs,
  options: RelinkOptions,
): Bound {
  const explicit = bindExplicitly(objects, options.bind ?? []);
  const resolution = resolve(objects, {
    scopes: inputs.scopes,
    shared: inputs.shared,
    united: pinnedIn(objects),
    detached: explicit.bindings.map(binding => binding.loser),
  });
  const pinned = joinPinned(objects, resolution, fileNames(inputs));
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const replaced = plugs.map(plug => ({ loser: plug.slot, winner: plug.program }));
  const { explanations, problems: unexplained } = explainAll(objects, resolution, options.explain ?? [], {
    slots: replaced,
    bindings: explicit.bindings,
    pinned: pinned.bindings,
  });
  const problems = [
    ...explicit.problems,
    ...unknownNames(objects, options),
    ...resolution.problems,
    ...checkAgreement(objects, resolution, pinned.isJudged),
    ...pinned.problems,
    ...plugs.flatMap(({ program }) => arrayProblem(objects, program)),
    ...privatePins(pinned.merges, objects, options.private ?? []),
    ...addendProblems(objects, resolution),
    ...sections.problems,
    ...license.problems,
    ...versionProblems(objects),
    ...unexplained,
  ];
  return {
    pinned,
    bindings: [...explicit.bindings, ...replaced, ...pinned.bindings],
    resolution,
    sections,
    license,
    explanations,
    problems,
  };
}

/** A program that becomes a function is in no array any more. */
function arrayProblem(objects: readonly BpfObject[], { file, index }: SymbolAt): Problem[] {
  const object = objects[file];
  const array = object === undefined ? undefined : arrayWithItself(object, index);
  if (object === undefined || array === undefined) return [];
  const name = quote(object.symbols[index]?.name ?? '');
  return [
    problem(
      'relink-array-program',
      [object.name],
      `${name} is put into a slot, so that it becomes a function, but array ${quote(array)} holds it as a program`,
      { hint: `let the array hold another program of the file that does the same` },
    ),
  ];
}

/** Names to share or to keep apart that no input has: a typing error would otherwise go unnoticed. */
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

// --- one object ---------------------------------------------------------------------------------------------------

interface Collected {
  /** With everything that has a place. */
  readonly whole: Combined;
  readonly liveness: Liveness;
  /** With what stays. */
  readonly combined: Combined;
  /** Symbol of `whole` → symbol of `combined`, -1 where it went. */
  readonly indexOf: Int32Array;
  readonly problems: readonly Problem[];
}

function mergeAndCollect(
  objects: readonly BpfObject[],
  scopes: readonly number[],
  { bindings, resolution, sections, pinned }: Bound,
  options: RelinkOptions,
): Collected {
  const name = options.name ?? 'chain.o';
  const merged = combine({ objects, resolution, sections, bindings, name, partial: false });
  const whole = mergeStrings(withPinned(merged, pinned.merges));
  const kept = keptSymbols(whole, objects, options.keep ?? []);
  const everything = options.gcSections === false;
  const roots = everything
    ? whole.object.symbols.map((_, index) => index)
    : [...rootsOf(whole), ...kept.indexes];
  const liveness = markLive(whole.object, roots);
  const { live } = liveness;
  const isNeeded = ({ winner }: SymbolGroup): boolean =>
    live[whole.indexOf[winner.file]?.[winner.index] ?? -1] === true;
  const problems = [...kept.problems, ...undefinedProblems(objects, resolution, { isNeeded, scopes })];
  const indexOf = new Int32Array(live.length).fill(-1);
  let next = 0;
  for (const [index, alive] of live.entries()) if (alive) indexOf[index] = next++;
  const combined = problems.length > 0 || everything ? whole : narrow(whole, live, { pruneTypes: true });
  return { whole, liveness, combined, indexOf, problems };
}

/** Names of the rootlet stay, unless a component pins a map of that name. */
function namingOf(combined: Combined, inputs: RelinkInputs): NamingInput {
  const names = inputs.components.map(({ component, instance }) => instance ?? component.name);
  const labels = [null, ...labelsFor(names)];
  const [yielding = 'rootlet'] = labelsFor([inputs.objects[0]?.name ?? 'rootlet', ...names]);
  return {
    combined,
    labels: inputs.scopes.map(scope => labels[scope] ?? null),
    pinned: pinnedSymbols(combined.object),
    yielding,
  };
}

/** Everything the rootlet exports; of components only what must stay whoever refers to it. */
function rootsOf(combined: Combined): SymbolIndex[] {
  const ofRootlet = defaultRoots(combined.object).filter(index => combined.origins[index]?.file === 0);
  const ofComponents = combined.origins.flatMap((origin, index) =>
    origin.file !== 0 && isNeededAnyway(combined.object, index) ? [index] : [],
  );
  return [...ofRootlet, ...ofComponents];
}
