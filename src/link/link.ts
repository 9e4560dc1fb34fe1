/**
 * Static linking: several objects become one.
 *
 * `link` is the list of steps; what a step needs from an earlier one is among its arguments.
 */

import { given } from '../bytes/index.ts';
import {
  argumentError,
  type Problem,
  ProblemList,
  problem,
  RootletError,
  requireOptions,
} from '../diag/index.ts';
import { Image } from '../image/index.ts';
import { type BpfObject, staticNotes, writeObject } from '../object/index.ts';
import { type Edited, editResult, inputEdits } from './edit/index.ts';
import { type LinkInput, type ReadInputs, readInputs, requireInputs } from './inputs/index.ts';
import { requireOptimization } from './optimize/index.ts';
import {
  arenaProblems,
  type Combined,
  findIdentical,
  foldSubprograms,
  foldText,
  type Identical,
  pinnedSymbols,
  separateStatics,
  stateLicense,
  staticPinClashes,
  withObject,
} from './passes/index.ts';
import type { CommonLinkOptions, LinkedObject, LinkFailure } from './pipeline/index.ts';
import {
  type Attempt,
  finishNamed,
  isOptimized,
  type Merged,
  mergeAtoms,
  type Named,
  type Naming,
  nameAtoms,
  type OptimizationRequest,
  type Pruned,
  pruneAtoms,
  type ResolveRequest,
  resolveNames,
  type Selection,
  unedited,
  weakFunctions,
} from './pipeline/index.ts';
import {
  type Collected,
  collectGarbage,
  duplicateAdvice,
  type Finished,
  type LinkReport,
  linkNotes,
  once,
  optimizationNotes,
  type ReportedMerge,
  type ReportedRename,
  replacedBy,
  reportLink,
  reportMerges,
  reportRenames,
  unusedSymbols,
} from './report/index.ts';
import {
  bindExplicitly,
  boundExterns,
  type DuplicateAdvice,
  mayHaveStrayFunctions,
  type SymbolGroup,
} from './resolve/index.ts';

/** Defaults: the name is `linked.o`, `gcSections` and `optimize` are false. */
export interface LinkOptions extends CommonLinkOptions {
  /** Leave unresolved externs in place, so that the result can be linked again (`ld -r`). Default false. */
  readonly partial?: boolean;
  /** Keep DWARF (`.debug_*` sections). Default false: loaders do not read it. */
  readonly keepDebug?: boolean;
  /**
   * Move functions of code sections that are not programs to `.text`, where libbpf expects them. Default
   * false.
   */
  readonly foldText?: boolean;
  /**
   * Merge identical definitions of several files (see `findIdentical`). Default false: duplicates are an
   * error.
   */
  readonly foldIdentical?: boolean;
}

/** A link that succeeded. */
export interface LinkSuccess extends LinkedObject {
  /** `notes`, `renames` and `merged` are those of the report, without its cost. */
  readonly notes: readonly string[];
  readonly renames: readonly ReportedRename[];
  readonly merged: readonly ReportedMerge[];
}

/** The linked object, or all problems: `ok` tells which. */
export type LinkResult = LinkSuccess | LinkFailure;

/**
 * Links objects by name. All problems of the inputs are returned as data; throws only a `TypeError` for
 * arguments of another shape, `usage-limits`, and `image-limit` for objects that need too much memory.
 */
export function link(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkResult {
  requireInputs('link', inputs);
  if (inputs.length === 0) throw argumentError('link: inputs', 'at least one input', inputs);
  requireOptions('link: options', options);
  requireOptimization('link: options.optimize', options.optimize);
  const problems = new ProblemList();
  problems.add(partialProblems(options));
  const read = prepareInputs(inputs, options, problems);
  const { image, pulled } = read;
  const objects = stateLicense(read.objects, options.license);
  const failed = (): LinkFailure => ({ ok: false, problems: problems.all, pulled });
  if (!problems.isEmpty) return failed();

  const identical = options.foldIdentical === true ? findIdentical(objects) : NOTHING_IDENTICAL;
  const resolved = resolveNames({ ...namesOf(objects, identical, options, problems), image }, problems);
  if (resolved === undefined) return failed();
  const merged = mergeAtoms(resolved, object => editWhole(object, options), problems);
  if (merged === undefined) return failed();
  const selected = select(merged.combined, objects, options);
  const pruned = pruneAtoms(merged, selected, problems);
  if (pruned === undefined) return failed();
  const finish = (object: BpfObject): Edited => finishWhole(object, options);
  const named = nameAtoms(pruned, nameStatics(pruned, objects), finish, problems);
  if (named === undefined) return failed();
  const finished = finishNamed(named, optimizationOf(merged, options), problems);
  if (finished === undefined) return failed();

  const { combined } = pruned;
  const { license, pinned, explanations } = resolved;
  const statics = mayHaveStrayFunctions(merged.combined.object) ? staticNotes(merged.combined.object) : [];
  const notes = [
    ...read.notes,
    ...statics,
    ...resolved.notes,
    ...selected.notes,
    ...linkNotes(combined.object, license),
    ...optimizationNotes(finished.optimization),
  ];
  const report = once(() => ({ ...reportAll(named, identical, finished), notes }));
  return {
    ok: true,
    object: finished.object,
    optimization: finished.optimization,
    notes,
    renames: reportRenames(objects, combined, named.renames),
    merged: reportMerges(objects, pinned),
    pulled,
    livePaths: selected.paths,
    explanations,
    get report() {
      return report();
    },
  };
}

// --- steps --------------------------------------------------------------------------------------------------------

/** What a partial link leaves open may still be replaced or called from elsewhere. */
function partialProblems({ partial = false, optimize = false }: LinkOptions): readonly Problem[] {
  if (!partial || optimize === false) return [];
  return [
    problem(
      'link-optimize',
      [],
      'a partial link cannot be optimized: its functions can still get other callers',
      {
        hint: 'optimize the final link: -O1 without -r',
      },
    ),
  ];
}

/** Functions that other files call are kept, unless whatever programs do not need is dropped. */
function optimizationOf(merged: Merged, options: LinkOptions): OptimizationRequest {
  const { optimize: asked = false, gcSections: removeInlined = false, keep = [] } = options;
  const slots = isOptimized(asked) ? weakFunctions(merged) : [];
  return { asked, removeInlined, keep, slots, aliases: new Map(), checkLimits: false };
}

/** Refuses what no loader can take: variables of an arena that is one of several. */
function finishWhole(object: BpfObject, { partial = false }: LinkOptions): Edited {
  const hint = 'define the arena in one file, and declare it extern in the others';
  return { object, problems: partial ? [] : arenaProblems(object, hint), notes: [] };
}

interface PreparedInputs extends Pick<ReadInputs, 'objects' | 'pulled'> {
  /** Files that were not edited are units of it. */
  readonly image: Image;
  readonly notes: readonly string[];
}

/** All inputs edited, with the archive members that they need. */
function prepareInputs(
  inputs: readonly LinkInput[],
  options: LinkOptions,
  problems: ProblemList,
): PreparedInputs {
  const edits = options.edits === undefined ? undefined : inputEdits(inputs, options.edits, options.limits);
  const image = new Image(options.limits);
  const read = readInputs(inputs, {
    image,
    keepDebug: options.keepDebug ?? false,
    ...given({ readMember: options.readMember, prepare: edits }),
    boundExterns: object => boundExterns(object, options.bind ?? []),
  });
  problems.add(read.problems);
  if (edits === undefined || !problems.isEmpty) return { ...folded(read, options), image, notes: [] };
  const { objects, problems: refused, notes } = edits.finish(read.objects);
  problems.add(refused);
  return { ...folded({ ...read, objects }, options), image, notes };
}

function folded(
  { objects, pulled }: ReadInputs,
  options: LinkOptions,
): Pick<ReadInputs, 'objects' | 'pulled'> {
  return { objects: options.foldText === true ? objects.map(foldText) : objects, pulled };
}

const NOTHING_IDENTICAL: Identical = {
  names: new Set(),
  differences: new Map(),
  bindings: [],
  problems: [],
};

/** How names find their definitions: explicit bindings first, then by name, then equal definitions as one. */
function namesOf(
  objects: readonly BpfObject[],
  identical: Identical,
  options: LinkOptions,
  problems: ProblemList,
): ResolveRequest {
  const { name = 'linked.o', partial = false, gcSections = false, bind = [], explain = [] } = options;
  const explicit = bindExplicitly(objects, bind, { partial });
  problems.add([...identical.problems, ...explicit.problems]);
  const rules = identical.names.size === 0 ? {} : { shared: (text: string) => identical.names.has(text) };
  const advise = once(() => duplicateAdvice(objects, options.foldIdentical === true ? identical : null));
  const adviseOn = (clash: SymbolGroup): DuplicateAdvice => advise()(clash);
  const chosen = { adviseOn, ...given({ license: options.license }) };
  const base = { objects, name, partial, rules, pinned: {}, explain: { names: explain }, ...chosen };
  const bindings = { bound: explicit.bindings, replaced: identical.bindings };
  if (partial) return { ...base, ...bindings, refuseUndefined: 'none' };
  if (!gcSections) return { ...base, ...bindings, refuseUndefined: 'all' };
  const lookFurther = (attempt: Attempt): void => lookForMissing(attempt, objects, options, problems);
  return { ...base, ...bindings, refuseUndefined: 'needed', lookFurther };
}

/** With `gcSections` only the merged object shows which names are needed. */
function lookForMissing(
  { combined, missing }: Attempt,
  objects: readonly BpfObject[],
  options: LinkOptions,
  problems: ProblemList,
): void {
  const { object, problems: refused } = editWhole(combined.object, options);
  problems.add(refused);
  if (refused.length > 0) return;
  const selected = select(withObject(combined, object), objects, options);
  problems.add([...selected.problems, ...missing(selected.live)]);
}

/** The edits of the result, and subprograms where loaders expect them. */
function editWhole(object: BpfObject, { edits }: LinkOptions): Edited {
  const edited = edits === undefined ? unedited(object) : editResult(object, edits);
  return { ...edited, object: foldSubprograms(edited.object) };
}

/** The needed part, if requested. */
function select(
  combined: Combined,
  objects: readonly BpfObject[],
  options: LinkOptions,
): Selection & Collected {
  if (options.gcSections !== true) {
    const live = once(() => combined.object.symbols.map(() => true));
    return {
      get live() {
        return live();
      },
      everything: true,
      paths: [],
      problems: [],
      notes: [],
    };
  }
  const { keep = [], whyLive = [] } = options;
  return { ...collectGarbage(combined, objects, { keep, whyLive }), everything: false };
}

/** New names for static symbols of one name, or the names that clash. */
function nameStatics({ combined }: Pruned, objects: readonly BpfObject[]): Naming {
  const pins = pinnedSymbols(combined.object);
  return { renames: separateStatics(combined, pins), problems: staticPinClashes(combined, pins, objects) };
}

function reportAll({ pruned, renames }: Named, identical: Identical, finished: Finished): LinkReport {
  const { combined, live, merged } = pruned;
  const { resolution, pinned, license, request } = merged.resolved;
  const { objects, bound } = request;
  const linked = reportLink({ objects, resolution, bound, combined, renames, pinned, license, finished });
  const discarded = [
    ...linked.discarded,
    ...replacedBy(objects, identical.bindings, 'identical'),
    ...unusedSymbols(objects, merged.combined, live),
  ];
  return { ...linked, discarded };
}

/** The linked object as ELF bytes, or all problems thrown as one error. */
export function linkToBytes(inputs: readonly LinkInput[], options: LinkOptions = {}): Uint8Array {
  const result = link(inputs, options);
  if (!result.ok) throw new RootletError(result.problems);
  return writeObject(result.object);
}
