/** What kernels of links report, with their operands: see `fault` of the image. */

export const LINK_FAULT = {
  /** Unit; its row of SHELL, the row of the result. */
  role: 400,
  /** Row of SHELL of the result. */
  size: 401,
  /** Unit; row of ATOM that holds the reference, row of REFERENCE. */
  addend: 402,
  /** Unit; row of ATOM that holds the reference, row of REFERENCE. */
  reference: 403,
  /** Row of GROUP, and of its member, that does not agree by its type alone. */
  agreement: 404,
} as const;
