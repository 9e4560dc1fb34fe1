/** Result of a link, as data: chosen and discarded definitions with the reason, renames, number of types. */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  comdatOf,
  isCommon,
  notesOf,
  type SymbolIndex,
  sizeOfSymbol,
  symbolOf,
} from '../../object/index.ts';
import type { InlinedCall, OptimizeReport, ProgramOptimization } from '../optimize/model/index.ts';
import type { Combined, LicenseChoice, PinnedMaps, Rename } from '../passes/index.ts';
import {
  describeSymbol,
  type ExplicitBinding,
  expectedSectionOf,
  inputName,
  mayHaveMoreVariables,
  type Resolution,
  type SymbolAt,
  symbolAt,
  variablesOfSections,
} from '../resolve/index.ts';
import { boundExternsOf } from './bound.ts';
import { mapNotes } from './map-notes.ts';

/** A symbol of the result, and the file that defined it. */
export interface ReportedSymbol {
  /** Name in the result. */
  readonly name: string;
  readonly kind: BpfSymbol['kind'];
  /** As C. */
  readonly declaration: string;
  readonly binding: BpfSymbol['binding'];
  readonly section: string;
  /** Bytes. */
  readonly size: number;
  /** Input that it came from. */
  readonly file: string;
}

/** A definition that is not in the result, and why. */
export interface Discarded {
  readonly name: string;
  readonly kind: BpfSymbol['kind'];
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /**
   * `weak`: overridden by a stronger or earlier definition; `identical`: equal to the one that is kept;
   * `comdat`: in a COMDAT group that an earlier input has; `slot`: replaced by a component; `unused`: collected;
   * `inlined`: its code is in the functions that called it.
   */
  readonly reason: 'weak' | 'identical' | 'comdat' | 'slot' | 'unused' | 'inlined';
  /** File of the definition that is used instead; null when nothing is. */
  readonly winner: string | null;
}

/** An extern of one input, and the definition of another that it is bound to. */
export type BoundExtern = LinkReport['bound'][number];

const REASONS: Readonly<Record<Discarded['reason'], string>> = {
  weak: 'overridden by',
  identical: 'identical to',
  comdat: 'COMDAT group, kept from',
  slot: 'slot, replaced by',
  unused: 'unused',
  inlined: 'inlined',
};

/** `overridden by b.o`, `unused`. */
export function discardText({ reason, winner }: Discarded): string {
  return `${REASONS[reason]}${winner === null ? '' : ` ${winner}`}`;
}

/** A symbol that got another name. */
export interface ReportedRename {
  readonly file: string;
  readonly kind: BpfSymbol['kind'];
  readonly from: string;
  readonly to: string;
  /** `clash`: `namesake` has the name too; `pinned`: it is a pinned map, which keeps its name. */
  readonly reason: 'clash' | 'pinned';
  readonly namesake: { readonly file: string; readonly kind: BpfSymbol['kind'] };
}

/** A pinned map that several inputs define. */
export interface ReportedMerge {
  readonly name: string;
  /** The input whose definition is kept, then the others. */
  readonly files: readonly string[];
}

/** What a link did: which definition was chosen, what was discarded, renamed and merged. */
export interface LinkReport {
  readonly inputs: readonly { readonly name: string; readonly symbols: number; readonly types: number }[];
  readonly symbols: readonly ReportedSymbol[];
  readonly discarded: readonly Discarded[];
  readonly renames: readonly ReportedRename[];
  /** Pinned maps that became one. */
  readonly merged: readonly ReportedMerge[];
  /** Externs of inputs that have their definition in another input. */
  readonly bound: readonly {
    /** Name of the extern in its file. */
    readonly name: string;
    /** Of the definition. */
    readonly kind: BpfSymbol['kind'];
    readonly file: string;
    /** Name of the definition in its own file. */
    readonly definition: string;
    /** File of the definition. */
    readonly winner: string;
    /** `explicit`: an option or a declaration tag named the definition. */
    readonly by: 'name' | 'explicit';
  }[];
  /** Externs that stay undefined, for the loader or a later link. */
  readonly unresolved: readonly string[];
  readonly types: { readonly before: number; readonly after: number };
  readonly license: string | null;
  readonly notes: readonly string[];
  /** What the optimizer did; null without it. */
  readonly optimization: OptimizeReport | null;
}

/** The object after the last step of a link, and what that step did. */
export interface Finished {
  readonly object: BpfObject;
  /** Null where nothing was to be optimized. */
  readonly optimization: OptimizeReport | null;
  /** Index in `object` for each symbol of the object before; -1 where it is gone. Null: nothing is gone. */
  readonly indexes: Int32Array | null;
}

export interface ReportInput {
  readonly objects: readonly BpfObject[];
  readonly resolution: Resolution;
  /** Externs that options or declaration tags bind. */
  readonly bound: readonly ExplicitBinding[];
  readonly combined: Combined;
  readonly renames: readonly Rename[];
  readonly pinned: PinnedMaps;
  readonly license: LicenseChoice;
  readonly finished: Finished;
}

export function reportLink(input: ReportInput): LinkReport {
  const { objects, combined, renames, license, finished } = input;
  const newNames = new Map(renames.map(rename => [rename.symbol, rename.to]));
  return {
    inputs: objects.map(object => ({
      name: object.name,
      symbols: object.symbols.length,
      types: object.btf?.count ?? 0,
    })),
    symbols: combined.object.symbols.flatMap((symbol, index) =>
      symbol.name === '' || isGone(finished, index)
        ? []
        : [reportSymbol(input, symbol, index, newNames.get(index) ?? symbol.name)],
    ),
    discarded: [
      ...overridden(objects, input.resolution),
      ...replacedBy(objects, input.pinned.bindings, 'identical'),
      ...removedByOptimizer(input),
    ],
    renames: reportRenames(objects, combined, renames),
    merged: reportMerges(objects, input.pinned),
    bound: boundExternsOf(objects, input.resolution, input.bound),
    unresolved: combined.object.symbols.filter(symbol => symbol.kind === 'extern').map(symbol => symbol.name),
    types: { before: combined.types.before, after: typesAfter(input) },
    license: license.license,
    notes: linkNotes(combined.object, license),
    optimization: finished.optimization,
  };
}

export function reportRenames(
  objects: readonly BpfObject[],
  combined: Combined,
  renames: readonly Rename[],
): ReportedRename[] {
  const fileOf = (index: SymbolIndex): string => inputName(objects, elementAt(combined.origins, index).file);
  const kindOf = (index: SymbolIndex): BpfSymbol['kind'] => symbolOf(combined.object, index).kind;
  return renames.map(({ symbol, from, to, file, reason, namesake }) => ({
    file: inputName(objects, file),
    kind: kindOf(symbol),
    from,
    to,
    reason,
    namesake: { file: fileOf(namesake), kind: kindOf(namesake) },
  }));
}

export function reportMerges(objects: readonly BpfObject[], { merges }: PinnedMaps): ReportedMerge[] {
  return merges.map(({ name, winner, others }) => ({
    name,
    files: [winner, ...others].map(({ file }) => inputName(objects, file)),
  }));
}

/** What a user should know although the link went well. */
export function linkNotes(object: BpfObject, license: LicenseChoice): readonly string[] {
  return [
    ...notesOf(object),
    ...(license.note === null ? [] : [license.note]),
    ...crowdedSections(object),
    ...mapNotes(object),
  ];
}

/** DATASEC entries that the older form of BTF can count. */
const MAX_OLD_VLEN = 0xffff;

function crowdedSections(object: BpfObject): string[] {
  if (!mayHaveMoreVariables(object, MAX_OLD_VLEN)) return [];
  const counts = variablesOfSections(object);
  return object.sections.flatMap((section, index) => {
    const count = elementAt(counts, index);
    if (count <= MAX_OLD_VLEN) return [];
    return [
      `section "${section.name}" has ${count} variables; kernels with a 16-bit vlen in BTF load at most ${MAX_OLD_VLEN}`,
    ];
  });
}

/** Whether a symbol of the object before the last step is not in the result. */
export function isGone({ indexes }: Finished, index: SymbolIndex): boolean {
  return indexes !== null && elementAt(indexes, index) < 0;
}

function typesAfter({ combined, finished: { object, optimization } }: ReportInput): number {
  return optimization === null || object.btf === null ? combined.types.after : object.btf.count;
}

/** The code of a function is that of the result. */
function sizeAfter({ object, indexes }: Finished, symbol: BpfSymbol, index: SymbolIndex): number {
  if (symbol.kind !== 'function') return sizeOfSymbol(symbol);
  return sizeOfSymbol(symbolOf(object, indexes === null ? index : elementAt(indexes, index)));
}

/** Functions that are in the code of others, or that nothing calls any more. */
function removedByOptimizer({ combined, objects, renames, finished }: ReportInput): Discarded[] {
  const { indexes, optimization } = finished;
  if (indexes === null || optimization === null) return [];
  const inlined = new Set(optimization.programs.flatMap(program => program.inlined.map(nameOfCall)));
  const newNames = new Map(renames.map(rename => [rename.symbol, rename.to]));
  return combined.object.symbols.flatMap((symbol, index): Discarded[] => {
    if (symbol.name === '' || !isGone(finished, index)) return [];
    const at = elementAt(combined.origins, index);
    const [{ name }, file] = [symbolAt(objects, at), inputName(objects, at.file)];
    const reason = inlined.has(newNames.get(index) ?? symbol.name) ? 'inlined' : 'unused';
    return [{ name, kind: symbol.kind, file, size: sizeOfSymbol(symbol), reason, winner: null }];
  });
}

function nameOfCall(call: InlinedCall): string {
  return call.function;
}

/** Programs that stay as they are although they were to be optimized, and those in which less is inlined. */
export function optimizationNotes(report: OptimizeReport | null): readonly string[] {
  return report === null ? [] : report.programs.flatMap(programNote);
}

function programNote({ program, refused, inline, stepped }: ProgramOptimization): readonly string[] {
  if (refused !== null) return [`program ${quote(program)} is not optimized: ${refused}`];
  return stepped === null
    ? []
    : [`program ${quote(program)} is optimized with --inline ${inline}: ${stepped}`];
}

function reportSymbol(input: ReportInput, symbol: BpfSymbol, index: number, name: string): ReportedSymbol {
  const { combined, objects, finished } = input;
  return {
    name,
    kind: symbol.kind,
    declaration: describeSymbol(combined.object, symbol),
    binding: symbol.binding,
    section: expectedSectionOf(combined.object, symbol),
    size: sizeAfter(finished, symbol, index),
    file: inputName(objects, elementAt(combined.origins, index).file),
  };
}

function overridden(objects: readonly BpfObject[], resolution: Resolution): Discarded[] {
  return resolution.groups.flatMap(group =>
    group.losers.map((at: SymbolAt): Discarded => {
      const symbol = symbolAt(objects, at);
      return {
        name: group.name,
        kind: symbol.kind,
        file: inputName(objects, at.file),
        size: sizeOfSymbol(symbol),
        reason: reasonFor(objects, resolution, group.winner, at),
        winner: inputName(objects, group.winner.file),
      };
    }),
  );
}

/** Symbols that others replace, other than by resolution; anonymous ones are omitted. */
export function replacedBy(
  objects: readonly BpfObject[],
  bindings: readonly { readonly loser: SymbolAt; readonly winner: SymbolAt }[],
  reason: Discarded['reason'],
): Discarded[] {
  return bindings.flatMap(({ loser, winner }): Discarded[] => {
    const symbol = symbolAt(objects, loser);
    if (symbol.name === '') return [];
    const { name, kind } = symbol;
    const [file, kept] = [inputName(objects, loser.file), inputName(objects, winner.file)];
    return [{ name, kind, file, size: sizeOfSymbol(symbol), reason, winner: kept }];
  });
}

function reasonFor(
  objects: readonly BpfObject[],
  { dropped }: Resolution,
  winner: SymbolAt,
  at: SymbolAt,
): Discarded['reason'] {
  const symbol = symbolAt(objects, at);
  const isCopy = comdatOf(symbol) !== undefined && comdatOf(symbol) === comdatOf(symbolAt(objects, winner));
  if (isCopy && elementAt(dropped, at.file).has(at.index)) return 'comdat';
  return isStrong(symbol) ? 'identical' : 'weak';
}

/** A strong definition is only overridden by an identical one. */
function isStrong(symbol: BpfSymbol | undefined): boolean {
  return symbol?.binding === 'global' && !isCommon(symbol);
}
