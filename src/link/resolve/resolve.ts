/**
 * Symbol resolution: one definition for every name.
 *
 * The strength of definitions is compared among definitions only: a strong one overrides weak and tentative
 * (common) ones, two strong ones are an error, the first of several weak ones is chosen. References only
 * decide whether an undefined name is an error. This is what ELF linkers do.
 *
 * Differs from libbpf: there a strong `extern` makes a weak definition strong, so that the order of files
 * decides whether two definitions clash.
 *
 * Names are looked up in scopes: all inputs of a link share one; every component of a re-link has its own.
 * Names that the kernel resolves (`.ksyms`, `.kconfig`) are the same in all scopes.
 */

import { elementAt } from '../../bytes/index.ts';
import type { Problem } from '../../diag/index.ts';
import { ATOM, ATOM_BINDING, ATOM_KIND, GROUP, type Image, NAME } from '../../image/index.ts';
import { type BpfObject, type BpfSymbol, sectionNameOf } from '../../object/index.ts';
import { addWords, columnsOf, type LinkColumns, RowPlaces, rowOf } from './columns.ts';
import * as dropping from './comdat.kernel.ts';
import { type Dropped, droppedGroups, droppedReferences, NOTHING_DROPPED } from './comdat.ts';
import { REQUEST, SHARED_SCOPE } from './request.ts';
import * as kernels from './resolve.kernel.ts';
import { type SymbolAt, symbolAt } from './symbol-at.ts';

/** All symbols of one name in one scope. */
export interface SymbolGroup {
  readonly name: string;
  readonly scope: number;
  /** The chosen definition, or the first extern if there is none. */
  readonly winner: SymbolAt;
  readonly defined: boolean;
  /** Definitions that the winner overrides, in input order. */
  readonly losers: readonly SymbolAt[];
  /** Several strong definitions that are not one, in input order: an error. Else empty. */
  readonly clashing: readonly SymbolAt[];
  /** References without a definition of their own, the winner not among them. */
  readonly externs: readonly SymbolAt[];
  /** True when at least one extern is not weak. */
  readonly strongReference: boolean;
  /** True if any of them is hidden: the most constraining visibility applies. */
  readonly hidden: boolean;
}

/** What names resolve to. `groups` and what has symbols is made when it is asked for: kernels know it by rows. */
export interface Resolution {
  readonly columns: LinkColumns;
  /** In order of first appearance. */
  readonly groups: readonly SymbolGroup[];
  /** Those with several strong definitions that are not one. */
  readonly clashes: readonly SymbolGroup[];
  /** Row of GROUP of a symbol; 0 for local symbols and others that take no part. */
  readonly groupRow: (at: SymbolAt) => number;
  /** The group of such a row. */
  readonly groupOf: (row: number) => SymbolGroup;
  /** Without the names that clash: see `duplicateProblem`. */
  readonly problems: readonly Problem[];
  /** Symbols of COMDAT groups that another input keeps. */
  readonly dropped: Dropped;
}

export interface ResolveOptions {
  /** Scope of each input; default: all share scope 0. */
  readonly scopes?: readonly number[];
  /** Names that all scopes share: definitions that agree become one. */
  readonly shared?: (name: string) => boolean;
  /** Definitions that are one map although each of them is strong, if all of a name are such: pinned maps. */
  readonly united?: (at: SymbolAt) => boolean;
  /** Symbols that are bound explicitly and take no part. */
  readonly detached?: readonly SymbolAt[];
  /** Objects that were read into this image are used in place. Default: an image of its own. */
  readonly image?: Image;
}

/** Sections whose symbols are merged by section, not by name. */
export const SINGLE_SECTIONS: ReadonlySet<string> = new Set(['license', 'version']);
/** Sections of externs that specify how the loader resolves a name, not where it is. */
export const KERNEL_SECTIONS: ReadonlySet<string> = new Set(['.ksyms', '.kconfig']);

/** The group of a symbol; undefined for local symbols and others that take no part. */
export function groupAt(resolution: Resolution, at: SymbolAt): SymbolGroup | undefined {
  const row = resolution.groupRow(at);
  return row <= 0 ? undefined : resolution.groupOf(row);
}

export function resolve(objects: readonly BpfObject[], options: ResolveOptions = {}): Resolution {
  const columns = columnsOf(objects, options.image);
  const { image, request } = columns;
  for (const at of options.detached ?? []) image.set(ATOM.group, rowOf(columns, at), -1);
  setScopes(columns, options);
  const dropped = markDropped(objects, columns, options);
  const { groupAtoms, settleGroups } = image.run(kernels);
  groupAtoms(request);
  const clashes = settleGroups(request);
  const resolution = new ResolvedNames(columns, dropped, droppedReferences(objects, dropped));
  if (clashes > 0) resolution.clashing = settleAgreeing(objects, resolution, options);
  return resolution;
}

function setScopes({ image, request }: LinkColumns, { scopes, shared }: ResolveOptions): void {
  if (scopes === undefined) return;
  const at = addWords(image, Int32Array.from(scopes));
  image.words[request + REQUEST.scopes] = at;
  if (shared === undefined) return;
  const flags = Int32Array.from({ length: image.count(NAME) }, (_, name) =>
    shared(image.nameText(name)) ? 1 : 0,
  );
  const table = addWords(image, flags);
  image.words[request + REQUEST.shared] = table;
}

function markDropped(
  objects: readonly BpfObject[],
  columns: LinkColumns,
  { scopes }: ResolveOptions,
): Dropped {
  const { image, request } = columns;
  if (image.run(dropping).hasComdat(request) === 0) return objects.map(() => NOTHING_DROPPED);
  const dropped = droppedGroups(objects, file => (scopes === undefined ? 0 : elementAt(scopes, file)));
  dropped.forEach((gone, file) => {
    for (const index of gone) image.set(ATOM.dropped, rowOf(columns, { file, index }), 1);
  });
  return dropped;
}

// --- groups -------------------------------------------------------------------------------------------------------

class ResolvedNames implements Resolution {
  readonly columns: LinkColumns;
  readonly dropped: Dropped;
  readonly problems: readonly Problem[];
  readonly #first: number;
  readonly #end: number;
  readonly #made = new Map<number, SymbolGroup>();
  #places: RowPlaces | undefined;
  /** Rows of names that clash. */
  clashing: readonly number[] = [];
  #groups: readonly SymbolGroup[] | undefined;

  constructor(columns: LinkColumns, dropped: Dropped, problems: readonly Problem[]) {
    this.columns = columns;
    this.dropped = dropped;
    this.problems = problems;
    const { words } = columns.image;
    this.#first = elementAt(words, columns.request + REQUEST.firstGroup);
    this.#end = elementAt(words, columns.request + REQUEST.endGroup);
  }

  get groups(): readonly SymbolGroup[] {
    this.#groups ??= this.rows.map(row => this.groupOf(row));
    return this.#groups;
  }

  get clashes(): readonly SymbolGroup[] {
    return this.clashing.map(this.groupOf);
  }

  /** Rows of GROUP. */
  get rows(): number[] {
    return Array.from({ length: this.#end - this.#first }, (_, position) => this.#first + position);
  }

  groupRow = (at: SymbolAt): number =>
    Math.max(0, this.columns.image.get(ATOM.group, rowOf(this.columns, at)));

  groupOf = (row: number): SymbolGroup => {
    const known = this.#made.get(row);
    if (known !== undefined) return known;
    const made = this.#make(row);
    this.#made.set(row, made);
    return made;
  };

  /** Members of a group in input order, and which of them can be chosen. */
  members(row: number): { readonly all: readonly number[]; readonly candidates: readonly number[] } {
    const { image } = this.columns;
    const all: number[] = [];
    for (let atom = image.get(GROUP.first, row); atom !== 0; atom = image.get(ATOM.next, atom))
      all.push(atom);
    const kept = all.filter(atom => image.get(ATOM.dropped, atom) === 0);
    return { all, candidates: kept.some(atom => this.isDefinition(atom)) ? kept : all };
  }

  isDefinition(atom: number): boolean {
    return this.columns.image.get(ATOM.kind, atom) !== ATOM_KIND.extern;
  }

  /** Definitions that may not be overridden. */
  strong(row: number): readonly number[] {
    const { image } = this.columns;
    return this.members(row).candidates.filter(
      atom =>
        this.isDefinition(atom) &&
        image.get(ATOM.common, atom) === 0 &&
        image.get(ATOM.binding, atom) !== ATOM_BINDING.weak,
    );
  }

  place(atom: number): SymbolAt {
    this.#places ??= new RowPlaces(this.columns);
    return this.#places.at(atom);
  }

  #make(row: number): SymbolGroup {
    const { image } = this.columns;
    const winner = image.get(GROUP.winner, row);
    const others = this.members(row).all.filter(atom => atom !== winner);
    const placed = (atoms: readonly number[]): readonly SymbolAt[] => atoms.map(atom => this.place(atom));
    return {
      name: image.nameText(image.get(GROUP.name, row)),
      scope: image.get(GROUP.scope, row),
      winner: this.place(winner),
      defined: image.get(GROUP.defined, row) === 1,
      losers: placed(others.filter(atom => this.isDefinition(atom))),
      clashing: image.get(GROUP.clashing, row) === 1 ? placed(this.strong(row)) : [],
      externs: placed(others.filter(atom => !this.isDefinition(atom))),
      strongReference: image.get(GROUP.strong, row) === 1,
      hidden: image.get(GROUP.hidden, row) === 1,
    };
  }
}

/**
 * Of strong definitions that may be one the first is chosen, of maps the first with initial entries; whether the
 * others agree is checked like any reference.
 */
function settleAgreeing(
  objects: readonly BpfObject[],
  names: ResolvedNames,
  options: ResolveOptions,
): readonly number[] {
  const clashing: number[] = [];
  const { image } = names.columns;
  for (const row of names.rows) {
    if (image.get(GROUP.clashing, row) === 0) continue;
    if (!mayAgree(objects, names, row, options)) {
      clashing.push(row);
      continue;
    }
    const strong = names.strong(row);
    const isFilled = (atom: number): boolean =>
      image.get(ATOM.kind, atom) === ATOM_KIND.map && image.get(ATOM.referenceCount, atom) > 0;
    image.set(GROUP.winner, row, strong.find(isFilled) ?? elementAt(strong, 0));
    image.set(GROUP.clashing, row, 0);
  }
  return clashing;
}

/**
 * Whether several strong definitions can be one. Components do not share functions of their own: two of one
 * name are two pieces of code, of which only one would be called.
 */
function mayAgree(
  objects: readonly BpfObject[],
  names: ResolvedNames,
  row: number,
  { shared, united }: ResolveOptions,
): boolean {
  const { image } = names.columns;
  if (shared?.(image.nameText(image.get(GROUP.name, row))) !== true)
    return united !== undefined && names.strong(row).every(atom => united(names.place(atom)));
  const members = names.members(row).candidates;
  const isFunction = (atom: number): boolean => symbolAt(objects, names.place(atom)).kind === 'function';
  return image.get(GROUP.scope, row) !== SHARED_SCOPE || !members.some(isFunction);
}

/** License and version: found by their section, one of each in a result; their names do not count. */
export function isSingle(object: BpfObject, symbol: BpfSymbol): boolean {
  return symbol.kind === 'variable' && SINGLE_SECTIONS.has(sectionNameOf(object, symbol));
}

/**
 * An extern that the loader resolves against the kernel: kernel symbols, kernel functions, configuration
 * values.
 */
export function isKernelName(symbol: BpfSymbol): boolean {
  return symbol.kind === 'extern' && symbol.section !== null && KERNEL_SECTIONS.has(symbol.section);
}
