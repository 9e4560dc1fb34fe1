/**
 * A `BpfObject` made of columns, each part when it is first asked for.
 *
 * Linking reads, merges and writes columns; an object is for those who look at it or edit it. Its parts are
 * copies: once all were asked for, the image is let go.
 */

import type { Btf } from '../../btf/index.ts';
import { argumentError } from '../../diag/index.ts';
import { type Image, UNIT } from '../../image/index.ts';
import { btfOfUnit, shellsOf } from './from-columns.ts';
import type { BpfObject, BpfSymbol, SectionShell } from './model.ts';
import { symbolsOf } from './symbols-of.ts';
import { extrasOf } from './unit-extras.ts';

/** Where the columns of an object are. */
export interface UnitPlace {
  readonly image: Image;
  readonly unit: number;
}

const partsOf = new WeakMap<BpfObject, Parts>();

/** The columns that an object was made of; undefined once all of it was asked for, and for edited objects. */
export function unitOf(object: BpfObject): UnitPlace | undefined {
  return partsOf.get(object)?.place;
}

/** The object of a unit whose columns are complete. They must not change until its parts were asked for. */
export function objectOf(image: Image, unit: number): BpfObject {
  const { notes, faults } = extrasOf(image, unit);
  const whole: WholeObject = {
    name: image.unitName(unit),
    byteOrder: image.get(UNIT.order, unit) === 1 ? 'big' : 'little',
    flags: image.get(UNIT.flags, unit) >>> 0,
  };
  const object = withParts(whole);
  if (notes.length > 0) Object.assign(object, { notes });
  if (faults.length > 0) Object.assign(object, { faults });
  partsOf.set(object, new Parts({ image, unit }));
  return object;
}

/** What is not made on demand. */
type WholeObject = Pick<BpfObject, 'name' | 'byteOrder' | 'flags'>;

/**
 * Own properties that get the parts. The functions are the same for all objects: with functions of its own an object
 * would have a shape of its own, which takes an engine more memory than the object.
 */
const PARTS: PropertyDescriptorMap = {
  sections: {
    get(this: BpfObject) {
      return partOf(this).sections;
    },
    enumerable: true,
    configurable: true,
  },
  symbols: {
    get(this: BpfObject) {
      return partOf(this).symbols;
    },
    enumerable: true,
    configurable: true,
  },
  btf: {
    get(this: BpfObject) {
      return partOf(this).btf;
    },
    enumerable: true,
    configurable: true,
  },
};

function withParts(whole: WholeObject): BpfObject {
  return Object.defineProperties(whole, PARTS) as BpfObject; // it has those properties now
}

function partOf(object: BpfObject): Parts {
  const parts = partsOf.get(object);
  if (parts === undefined) throw argumentError('objectOf', 'an object of columns', object);
  return parts;
}

/** The parts of one object. */
class Parts {
  #place: UnitPlace | undefined;
  #sections: readonly SectionShell[] | undefined;
  #symbols: readonly BpfSymbol[] | undefined;
  #btf: Btf | null | undefined;

  constructor(place: UnitPlace) {
    this.#place = place;
  }

  get place(): UnitPlace | undefined {
    return this.#place;
  }

  get sections(): readonly SectionShell[] {
    if (this.#sections === undefined) {
      this.#sections = shellsOf(this.#columns());
      this.#letGo();
    }
    return this.#sections;
  }

  get symbols(): readonly BpfSymbol[] {
    if (this.#symbols === undefined) {
      this.#symbols = symbolsOf(this.#columns());
      this.#letGo();
    }
    return this.#symbols;
  }

  get btf(): Btf | null {
    if (this.#btf === undefined) {
      this.#btf = btfOfUnit(this.#columns());
      this.#letGo();
    }
    return this.#btf;
  }

  #columns(): UnitPlace {
    if (this.#place !== undefined) return this.#place;
    throw argumentError('objectOf', 'columns of an object', undefined);
  }

  #letGo(): void {
    if (this.#sections !== undefined && this.#symbols !== undefined && this.#btf !== undefined)
      this.#place = undefined;
  }
}
