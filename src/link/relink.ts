/**
 * Static re-linking: components are plugged into the slots of a rootlet, and the result is one ordinary
 * object.
 *
 * Every component has its own scope of names, so two of them may have the same functions, maps and globals. A
 * slot is a global function of the rootlet that is not a program; the component's program replaces it: it
 * moves from its program section to `.text`, every call of the slot becomes a call of it, and the slot's own
 * code is discarded. What the chosen program does not need of its object (other programs, unused functions,
 * maps and types) is discarded.
 */

import { elementAt } from '../bytes/index.ts';
import { ProblemList, requireList, requireOptions, requireRecord, requireText } from '../diag/index.ts';
import { Image } from '../image/index.ts';
import type { BpfObject, SymbolIndex } from '../object/index.ts';
import { droppedTailCalls, KEEP } from './dropped-tail-calls.ts';
import { type Edited, editResult } from './edit/index.ts';
import type { LinkInput, PulledMember } from './inputs/index.ts';
import { requireInput } from './inputs/index.ts';
import { requireOptimization } from './optimize/index.ts';
import { checkLimits, foldSubprograms, stateLicense } from './passes/index.ts';
import {
  finishNamed,
  indexesAfter,
  isOptimized,
  type LinkedObject,
  type LinkFailure,
  type Merged,
  mergeAtoms,
  type Named,
  nameAtoms,
  type OptimizationRequest,
  type Pruned,
  pruneAtoms,
  resolveNames,
  unedited,
} from './pipeline/index.ts';
import {
  adoptTypes,
  demotePlugged,
  type Plug,
  pinnedNotes,
  plugComponents,
  pluggedNotes,
  type RelinkInputs,
  type RelinkOptions,
  type RelinkReport,
  type RelinkSelection,
  readRelinkInputs,
  relinkNames,
  relinkNaming,
  reportRelink,
  type SlotAssignment,
  selectNeeded,
  slotsOf,
  thrownNotes,
  thrownProblems,
  typePlugged,
  unseenVerdicts,
  unstatedLicenses,
} from './relink/index.ts';
import { type Finished, linkNotes, livePaths, once, optimizationNotes } from './report/index.ts';
import { entryAt } from './resolve/index.ts';

/** Of explanations there is one for every component that knows the name. */
export interface RelinkSuccess extends LinkedObject {
  /** Made when first read. */
  readonly report: RelinkReport;
  /**
   * Members of libraries in the order in which they were taken, and for which component (null: the rootlet).
   */
  readonly pulled: readonly (PulledMember & { readonly component: string | null })[];
}

/** The re-linked object, or all problems: `ok` tells which. */
export type RelinkResult = RelinkSuccess | LinkFailure;

/**
 * Plugs components into a rootlet. All problems of the inputs are returned as data; throws only a `TypeError`
 * for arguments of another shape, `usage-limits`, and `image-limit` for objects that need too much memory.
 */
export function relink(
  rootlet: LinkInput,
  assignments: readonly SlotAssignment[],
  options: RelinkOptions = {},
): RelinkResult {
  requireArguments(rootlet, assignments, options);
  const problems = new ProblemList();
  const inputs = adoptTypes(readRelinkInputs(rootlet, assignments, options));
  const { pulled } = inputs;
  problems.add(inputs.problems);
  const failed = (): LinkFailure => ({ ok: false, problems: problems.all, pulled });
  if (!problems.isEmpty) return failed();
  const plugs = plugInto(inputs, options, problems);
  if (!problems.isEmpty) return failed();

  const typed = typePlugged(inputs.objects, plugs, options.entrySlots === true);
  const objects = stateLicense(demotePlugged(typed, plugs), options.license);
  const image = new Image(options.limits);
  const names = { ...relinkNames(objects, plugs, inputs, options, problems), image };
  const resolved = resolveNames(names, problems);
  if (resolved === undefined) return failed();
  const merged = mergeAtoms(resolved, unedited, problems);
  if (merged === undefined) return failed();
  problems.add(thrownProblems(objects, merged.combined, plugs, options.mustReturn));
  const selected = selectNeeded(merged, options);
  const pruned = pruneAtoms(merged, selected, problems);
  if (pruned === undefined) return failed();
  const pathsIn = pathFinder(pruned, selected, options);
  const finish = (object: BpfObject): Edited => finishResult(object, pathsIn, options);
  const named = nameAtoms(pruned, relinkNaming(pruned, inputs), finish, problems);
  if (named === undefined) return failed();

  const finished = finishNamed(named, optimizationOf(merged, plugs, options), problems);
  if (finished === undefined) return failed();

  const report = once(() => reportAll(named, plugs, inputs, options, finished));
  return {
    ok: true,
    object: finished.object,
    optimization: finished.optimization,
    pulled,
    livePaths: pathsIn(named.object).paths,
    explanations: resolved.explanations,
    get report() {
      return report();
    },
  };
}

// --- arguments ----------------------------------------------------------------------------------------------------

function requireArguments(rootlet: unknown, assignments: unknown, options: RelinkOptions): void {
  requireInput('relink: rootlet', rootlet);
  requireAssignments(assignments);
  requireOptions('relink: options', options);
  requireOptimization('relink: options.optimize', options.optimize);
}

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

// --- steps --------------------------------------------------------------------------------------------------------

/** Which program goes into which slot. */
function plugInto(
  { objects, assignments, components }: RelinkInputs,
  { entrySlots = false }: RelinkOptions,
  problems: ProblemList,
): readonly Plug[] {
  const plugged = plugComponents(objects, assignments, components, entrySlots);
  problems.add(plugged.problems);
  return plugged.plugs;
}

type PathFinder = (object: BpfObject) => ReturnType<typeof livePaths>;

/** Paths to the names of `whyLive`, in the names that the result has. */
function pathFinder(
  { live, merged }: Pruned,
  { liveness }: RelinkSelection,
  { whyLive = [] }: RelinkOptions,
): PathFinder {
  const { objects } = merged.resolved.request;
  const indexOf = indexesAfter(live);
  return object =>
    livePaths(merged.combined, liveness, whyLive, {
      objects,
      finalName: index => object.symbols[elementAt(indexOf, index)]?.name,
    });
}

/** The edits that are meant for the result, and what is wrong with it then. */
function finishResult(object: BpfObject, pathsIn: PathFinder, options: RelinkOptions): Edited {
  const edited = editResult(object, options.edits ?? {});
  const whole = foldSubprograms(edited.object);
  const isLast = !isOptimized(options.optimize ?? false); // else limits are those of the optimized object
  const refused = options.checkLimits !== false && isLast ? checkLimits(whole) : [];
  return {
    object: whole,
    problems: [...edited.problems, ...pathsIn(whole).problems, ...refused],
    notes: edited.notes,
  };
}

/** Slots that stay open are still to be filled; what fills one may be named by it. */
function optimizationOf(
  { combined, resolved }: Merged,
  plugs: readonly Plug[],
  options: RelinkOptions,
): OptimizationRequest {
  const { optimize: asked = false, gcSections: removeInlined = true, keep = [] } = options;
  const { checkLimits = true } = options;
  const [rootlet] = resolved.request.objects;
  const filled = new Set(plugs.map(({ assignment }) => assignment.slot));
  const open = rootlet === undefined ? [] : slotsOf(rootlet).filter(({ name }) => !filled.has(name));
  const slots = open.map(({ index }) => entryAt(combined.indexOf, { file: 0, index }));
  const aliases = new Map(
    plugs.map(({ assignment, program }) => [assignment.slot, entryAt(combined.indexOf, program)]),
  );
  return { asked, removeInlined, keep, slots, aliases, checkLimits };
}

function reportAll(
  { object, pruned, renames }: Named,
  plugs: readonly Plug[],
  inputs: RelinkInputs,
  options: RelinkOptions,
  finished: Finished,
): RelinkReport {
  const { combined, live, merged } = pruned;
  const { resolution, license, pinned, request } = merged.resolved;
  const { objects, bound } = request;
  const { notes: ofTheRootlet = [] } = options;
  const notes = [
    ...inputs.notes,
    ...ofTheRootlet,
    ...merged.resolved.notes,
    ...pinnedNotes(pinned.merges, inputs, options.private?.includes('*') === true),
    ...unseenVerdicts(objects[0]),
    ...(options.entrySlots === true
      ? []
      : [...pluggedNotes(inputs.objects, plugs), ...thrownIn(pruned, plugs)]),
    ...unstatedLicenses(license, inputs),
    ...inputs.objects.flatMap((object, file) => {
      const at = (index: SymbolIndex): SymbolIndex => entryAt(merged.combined.indexOf, { file, index });
      const whole = { object: merged.combined.object, at };
      return droppedTailCalls(object, index => live[at(index)] === true, KEEP, whole);
    }),
    ...linkNotes(combined.object, license),
    ...optimizationNotes(finished.optimization),
  ];
  const whole = merged.combined;
  return reportRelink({
    inputs,
    objects,
    plugs,
    resolution,
    bound,
    license,
    whole,
    live,
    combined,
    renames,
    pinned,
    object,
    finished,
    notes,
  });
}

/** What programs throw as functions of a rootlet that was written by hand. */
function thrownIn({ merged }: Pruned, plugs: readonly Plug[]): string[] {
  return thrownNotes(merged.resolved.request.objects, merged.combined, plugs);
}
