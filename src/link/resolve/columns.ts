/**
 * The inputs of a link as units of one image, and the way between their rows and symbols.
 *
 * Kernels decide by rows; rules that explain, or that few links need, look at objects. Row and symbol are the same
 * thing: symbol `index` of input `file` is row `UNIT.atoms + index` of the unit of that input.
 */

import { elementAt, valueAt } from '../../bytes/index.ts';
import { ATOM, FAULT, Image, UNIT } from '../../image/index.ts';
import { type BpfObject, importObject, unitOf } from '../../object/index.ts';
import { REQUEST } from './request.ts';
import type { SymbolAt } from './symbol-at.ts';

/** Inputs as columns. Kernels take `request`: see `REQUEST`. */
export interface LinkColumns {
  readonly image: Image;
  /** Row of UNIT for each input. */
  readonly units: readonly number[];
  /** Word index of a block of `REQUEST.size` words. */
  readonly request: number;
}

/**
 * Objects as units of an image: those that were read into `image`, in this order and nothing between them, are used as
 * they are; else all are imported. Throws what `importObject` throws.
 */
export function columnsOf(objects: readonly BpfObject[], image: Image = new Image()): LinkColumns {
  const units = unitsIn(objects, image) ?? objects.map(object => importObject(image, object));
  return { image, units, request: makeRequest(image, units) };
}

/** Units that follow each other: kernels that compare types need that. */
function unitsIn(objects: readonly BpfObject[], image: Image): readonly number[] | undefined {
  const units: number[] = [];
  for (const object of objects) {
    const place = unitOf(object);
    const before = units.at(-1);
    if (place === undefined || place.image !== image) return undefined;
    if (before !== undefined && place.unit !== before + 1) return undefined;
    units.push(place.unit);
  }
  return units;
}

const NAMES = [
  [REQUEST.license, 'license'],
  [REQUEST.version, 'version'],
  [REQUEST.ksyms, '.ksyms'],
  [REQUEST.kconfig, '.kconfig'],
  [REQUEST.text, '.text'],
  [REQUEST.maps, '.maps'],
] as const;

function makeRequest(image: Image, units: readonly number[]): number {
  const names = NAMES.map(([word, text]) => [word, image.intern(text)] as const);
  const request = addWords(image, new Int32Array(REQUEST.size));
  const list = addWords(image, Int32Array.from(units));
  const { words } = image;
  words[request + REQUEST.units] = list;
  words[request + REQUEST.count] = units.length;
  for (const [word, name] of names) words[request + word] = name;
  return request;
}

/** Copies words into the image; returns the index of the first. */
export function addWords(image: Image, words: Int32Array): number {
  const at = image.add(new Uint8Array(words.buffer, words.byteOffset, words.byteLength)) >> 2;
  return at;
}

/** Row of a symbol. */
export function rowOf({ image, units }: LinkColumns, { file, index }: SymbolAt): number {
  return image.get(UNIT.atoms, elementAt(units, file)) + index;
}

/** The symbols of rows. */
export class RowPlaces {
  readonly #image: Image;
  readonly #files: ReadonlyMap<number, number>;

  constructor({ image, units }: Pick<LinkColumns, 'image' | 'units'>) {
    this.#image = image;
    this.#files = new Map(units.map((unit, file) => [unit, file]));
  }

  at(row: number): SymbolAt {
    const unit = this.#image.get(ATOM.unit, row);
    return { file: valueAt(this.#files, unit), index: row - this.#image.get(UNIT.atoms, unit) };
  }
}

/** Operands of the faults of one number that kernels add while `body` runs. */
export function faultsOf(
  image: Image,
  code: number,
  body: () => void,
): readonly { readonly a: number; readonly b: number }[] {
  const before = Math.max(1, image.count(FAULT));
  body();
  const count = Math.max(0, image.count(FAULT) - before);
  return Array.from({ length: count }, (_, at) => before + at)
    .filter(row => image.get(FAULT.code, row) === code)
    .map(row => ({ a: image.get(FAULT.a, row), b: image.get(FAULT.b, row) }));
}
