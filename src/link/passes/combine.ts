/**
 * Many resolved objects → one.
 *
 * Concatenates the atoms that survive resolution, redirects every reference to the chosen definition of its
 * name, and merges the types. Discarded definitions are removed completely: code, records, relocations,
 * declaration tags. Kernels do it on columns; here is what few links have: bindings and aliases.
 */

import type { MergeResult } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { ATOM, type Image, SHELL, UNIT } from '../../image/index.ts';
import {
  type BpfObject,
  extrasOf,
  isDebugSection,
  movedAliases,
  notesOf,
  objectOf,
  type SymbolIndex,
  setExtras,
} from '../../object/index.ts';
import {
  addWords,
  findSameTypes,
  groupAt,
  type LinkColumns,
  REQUEST,
  type Resolution,
  RowPlaces,
  rowOf,
  type SymbolAt,
} from '../resolve/index.ts';
import * as kernels from './combine.kernel.ts';
import { mergeTypesOf } from './merge-types.ts';
import type { MergedSections } from './sections.ts';
import { markDuplicateStrings } from './strings.ts';

export interface CombineInput {
  readonly objects: readonly BpfObject[];
  readonly resolution: Resolution;
  /** With the unit that becomes the result. */
  readonly sections: MergedSections;
  /** Explicit replacements: references to `loser` go to `winner`, and `loser` is dropped. */
  readonly bindings?: readonly ExplicitBinding[];
  /** True for a partial link: weak definitions stay weak. */
  readonly partial: boolean;
  /** Equal strings of mergeable sections become one. */
  readonly mergeStrings: boolean;
}

interface ExplicitBinding {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

/** `indexOf` and `origins` are made when they are asked for. */
export interface Combined {
  readonly object: BpfObject;
  /**
   * For each input: symbol index → symbol of the result (that of the chosen definition, if it was discarded).
   */
  readonly indexOf: readonly Int32Array[];
  /** For each symbol of the result: where it came from. */
  readonly origins: readonly SymbolAt[];
  readonly types: Pick<MergeResult, 'before' | 'after'>;
}

export function combine(input: CombineInput): Combined {
  const { columns } = input.resolution;
  const { image, request } = columns;
  const { unit } = input.sections;
  image.words[request + REQUEST.partial] = input.partial ? 1 : 0;
  image.run(kernels).chooseTargets(request);
  bindTargets(input);
  if (input.mergeStrings) markDuplicateStrings(columns);
  findSameTypes(columns);
  image.run(kernels).redirectTypes(request);
  const types = mergeTypesOf(columns, unit);
  describeResult(input, unit);
  const debug = debugTable(image, unit);
  image.run(kernels).numberAtoms(request);
  if (image.run(kernels).copyAtoms(request, debug) > 0) keepAliases(input.objects, columns);
  return new CombinedColumns(columns, objectOf(image, unit), types);
}

/** A combined object after an edit that kept its symbols. */
export function withObject(combined: Combined, object: BpfObject): Combined {
  if (object === combined.object) return combined;
  return {
    object,
    get indexOf() {
      return combined.indexOf;
    },
    get origins() {
      return combined.origins;
    },
    types: combined.types,
  };
}

class CombinedColumns implements Combined {
  readonly object: BpfObject;
  readonly types: Combined['types'];
  readonly #columns: LinkColumns;
  #indexOf: readonly Int32Array[] | undefined;
  #origins: readonly SymbolAt[] | undefined;

  constructor(columns: LinkColumns, object: BpfObject, types: Combined['types']) {
    this.#columns = columns;
    this.object = object;
    this.types = types;
  }

  get indexOf(): readonly Int32Array[] {
    this.#indexOf ??= this.#columns.units.map(unit => this.#indexesOf(unit));
    return this.#indexOf;
  }

  get origins(): readonly SymbolAt[] {
    this.#origins ??= this.#findOrigins();
    return this.#origins;
  }

  #indexesOf(unit: number): Int32Array {
    const { image } = this.#columns;
    const first = this.#first();
    return mergedOf(image, unit).map(merged => (merged === 0 ? -1 : merged - first));
  }

  #first(): number {
    const { image, request } = this.#columns;
    return image.get(UNIT.atoms, elementAt(image.words, request + REQUEST.result));
  }

  #findOrigins(): SymbolAt[] {
    const { image, units } = this.#columns;
    const places = new RowPlaces(this.#columns);
    const origins: SymbolAt[] = [];
    for (const unit of units) {
      const first = image.get(UNIT.atoms, unit);
      mergedOf(image, unit).forEach((merged, index) => {
        if (merged !== 0 && image.get(ATOM.target, first + index) === first + index)
          origins.push(places.at(first + index));
      });
    }
    return origins;
  }
}

/** A copy of ATOM.merged of a unit. */
function mergedOf(image: Image, unit: number): Int32Array {
  const start = elementAt(image.words, ATOM.merged) + image.get(UNIT.atoms, unit);
  return image.words.slice(start, start + image.get(UNIT.atomCount, unit));
}

/** What the result has of all inputs as a whole. */
function describeResult({ objects, resolution }: CombineInput, unit: number): void {
  const { image, units } = resolution.columns;
  const [first] = units;
  if (first !== undefined) image.set(UNIT.order, unit, image.get(UNIT.order, first));
  image.set(UNIT.flags, unit, Math.max(0, ...objects.map(({ flags }) => flags)));
  const notes = [...new Set(objects.flatMap(notesOf))];
  if (notes.length > 0) setExtras(image, unit, { ...extrasOf(image, unit), notes });
}

// --- bindings -----------------------------------------------------------------------------------------------------

/** Explicit replacements; most links have none. */
function bindTargets({ resolution, bindings = [] }: CombineInput): void {
  if (bindings.length === 0) return;
  const { columns } = resolution;
  const { image, request } = columns;
  const bound = firstBindings(columns, bindings);
  const table = new Int32Array(image.count(ATOM));
  for (const loser of bound.keys()) table[loser] = lastBound(resolution, bound, loser, bindings.length);
  const at = addWords(image, table);
  image.run(kernels).followBindings(request, at);
}

/** Row → row; the first of several bindings of a symbol counts. */
function firstBindings(columns: LinkColumns, bindings: readonly ExplicitBinding[]): Map<number, SymbolAt> {
  const bound = new Map<number, SymbolAt>();
  for (const { loser, winner } of bindings) {
    const row = rowOf(columns, loser);
    if (!bound.has(row)) bound.set(row, winner);
  }
  return bound;
}

/**
 * What is bound may itself be bound: an extern to a slot, or to one of several definitions of a pinned map.
 */
function lastBound(
  resolution: Resolution,
  bound: ReadonlyMap<number, SymbolAt>,
  from: number,
  steps: number,
): number {
  let row = from;
  for (let left = steps; left > 0; left--) {
    const target = bound.get(row);
    if (target === undefined) return row;
    row = rowOf(resolution.columns, groupAt(resolution, target)?.winner ?? target);
  }
  return row;
}

// --- aliases ------------------------------------------------------------------------------------------------------

/** Aliases of the result, with what they are aliases of. A definition that is overridden leaves its place to one. */
function keepAliases(objects: readonly BpfObject[], { image, units }: LinkColumns): void {
  objects.forEach(({ symbols }, file) => {
    const first = image.get(UNIT.atoms, elementAt(units, file));
    const numbers = (index: SymbolIndex): SymbolIndex => {
      const isKept = image.get(ATOM.target, first + index) === first + index;
      return isKept && image.get(ATOM.merged, first + index) !== 0
        ? image.get(ATOM.merged, first + index)
        : -1;
    };
    for (const [alias, owner] of movedAliases(symbols, numbers)) image.set(ATOM.owner, numbers(alias), owner);
  });
}

// --- debug information --------------------------------------------------------------------------------------------

/** For each section of the result whether it is DWARF, as words in the image; 0: none is. */
function debugTable(image: Image, unit: number): number {
  const first = image.get(UNIT.shells, unit);
  const flags = Int32Array.from({ length: image.get(UNIT.shellCount, unit) }, (_, index) =>
    isDebugSection(image.nameText(image.get(SHELL.name, first + index))) ? 1 : 0,
  );
  return flags.includes(1) ? addWords(image, flags) : 0;
}
