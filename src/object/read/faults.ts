/**
 * What the kernels of this layer refuse, by number. `a` to `e` are operands; "offset" is one in the section that is
 * read, "place" of code an instruction slot of its function. Texts: `src/object/read/explain.ts`.
 */

export const OBJECT_FAULT = {
  /** Cutting. a: row of SECTION. */
  mapsNobits: 300,
  /** a: row of SECTION, b and c: rows of SYMBOL, the first 0 for none. */
  overlap: 301,
  /** a: row of SECTION, b: row of SYMBOL, c: offset, d: bytes. */
  functionExtent: 302,
  /** a: row of SECTION. */
  stringSection: 303,
  /** a: row of SYMBOL. */
  absoluteSymbol: 304,

  /** Relocations. a: row of SECTION, b: offset. */
  relocationDuplicate: 310,
  relocationPlace: 311,
  /** a: row of ATOM, b: offset, c: type of the relocation. */
  relocationHelper: 312,
  relocationHalf: 313,
  relocationData: 314,
  /** a: row of ATOM, b: offset, c: type of the relocation, d: opcode. */
  relocationOpcode: 315,
  /** a: row of ATOM, b: place, c: opcode, -1 for none. */
  secondHalf: 316,
  /** a: row of ATOM, b: place. */
  addressAddend: 317,
  /** a: row of ATOM, b: offset, c: low and d: high word of the addend. */
  dataAddend: 318,
  /** a: row of ATOM, b: offset, c: row of ATOM that is called. */
  callData: 319,
  /** a: row of ATOM, b: offset, c: row of ATOM, d: addend, e: REFERENCE.high. */
  callAddend: 320,
  loadAddend: 321,
  callInside: 322,
  /** a: row of ATOM, b: offset, c: row of SYMBOL. */
  dropped: 324,
  /** a: row of ATOM, b: offset, c: row of SYMBOL, d: low and e: high word of where it leads. */
  nowhere: 325,

  /** The code of one function; others are not affected. a: row of ATOM, b: place. */
  jumpOutside: 340,
  calleeNowhere: 341,
  /** a: row of ATOM, b: place, c: row of ATOM that is called, d: offset in it. */
  calleeInside: 342,
  /** As `secondHalf`. */
  cutInsn: 343,

  /** The object. a: row of ATOM. */
  untypedMap: 360,
  licensePointer: 361,
  licenseUnterminated: 362,
} as const;

/** The first and last number of faults that belong to one function. */
export const FUNCTION_FAULTS = { first: 340, last: 343 } as const;
