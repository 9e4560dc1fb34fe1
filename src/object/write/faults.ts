/** What the kernels that write an object refuse, by number. Texts: `src/object/write/explain.ts`. */

export const WRITE_FAULT = {
  /** a: row of SHELL. */
  sectionSize: 370,
  fileSize: 372,
  /** a: offset in a section, b: row of ATOM that is referred to and has no symbol. */
  noSymbol: 373,
  /** a: row of ATOM, b: place in it. */
  referencePlace: 374,
  /** a: NAME of a DATASEC, b: BtfId in the types that are written. */
  variableKind: 375,
  /** a: row of ATOM, b: BtfId. */
  typeId: 376,
  /** a: NAME of a DATASEC, b: number of variables. */
  variableCount: 377,
  /** A DATASEC without a name. a: row of ATOM that is in it. */
  sectionName: 378,
} as const;
