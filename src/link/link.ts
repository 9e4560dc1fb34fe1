/**
 * Static linking: several objects become one.
 *
 * The body of `link` is the list of passes; what a pass needs from an earlier one is among its arguments.
 */

import { type Problem, RootletError, requireOptions } from '../diag/index.ts';
import { type BpfObject, writeObject } from '../object/index.ts';
import { InputSurgery, operateOnResult, type SurgeryOptions } from './edit/index.ts';
import {
  type LinkInput,
  type PulledMember,
  type ReadInputs,
  readInputs,
  requireInputs,
} from './inputs/index.ts';
import {
  applyRenames,
  type Combined,
  chooseLicense,
  combine,
  findIdentical,
  foldText,
  type Identical,
  joinPinned,
  type LicenseChoice,
  type MergedSections,
  mergeSections,
  mergeStrings,
  type PinnedMaps,
  pinnedSymbols,
  type Rename,
  separateStatics,
  staticPinClashes,
  versionProblems,
  withLicense,
  withPinned,
} from './passes/index.ts';
import {
  type Collected,
  collectGarbage,
  type LinkReport,
  type LivePath,
  linkNotes,
  once,
  type ReportedMerge,
  type ReportedRename,
  replacedBy,
  reportLink,
  reportMerges,
  reportRenames,
  unusedSymbols,
} from './report/index.ts';
import {
  addendProblems,
  type BindRequest,
  bindExplicitly,
  boundExterns,
  checkAgreement,
  type Explanation,
  type ExplicitBinding,
  explainAll,
  type Resolution,
  resolve,
  type SymbolGroup,
  undefinedProblems,
} from './resolve/index.ts';

/** Options of `link`. */
export interface LinkOptions {
  /** Name of the result in messages. Default `linked.o`. */
  readonly name?: string;
  /** Leave unresolved externs in place, so that the result can be linked again (`ld -r`). Default false. */
  readonly partial?: boolean;
  /** Keep DWARF (`.debug_*` sections). Default false: loaders do not read it. */
  readonly keepDebug?: boolean;
  /** Move functions of code sections that are no programs to `.text`, where libbpf wants them. Default false. */
  readonly foldText?: boolean;
  /** Make one of equal definitions of several files (see `findIdentical`). Default false: duplicates are an error. */
  readonly foldIdentical?: boolean;
  /** Externs that get a definition of another input, whatever its name. */
  readonly bind?: readonly BindRequest[];
  /** What is to be done to symbols and sections. */
  readonly surgery?: SurgeryOptions;
  /** Drop functions, variables, maps and types that no program needs. Default false. */
  readonly gcSections?: boolean;
  /** With `gcSections`: names that stay, used or not. */
  readonly keep?: readonly string[];
  /** With `gcSections`: names for `LinkSuccess.livePaths`. */
  readonly whyLive?: readonly string[];
  /** Reads the files that thin archives name. */
  readonly readMember?: (archive: string, member: string) => Uint8Array;
  /** Names to explain in `LinkSuccess.explanations`; a name that no input knows is a problem of class `usage`. */
  readonly explain?: readonly string[];
}

/** A link that succeeded. */
export interface LinkSuccess {
  readonly ok: true;
  readonly object: BpfObject;
  /** `notes`, `renames` and `merged` are those of the report, without its cost. */
  readonly notes: readonly string[];
  readonly renames: readonly ReportedRename[];
  readonly merged: readonly ReportedMerge[];
  /** Made when first read. */
  readonly report: LinkReport;
  /** Archive members in the order in which they were taken. */
  readonly pulled: readonly PulledMember[];
  /** For `LinkOptions.whyLive`, in that order. */
  readonly livePaths: readonly LivePath[];
  /** For `LinkOptions.explain`, in that order. */
  readonly explanations: readonly Explanation[];
}

/** A link that was refused. */
export interface LinkFailure {
  readonly ok: false;
  /** Every problem of the link, in order of inputs. */
  readonly problems: readonly Problem[];
  /** Archive members that were taken until then. */
  readonly pulled: readonly PulledMember[];
}

/** The linked object, or all problems: `ok` tells which. */
export type LinkResult = LinkSuccess | LinkFailure;

/**
 * Links objects by name. What is wrong with the inputs comes back as data, all of it; throws only a `TypeError` for
 * arguments of another shape.
 */
export function link(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkResult {
  requireInputs('link', inputs);
  requireOptions('link: options', options);
  const { objects, pulled, problems: refused, notes: said } = prepareInputs(inputs, options);
  const failed = (problems: readonly Problem[]): LinkFailure => ({ ok: false, problems, pulled });
  if (refused.length > 0) return failed(refused);
  const bound = bindNames(objects, options);
  if (bound.problems.length > 0)
    return failed([...bound.problems, ...missingBesides(objects, bound, options)]);
  // From here on every name has its winner and every winner its type.

  const merged = mergeObjects(objects, bound, options);
  if (merged.problems.length > 0) return failed(merged.problems);
  const collected = collect(objects, bound, merged.combined, options);
  if (collected.problems.length > 0) return failed(collected.problems);

  const { combined, paths: livePaths } = collected;
  const { license } = bound;
  const { renames, problems: clashes } = nameStatics(combined, objects);
  if (clashes.length > 0) return failed(clashes);
  const object = withLicense(applyRenames(combined.object, renames), license.license);
  const notes = [...said, ...collected.notes, ...linkNotes(combined.object, license)];
  const report = once(() => ({ ...reportAll(objects, bound, merged, collected, renames), notes }));
  return {
    ok: true,
    object,
    notes,
    renames: reportRenames(objects, combined, renames),
    merged: reportMerges(objects, bound.pinned),
    pulled,
    livePaths,
    explanations: bound.explanations,
    get report() {
      return report();
    },
  };
}

interface PreparedInputs extends ReadInputs {
  readonly notes: readonly string[];
}

/** All inputs read, operated on, and with the members of archives that they need. */
function prepareInputs(inputs: readonly LinkInput[], options: LinkOptions): PreparedInputs {
  const surgery = options.surgery === undefined ? undefined : new InputSurgery(inputs, options.surgery);
  const read = readInputs(inputs, {
    keepDebug: options.keepDebug ?? false,
    ...(options.readMember === undefined ? {} : { readMember: options.readMember }),
    ...(surgery === undefined ? {} : { prepare: surgery }),
    boundExterns: object => boundExterns(object, options.bind ?? []),
  });
  if (read.problems.length > 0) return { ...read, notes: [] };
  const { objects, problems, notes } = surgery?.finish(read.objects) ?? { ...read, notes: [] };
  return {
    objects: options.foldText === true ? objects.map(foldText) : objects,
    pulled: read.pulled,
    problems,
    notes,
  };
}

// --- steps --------------------------------------------------------------------------------------------------------

interface Bound {
  readonly identical: Identical;
  readonly pinned: PinnedMaps;
  readonly bindings: readonly ExplicitBinding[];
  readonly resolution: Resolution;
  readonly sections: MergedSections;
  readonly license: LicenseChoice;
  readonly explanations: readonly Explanation[];
  readonly problems: readonly Problem[];
}

const NOTHING_IDENTICAL: Identical = { names: new Set(), bindings: [], problems: [] };

/** Everything that is decided before anything is moved. */
function bindNames(objects: readonly BpfObject[], options: LinkOptions): Bound {
  const identical = options.foldIdentical === true ? findIdentical(objects) : NOTHING_IDENTICAL;
  const shared = (name: string): boolean => identical.names.has(name);
  const explicit = bindExplicitly(objects, options.bind ?? [], { partial: options.partial === true });
  const resolution = resolve(objects, {
    ...(identical.names.size === 0 ? {} : { shared }),
    ...(explicit.bindings.length === 0 ? {} : { detached: explicit.bindings.map(({ loser }) => loser) }),
  });
  const pinned = joinPinned(objects, resolution);
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const { explanations, problems: unexplained } = explainAll(objects, resolution, options.explain ?? [], {
    bindings: explicit.bindings,
    pinned: pinned.bindings,
  });
  const mayBeOpen = options.partial === true || options.gcSections === true;
  const problems = [
    ...identical.problems,
    ...explicit.problems,
    ...resolution.problems,
    ...checkAgreement(objects, resolution, pinned.isJudged),
    ...pinned.problems,
    ...addendProblems(objects, resolution),
    ...(mayBeOpen ? [] : undefinedProblems(objects, resolution)),
    ...sections.problems,
    ...license.problems,
    ...versionProblems(objects),
    ...unexplained,
  ];
  const bindings = [...explicit.bindings, ...identical.bindings, ...pinned.bindings];
  return { identical, pinned, bindings, resolution, sections, license, explanations, problems };
}

/**
 * What is missing besides other problems. With `gcSections` only the whole tells what is needed; clashes of names and
 * types do not keep it from being put together, sections that do not fit do.
 */
function missingBesides(
  objects: readonly BpfObject[],
  bound: Bound,
  options: LinkOptions,
): readonly Problem[] {
  const isTold = options.gcSections !== true || options.partial === true;
  if (isTold || bound.sections.problems.length > 0) return [];
  const merged = mergeObjects(objects, bound, options);
  return merged.problems.length > 0
    ? merged.problems
    : collect(objects, bound, merged.combined, options).problems;
}

interface Merged {
  readonly combined: Combined;
  readonly problems: readonly Problem[];
}

/** One object of all, with the operations that are meant for the result. */
function mergeObjects(objects: readonly BpfObject[], bound: Bound, options: LinkOptions): Merged {
  const { resolution, sections, bindings, pinned } = bound;
  const { name = 'linked.o', partial = false, surgery } = options;
  const whole = combine({ objects, resolution, sections, bindings, name, partial });
  const combined = mergeStrings(withPinned(whole, pinned.merges));
  if (surgery === undefined) return { combined, problems: [] };
  const { object, problems } = operateOnResult(combined.object, surgery);
  return { combined: { ...combined, object }, problems };
}

/** What is needed, if only that is wanted; a name that only the rest refers to need not be defined. */
function collect(
  objects: readonly BpfObject[],
  { resolution }: Bound,
  combined: Combined,
  options: LinkOptions,
): Collected {
  if (options.gcSections !== true) return keepAll(combined);
  const { keep = [], whyLive = [], partial = false } = options;
  const collected = collectGarbage(combined, objects, { keep, whyLive });
  if (partial) return collected;
  const isNeeded = ({ winner }: SymbolGroup): boolean =>
    collected.live[combined.indexOf[winner.file]?.[winner.index] ?? -1] === true;
  const missing = undefinedProblems(objects, resolution, { isNeeded });
  return { ...collected, problems: [...collected.problems, ...missing] };
}

function keepAll(combined: Combined): Collected {
  return { combined, live: combined.object.symbols.map(() => true), paths: [], problems: [], notes: [] };
}

/** New names for static symbols of one name, or which names cannot be told apart. */
function nameStatics(
  combined: Combined,
  objects: readonly BpfObject[],
): { readonly renames: readonly Rename[]; readonly problems: readonly Problem[] } {
  const pins = pinnedSymbols(combined.object);
  return { renames: separateStatics(combined, pins), problems: staticPinClashes(combined, pins, objects) };
}

function reportAll(
  objects: readonly BpfObject[],
  { resolution, license, pinned, identical }: Bound,
  merged: Merged,
  { combined, live }: Collected,
  renames: readonly Rename[],
): LinkReport {
  const linked = reportLink({ objects, resolution, combined, renames, pinned, license });
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
