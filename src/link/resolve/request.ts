/**
 * What kernels of a link are given: words of one block in the image, by these numbers. In one place, because all
 * kernels of a link take the word index of such a block.
 */

export const REQUEST = {
  /** Word index of a list of rows of UNIT, in order of inputs. */
  units: 0,
  /** Number of them. */
  count: 1,
  /** Word index of the scope of each unit; 0: all share scope 0. */
  scopes: 2,
  /** Word index of a table by NAME, in which 1 means that all scopes share the name; 0: none is shared. */
  shared: 3,
  /** NAMEs of sections and strings that rules ask for. */
  license: 4,
  version: 5,
  ksyms: 6,
  kconfig: 7,
  text: 8,
  maps: 9,
  /** First row of GROUP of this link, and the one after the last. */
  firstGroup: 10,
  endGroup: 11,
  /** Row of UNIT of the result. */
  result: 12,
  /** 1: the result is to be linked again. */
  partial: 13,
  /** Rows of REFERENCE and RECORD for the next atom of the result. */
  nextReference: 14,
  nextRecord: 15,
  /** 1: TYPE.same is filled. */
  compared: 16,
  /** Number of words. */
  size: 20,
} as const;

/** Scope of the names that the kernel resolves. */
export const KERNEL_SCOPE = -1;
/** Scope of names that components share on request. */
export const SHARED_SCOPE = -2;
