/**
 * Static linking: several objects become one.
 *
 * The body of `link` is the list of passes; what a pass needs from an earlier one is among its arguments.
 */

import { type Problem, RootletError } from '../diag/index.ts';
import { type BpfObject, writeObject } from '../object/index.ts';
import { checkAgreement } from './agree.ts';
import type { ArchiveOptions, PulledMember } from './archives.ts';
import { type Collected, collectGarbage, type LivePath, unusedSymbols } from './collect.ts';
import { type Combined, combine } from './combine.ts';
import { type Explanation, explainAll } from './explain.ts';
import { foldText } from './fold-text.ts';
import { type LinkInput, readInputs } from './inputs.ts';
import { chooseLicense, versionProblems, withLicense } from './license.ts';
import { separateStatics } from './names.ts';
import { mergeStrings } from './narrow.ts';
import { once } from './once.ts';
import { applyRenames } from './rename.ts';
import { type LinkReport, linkNotes, reportLink } from './report.ts';
import { resolve } from './resolve.ts';
import { mergeSections } from './sections.ts';
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
  /** Drop functions, variables, maps and types that no program needs. Default false. */
  readonly gcSections?: boolean;
  /** With `gcSections`: names that stay, used or not. */
  readonly keep?: readonly string[];
  /** With `gcSections`: names for `LinkSuccess.livePaths`. */
  readonly whyLive?: readonly string[];
  /** Reads the files that thin archives name. */
  readonly readMember?: ArchiveOptions['readMember'];
  /** Names to explain in `LinkSuccess.explanations`; a name that no input knows is a problem of class `usage`. */
  readonly explain?: readonly string[];
}

export interface LinkSuccess {
  readonly ok: true;
  readonly object: BpfObject;
  /** `report.notes`, without the cost of the report. */
  readonly notes: readonly string[];
  /** Made when first read. */
  readonly report: LinkReport;
  /** Archive members in the order in which they were taken. */
  readonly pulled: readonly PulledMember[];
  /** For `LinkOptions.whyLive`, in that order. */
  readonly livePaths: readonly LivePath[];
  /** For `LinkOptions.explain`, in that order. */
  readonly explanations: readonly Explanation[];
}

export interface LinkFailure {
  readonly ok: false;
  /** Every problem of the link, in order of inputs. */
  readonly problems: readonly Problem[];
}

export type LinkResult = LinkSuccess | LinkFailure;

/** Links objects by name. Never throws for what stands in the inputs: problems come back as data. */
export function link(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkResult {
  const {
    objects: files,
    pulled,
    problems: unreadable,
  } = readInputs(inputs, {
    keepDebug: options.keepDebug ?? false,
    ...(options.readMember === undefined ? {} : { readMember: options.readMember }),
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
  // From here on every name has its winner and every winner its type.

  const merged = mergeStrings(
    combine({ objects, resolution, sections, name: options.name ?? 'linked.o', partial }),
  );
  const collected =
    options.gcSections === true
      ? collectGarbage(merged, { keep: options.keep ?? [], whyLive: options.whyLive ?? [] })
      : keepAll(merged);
  if (collected.problems.length > 0) return { ok: false, problems: collected.problems };
  const { combined, live, paths: livePaths } = collected;
  const renames = separateStatics(combined);
  const object = withLicense(applyRenames(combined.object, renames), license.license);
  const report = once((): LinkReport => {
    const linked = reportLink({ objects, resolution, combined, renames, license });
    return { ...linked, discarded: [...linked.discarded, ...unusedSymbols(objects, merged, live)] };
  });
  return {
    ok: true,
    object,
    notes: linkNotes(combined.object, license),
    pulled,
    livePaths,
    explanations: explained.explanations,
    get report() {
      return report();
    },
  };
}

function keepAll(combined: Combined): Collected {
  return { combined, live: combined.object.symbols.map(() => true), paths: [], problems: [] };
}

/** The linked object as ELF bytes, or all problems thrown as one error. */
export function linkToBytes(inputs: readonly LinkInput[], options: LinkOptions = {}): Uint8Array {
  const result = link(inputs, options);
  if (!result.ok) throw new RootletError(result.problems);
  return writeObject(result.object);
}
