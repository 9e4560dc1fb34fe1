/** What kernels that check types know of the value of a type. */
export const VALUE = {
  unseen: 0,
  /** Its parts are being looked at. */
  entered: 1,
  /** Void, functions and forward declarations. */
  noSize: 2,
  sized: 3,
  /** It takes 4 GiB or more. */
  huge: 4,
} as const;

/** Columns of `check-values.kernel.ts`. */
export const VALUE_COLUMNS = 5;
