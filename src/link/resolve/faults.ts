/** What kernels of links report, with their operands: see `fault` of the image. */

export const LINK_FAULT = {
  /** Unit; its row of SHELL, the row of the result. */
  role: 400,
  /** Row of SHELL of the result. */
  size: 401,
  /** Unit; row of ATOM that holds the reference, row of REFERENCE. */
  addend: 402,
  /** Unit; its position among the inputs: a reference in it may be wrong. */
  reference: 403,
  /** Rows of ATOM: a winner, and a symbol of its name that does not agree by its type alone. */
  agreement: 404,
  /** Rows of ATOM: a winner, and a symbol of its name; one of them may have no type. */
  unchecked: 405,
  /** Row of GROUP that nothing defines. */
  undefined: 406,
  /** Row of GROUP whose winner is a map that overrides other definitions. */
  overriding: 407,
} as const;
