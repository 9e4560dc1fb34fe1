/**
 * The pipeline of every link: static links, re-links, and consumers composed with their providers.
 *
 * Four phases, each of which takes the result of the phase before:
 *
 *     resolveNames ─▶ Resolved   every name has its definition, sections and licenses fit together
 *     mergeAtoms   ─▶ Merged     one object of all atoms that were chosen
 *     pruneAtoms   ─▶ Pruned     only atoms that are needed, and whatever they need is defined
 *     nameAtoms    ─▶ Named      every atom has its final name; the result
 *
 * A phase is a type that only its function makes, and only without problems; all problems of a phase go to
 * one `ProblemList`. What the drivers do differently they state in requests. In one file, because the mark
 * that makes the phases types must not leave it.
 */

import { given } from '../../bytes/index.ts';
import { type Problem, type ProblemList, RootletError } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';
import { type BpfObject, withAllFunctionTypes } from '../../object/index.ts';
import type { Edited } from '../edit/index.ts';
import {
  applyRenames,
  type Combined,
  chooseLicense,
  combine,
  joinPinned,
  type LicenseChoice,
  type MergedSections,
  mergeSections,
  type PinnedMaps,
  type PinnedMerge,
  pruneCombined,
  pruneObject,
  type Rename,
  versionProblems,
  withLicense,
  withObject,
  withPinned,
} from '../passes/index.ts';
import {
  addendProblems,
  checkAgreement,
  type DuplicateAdvice,
  duplicateProblem,
  type Explanation,
  type ExplicitBinding,
  entryAt,
  explainAll,
  mayLackFunctionTypes,
  type Resolution,
  type ResolveOptions,
  referenceProblems,
  resolve,
  type SymbolGroup,
  uncheckedNotes,
  undefinedProblems,
} from '../resolve/index.ts';

/** Marks the results of phases. */
const PHASE = Symbol('phase');

// --- names --------------------------------------------------------------------------------------------------------

/** What a driver asks of the pipeline. */
export interface ResolveRequest {
  readonly objects: readonly BpfObject[];
  /** Objects that were read into it, in this order, are not copied. Default: an image of its own. */
  readonly image?: Image;
  /** Name of the result. */
  readonly name: string;
  /** The result is to be linked again: weak and tentative definitions stay what they are. */
  readonly partial: boolean;
  /** Where names are looked up. */
  readonly rules: Omit<ResolveOptions, 'detached' | 'image'>;
  /** Externs that get a definition whatever its name: they are not looked up. */
  readonly bound: readonly ExplicitBinding[];
  /** Definitions that others replace. */
  readonly replaced: readonly ExplicitBinding[];
  /**
   * Pinned maps of one name are one map. `fileOf` spells an input as options take it, `check` adds the
   * problems of the driver. Null: inputs stay apart, nothing but bindings joins them, so that nothing of one
   * name is compared.
   */
  readonly pinned: PinRules | null;
  /**
   * Which undefined names are problems: all, those that something needed refers to (see `pruneAtoms`), or
   * none.
   */
  readonly refuseUndefined: 'all' | 'needed' | 'none';
  readonly explain: Explained;
  /** What the driver suggests for a name with several definitions. */
  readonly adviseOn?: (clash: SymbolGroup) => DuplicateAdvice;
  /** License of the result, whatever the inputs state. */
  readonly license?: string;
  /**
   * Called when there are problems, with the object merged in spite of them, if that can be: may add more.
   */
  readonly lookFurther?: (attempt: Attempt) => void;
}

/** How pinned maps of one name become one. */
export interface PinRules {
  readonly fileOf?: (file: number) => string;
  readonly check?: (merges: readonly PinnedMerge[]) => readonly Problem[];
}

/** Names to explain. */
export interface Explained {
  readonly names: readonly string[];
  /** Slots and the programs that fill them. */
  readonly slots?: readonly ExplicitBinding[];
}

/** An object merged for nothing but further problems. */
export interface Attempt {
  readonly combined: Combined;
  /** Undefined names that something live refers to. */
  readonly missing: (live: readonly boolean[]) => readonly Problem[];
}

/** Everything that is decided before anything is moved. */
interface Decisions {
  readonly request: ResolveRequest;
  readonly resolution: Resolution;
  readonly pinned: PinnedMaps;
  readonly sections: MergedSections;
  readonly license: LicenseChoice;
  readonly explanations: readonly Explanation[];
  readonly notes: readonly string[];
}

/**
 * Every name has one definition (or may stay undefined), definitions agree, sections and licenses fit
 * together.
 */
export interface Resolved extends Decisions {
  readonly [PHASE]: 'resolved';
}

/** Finds the definition of every name, and decides what the result has of each section and license. */
export function resolveNames(request: ResolveRequest, problems: ProblemList): Resolved | undefined {
  const resolution = groupNames(request, problems);
  if (resolution === undefined) return undefined;
  const decisions = decide(request, resolution, problems);
  if (problems.isEmpty) return { ...decisions, [PHASE]: 'resolved' };
  if (request.lookFurther !== undefined && decisions.sections.problems.length === 0) {
    const combined = mergeAll(decisions);
    request.lookFurther({ combined, missing: live => missingNames(decisions, combined, live) });
  }
  return undefined;
}

/** Undefined for an object that no file can have. */
function groupNames(request: ResolveRequest, problems: ProblemList): Resolution | undefined {
  const { objects, rules, bound, image } = request;
  try {
    return resolve(objects, { ...rules, ...given({ image }), detached: bound.map(({ loser }) => loser) });
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    problems.add(error.problems);
    return undefined;
  }
}

function decide(request: ResolveRequest, resolution: Resolution, problems: ProblemList): Decisions {
  const { objects, bound, explain } = request;
  problems.add([...duplicateProblems(request, resolution), ...resolution.problems]);
  const pinned = joinByName(request, resolution, problems);
  problems.add(referenceProblems(objects, resolution, [...bound, ...request.replaced]));
  if (request.refuseUndefined === 'all') problems.add(undefinedProblems(objects, resolution));
  const sections = mergeSections(resolution.columns, request.name);
  const license = chooseLicense(objects, request.license);
  problems.add([...sections.problems, ...license.problems]);
  if (request.pinned !== null) problems.add(versionProblems(objects));
  const { explanations, problems: unexplained } = explainAll(objects, resolution, explain.names, {
    ...given({ slots: explain.slots }),
    bindings: bound,
    pinned: pinned.bindings,
  });
  problems.add(unexplained);
  const notes = uncheckedNotes(objects, resolution);
  return { request, resolution, pinned, sections, license, explanations, notes };
}

function duplicateProblems({ objects, adviseOn }: ResolveRequest, { clashes }: Resolution): Problem[] {
  return clashes.map(group => duplicateProblem(objects, group.name, group.clashing, adviseOn?.(group)));
}

const NOTHING_PINNED: PinnedMaps = { merges: [], bindings: [], isJudged: () => false, problems: [] };

/** Pinned maps of one name as one map, and what does not agree with the definition that it gets. */
function joinByName(request: ResolveRequest, resolution: Resolution, problems: ProblemList): PinnedMaps {
  const { objects, pinned: rules } = request;
  if (rules === null) return NOTHING_PINNED;
  const pinned = joinPinned(objects, resolution, rules.fileOf);
  problems.add(checkAgreement(objects, resolution, pinned.isJudged));
  problems.add(pinned.problems);
  problems.add(rules.check?.(pinned.merges) ?? []);
  problems.add(addendProblems(objects, resolution));
  return pinned;
}

// --- one object ---------------------------------------------------------------------------------------------------

/** One object of all atoms that were chosen, with references to the definitions of their names. */
export interface Merged {
  readonly [PHASE]: 'merged';
  readonly resolved: Resolved;
  readonly combined: Combined;
}

/** An edit of the whole; what it reports is a problem of the phase. */
export type Edit = (object: BpfObject) => Edited;

/** Puts the atoms of all inputs together. `edit`: what is done to the whole before anything is dropped. */
export function mergeAtoms(resolved: Resolved, edit: Edit, problems: ProblemList): Merged | undefined {
  const combined = mergeAll(resolved);
  const edited = edit(combined.object);
  problems.add(edited.problems);
  if (!problems.isEmpty) return undefined;
  return { [PHASE]: 'merged', resolved, combined: withObject(combined, edited.object) };
}

function mergeAll({ request, resolution, sections, pinned }: Decisions): Combined {
  const { objects, partial, bound, replaced } = request;
  const bindings = [...bound, ...replaced, ...pinned.bindings];
  const mergeStrings = request.pinned !== null;
  const plain = combine({ objects, resolution, sections, bindings, partial, mergeStrings });
  return mergeStrings ? withPinned(plain, pinned.merges) : plain;
}

// --- what stays ---------------------------------------------------------------------------------------------------

/** What stays of a merged object. */
export interface Selection {
  /** For each symbol. */
  readonly live: readonly boolean[];
  /** Nothing is to be dropped, neither symbols nor types. */
  readonly everything: boolean;
  readonly problems: readonly Problem[];
}

/** Only what is needed; whatever that refers to is defined, unless it may stay undefined. */
export interface Pruned {
  readonly [PHASE]: 'pruned';
  readonly merged: Merged;
  readonly live: readonly boolean[];
  readonly combined: Combined;
}

/** Drops what is not selected, and types that nothing needs any more. */
export function pruneAtoms(merged: Merged, selection: Selection, problems: ProblemList): Pruned | undefined {
  const { resolved, combined } = merged;
  problems.add(selection.problems);
  if (resolved.request.refuseUndefined === 'needed')
    problems.add(missingNames(resolved, combined, selection.live));
  if (!problems.isEmpty) return undefined;
  const left = selection.everything
    ? combined
    : pruneCombined(combined, selection.live, { pruneTypes: true });
  return {
    [PHASE]: 'pruned',
    merged,
    get live() {
      return selection.live;
    },
    combined: left,
  };
}

/** Undefined names that something live refers to. */
function missingNames(
  { request, resolution }: Decisions,
  { indexOf }: Combined,
  live: readonly boolean[],
): readonly Problem[] {
  const { objects, rules } = request;
  const isNeeded = ({ winner }: SymbolGroup): boolean => live[entryAt(indexOf, winner)] === true;
  const { scopes } = rules;
  return undefinedProblems(objects, resolution, given({ isNeeded, scopes }));
}

// --- final names --------------------------------------------------------------------------------------------------

/** Names for the result. */
export interface Naming {
  readonly renames: readonly Rename[];
  /** Names that clash and cannot change. */
  readonly problems: readonly Problem[];
}

/** The result: every atom has its final name, and the license is chosen. */
export interface Named {
  readonly [PHASE]: 'named';
  readonly pruned: Pruned;
  readonly renames: readonly Rename[];
  readonly object: BpfObject;
}

/** Gives the final names. `edit`: what is done to the result under them. */
export function nameAtoms(
  pruned: Pruned,
  { renames, problems: clashes }: Naming,
  edit: Edit,
  problems: ProblemList,
): Named | undefined {
  const { license } = pruned.merged.resolved.license;
  const edited = edit(withLicense(applyRenames(pruned.combined.object, renames), license));
  problems.add([...clashes, ...edited.problems]);
  if (!problems.isEmpty) return undefined;
  return { [PHASE]: 'named', pruned, renames, object: described(edited.object) };
}

/** Functions of which only some have types all get one; types that are there already are not added twice. */
function described(object: BpfObject): BpfObject {
  if (!mayLackFunctionTypes(object)) return object;
  const complete = withAllFunctionTypes(object);
  if (complete.btf === object.btf) return complete;
  return pruneObject(complete, new Array(complete.symbols.length).fill(true), { pruneTypes: false }).object;
}

/** The edit that changes nothing. */
export function unedited(object: BpfObject): Edited {
  return { object, problems: [], notes: [] };
}
