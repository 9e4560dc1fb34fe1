/**
 * Static linking: several objects become one.
 *
 * The body of `link` is the list of passes; what a pass needs from an earlier one is among its arguments.
 */

import { type Problem, RootletError } from '../diag/index.ts';
import { type BpfObject, writeObject } from '../object/index.ts';
import { checkAgreement } from './agree.ts';
import { type Combined, combine } from './combine.ts';
import { type Explanation, explainAll } from './explain.ts';
import { foldText } from './fold-text.ts';
import { type LinkInput, readInputs } from './inputs.ts';
import { chooseLicense, versionProblems, withLicense } from './license.ts';
import { separateStatics } from './names.ts';
import { applyRenames } from './rename.ts';
import { type LinkReport, reportLink } from './report.ts';
import { resolve } from './resolve.ts';
import { mergeSections } from './sections.ts';
import { duplicateStrings } from './strings.ts';
import { subset } from './subset.ts';
import { undefinedProblems } from './undefined.ts';

export interface LinkOptions {
  /** Name of the result in messages. Default `linked.o`. */
  readonly name?: string;
  /** Leave unresolved externs in place, so that the result can be linked again (`ld -r`). Default false. */
  readonly partial?: boolean;
  /** Keep DWARF (`.debug_*` sections). Default false: loaders do not read it. */
  readonly keepDebug?: boolean;
  /** Move functions of code sections that are no programs to `.text`, where libbpf wants them. Default false. */
  readonly foldText?: boolean;
  /** Names to explain in `LinkSuccess.explanations`; a name that no input knows is a problem of class `usage`. */
  readonly explain?: readonly string[];
}

export interface LinkSuccess {
  readonly ok: true;
  readonly object: BpfObject;
  /** Made when first read. */
  readonly report: LinkReport;
  /** For `LinkOptions.explain`, in that order. */
  readonly explanations: readonly Explanation[];
}

export interface LinkFailure {
  readonly ok: false;
  /** Every problem of the link, in order of inputs. */
  readonly problems: readonly Problem[];
}

/** `make` called at most once, when its value is first asked for: a report costs more than the link it tells about. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

export type LinkResult = LinkSuccess | LinkFailure;

/** Links objects by name. Never throws for what stands in the inputs: problems come back as data. */
export function link(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkResult {
  const { objects: files, problems: unreadable } = readInputs(inputs, {
    keepDebug: options.keepDebug ?? false,
  });
  if (unreadable.length > 0) return { ok: false, problems: unreadable };
  const partial = options.partial ?? false;
  const objects = options.foldText === true ? files.map(foldText) : files;

  const resolution = resolve(objects);
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const explained = explainAll(objects, resolution, options.explain ?? []);
  const problems = [
    ...resolution.problems,
    ...checkAgreement(objects, resolution),
    ...(partial ? [] : undefinedProblems(objects, resolution)),
    ...sections.problems,
    ...license.problems,
    ...versionProblems(objects),
    ...explained.problems,
  ];
  if (problems.length > 0) return { ok: false, problems };
  // From here on nothing can fail: every name has its winner and every winner its type.

  const combined = combine({ objects, resolution, sections, name: options.name ?? 'linked.o', partial });
  const merged = mergeStrings(combined);
  const renames = separateStatics(merged);
  const object = withLicense(applyRenames(merged.object, renames), license.license);
  const report = once(() => reportLink({ objects, resolution, combined: merged, renames, license }));
  return {
    ok: true,
    object,
    explanations: explained.explanations,
    get report() {
      return report();
    },
  };
}

/** Equal string literals of all inputs are kept once. */
export function mergeStrings(combined: Combined): Combined {
  const duplicates = duplicateStrings(combined.object);
  if (duplicates.size === 0) return combined;
  const keep = combined.object.symbols.map((_, index) => !duplicates.has(index));
  return narrow(combined, keep, { pruneTypes: false, replacements: duplicates });
}

/** `subset` that keeps the maps to and from the inputs in step. */
export function narrow(
  combined: Combined,
  keep: readonly boolean[],
  options: Parameters<typeof subset>[2],
): Combined {
  const { object, indexOf, typesAfter } = subset(combined.object, keep, options);
  return {
    object,
    origins: combined.origins.filter((_, index) => keep[index] === true),
    indexOf: combined.indexOf.map(map => map.map(index => (index < 0 ? -1 : (indexOf[index] ?? -1)))),
    types: { before: combined.types.before, after: typesAfter },
  };
}

/** The linked object as ELF bytes, or all problems thrown as one error. */
export function linkToBytes(inputs: readonly LinkInput[], options: LinkOptions = {}): Uint8Array {
  const result = link(inputs, options);
  if (!result.ok) throw new RootletError(result.problems);
  return writeObject(result.object);
}
