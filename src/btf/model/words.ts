/**
 * The word level of a BTF type section: where a type keeps its references and its names.
 *
 * A type is a run of 32-bit words: name offset, info, size-or-type, then what its kind adds. For every kind,
 * both the references to other types and the names are at `first + n * stride`, so one table describes all of
 * them and whole-section passes (validation, merge, renumbering) need neither a switch nor decoded objects.
 *
 * The info word is read in the widest form that is unambiguous: vlen in bits 0 to 23 and kind in bits 24 to
 * 30. The
 * older form (vlen 16 bits, kind 5 bits) has zeros in the bits between.
 *
 * `?? 0` after an index: a kind outside of the table is not known, and the info word of a type that is cut
 * off is 0.
 */

import { BTF_KIND, byBtfKind } from '../../uapi/index.ts';
export const INFO = 1;
export const SIZE_OR_TYPE = 2;
/** Words that every type has: name, info, size or type. */
export const COMMON_WORDS = 3;

const VLEN_MASK = 0xffffff;
const KIND_MASK = 0x7f;

export function infoWord(kind: number, vlen: number, kindFlag: boolean): number {
  return ((kindFlag ? 0x80000000 : 0) | (kind << 24) | vlen) >>> 0;
}

export function kindOfInfo(info: number): number {
  return (info >>> 24) & KIND_MASK;
}

export function vlenOfInfo(info: number): number {
  return info & VLEN_MASK;
}

export function kindFlagOfInfo(info: number): boolean {
  return info >>> 31 === 1;
}

/** How the words after the common three are used by one kind. */
interface Shape {
  /** Words after the common three that do not depend on vlen. */
  readonly fixed: number;
  /** Words per element of vlen. */
  readonly perElement: number;
  /**
   * First word that holds a type id, distance between two, and how many: `count + vlen * countPerElement`.
   */
  readonly refFirst: number;
  readonly refStride: number;
  readonly refCount: number;
  readonly refPerElement: number;
  /** First word with the name of an element, 0 when elements have none; the distance is `perElement`. */
  readonly elementName: number;
}

const NO_REFS = { refFirst: 0, refStride: 1, refCount: 0, refPerElement: 0 };
const ONE_REF = { refFirst: SIZE_OR_TYPE, refStride: 1, refCount: 1, refPerElement: 0 };

function shape(part: Partial<Shape>): Shape {
  return { fixed: 0, perElement: 0, elementName: 0, ...NO_REFS, ...part };
}

const REFERENCE_ONLY = shape(ONE_REF);
const MEMBERS = shape({ perElement: 3, elementName: 3, refFirst: 4, refStride: 3, refPerElement: 1 });

const SHAPE_OF_KIND = {
  [BTF_KIND.INT]: shape({ fixed: 1 }),
  [BTF_KIND.PTR]: REFERENCE_ONLY,
  [BTF_KIND.ARRAY]: shape({ fixed: 3, refFirst: 3, refCount: 2 }),
  [BTF_KIND.STRUCT]: MEMBERS,
  [BTF_KIND.UNION]: MEMBERS,
  [BTF_KIND.ENUM]: shape({ perElement: 2, elementName: 3 }),
  [BTF_KIND.FWD]: shape({}),
  [BTF_KIND.TYPEDEF]: REFERENCE_ONLY,
  [BTF_KIND.VOLATILE]: REFERENCE_ONLY,
  [BTF_KIND.CONST]: REFERENCE_ONLY,
  [BTF_KIND.RESTRICT]: REFERENCE_ONLY,
  [BTF_KIND.FUNC]: REFERENCE_ONLY,
  // Return type at word 2, parameter types at words 4, 6, 8: one arithmetic progression.
  [BTF_KIND.FUNC_PROTO]: shape({
    perElement: 2,
    elementName: 3,
    refFirst: 2,
    refStride: 2,
    refCount: 1,
    refPerElement: 1,
  }),
  [BTF_KIND.VAR]: shape({ ...ONE_REF, fixed: 1 }),
  [BTF_KIND.DATASEC]: shape({ perElement: 3, refFirst: 3, refStride: 3, refPerElement: 1 }),
  [BTF_KIND.FLOAT]: shape({}),
  [BTF_KIND.DECL_TAG]: shape({ ...ONE_REF, fixed: 1 }),
  [BTF_KIND.TYPE_TAG]: REFERENCE_ONLY,
  [BTF_KIND.ENUM64]: shape({ perElement: 3, elementName: 3 }),
};
const SHAPES = byBtfKind<Shape>(SHAPE_OF_KIND);

/** First bit of each part of a packed shape, for kernels; all parts but the last are 3 bits wide. */
export const SHAPE_BIT = {
  base: 0,
  perElement: 3,
  refFirst: 6,
  refStride: 9,
  refCount: 12,
  refPerElement: 15,
  elementName: 18,
} as const;

function packed(shape: Shape): number {
  return (
    (COMMON_WORDS + shape.fixed) |
    (shape.perElement << SHAPE_BIT.perElement) |
    (shape.refFirst << SHAPE_BIT.refFirst) |
    (shape.refStride << SHAPE_BIT.refStride) |
    (shape.refCount << SHAPE_BIT.refCount) |
    (shape.refPerElement << SHAPE_BIT.refPerElement) |
    (shape.elementName << SHAPE_BIT.elementName)
  );
}

/** Shapes of kinds as packed words: `base` are the words without elements. See `shapes.kernel.ts`. */
export const KIND_SHAPE = {
  INT: packed(SHAPE_OF_KIND[BTF_KIND.INT]),
  PTR: packed(SHAPE_OF_KIND[BTF_KIND.PTR]),
  ARRAY: packed(SHAPE_OF_KIND[BTF_KIND.ARRAY]),
  STRUCT: packed(SHAPE_OF_KIND[BTF_KIND.STRUCT]),
  UNION: packed(SHAPE_OF_KIND[BTF_KIND.UNION]),
  ENUM: packed(SHAPE_OF_KIND[BTF_KIND.ENUM]),
  FWD: packed(SHAPE_OF_KIND[BTF_KIND.FWD]),
  TYPEDEF: packed(SHAPE_OF_KIND[BTF_KIND.TYPEDEF]),
  VOLATILE: packed(SHAPE_OF_KIND[BTF_KIND.VOLATILE]),
  CONST: packed(SHAPE_OF_KIND[BTF_KIND.CONST]),
  RESTRICT: packed(SHAPE_OF_KIND[BTF_KIND.RESTRICT]),
  FUNC: packed(SHAPE_OF_KIND[BTF_KIND.FUNC]),
  FUNC_PROTO: packed(SHAPE_OF_KIND[BTF_KIND.FUNC_PROTO]),
  VAR: packed(SHAPE_OF_KIND[BTF_KIND.VAR]),
  DATASEC: packed(SHAPE_OF_KIND[BTF_KIND.DATASEC]),
  FLOAT: packed(SHAPE_OF_KIND[BTF_KIND.FLOAT]),
  DECL_TAG: packed(SHAPE_OF_KIND[BTF_KIND.DECL_TAG]),
  TYPE_TAG: packed(SHAPE_OF_KIND[BTF_KIND.TYPE_TAG]),
  ENUM64: packed(SHAPE_OF_KIND[BTF_KIND.ENUM64]),
} as const;

/** The packed shape of each kind number; 0 for kinds that are not known. */
export const KIND_SHAPE_OF = new Uint32Array(KIND_MASK + 1);
for (const [kind, entry] of SHAPES) KIND_SHAPE_OF[kind] = packed(entry);

function column(pick: (shape: Shape) => number): Uint8Array {
  const values = new Uint8Array(KIND_MASK + 1);
  for (const [kind, entry] of SHAPES) values[kind] = pick(entry);
  return values;
}

const PER_ELEMENT = column(entry => entry.perElement);
const REF_FIRST = column(entry => entry.refFirst);
const REF_STRIDE = column(entry => entry.refStride);
const REF_COUNT = column(entry => entry.refCount);
const REF_PER_ELEMENT = column(entry => entry.refPerElement);
const ELEMENT_NAME = column(entry => entry.elementName);

/** First word, counted from the start of the type, that holds a type id. */
export function firstReference(kind: number): number {
  return REF_FIRST[kind] ?? 0;
}

/** Words between two type ids. */
export function referenceStride(kind: number): number {
  return REF_STRIDE[kind] ?? 1;
}

/** How many type ids a type with this kind and vlen holds. */
export function referenceCount(kind: number, vlen: number): number {
  return (REF_COUNT[kind] ?? 0) + (REF_PER_ELEMENT[kind] ?? 0) * vlen;
}

/** First word with the name of a member, enumerator or parameter; 0 when the kind has none. */
export function firstElementName(kind: number): number {
  return ELEMENT_NAME[kind] ?? 0;
}

/** Words per member, enumerator, parameter or variable. */
export function elementWords(kind: number): number {
  return PER_ELEMENT[kind] ?? 0;
}
