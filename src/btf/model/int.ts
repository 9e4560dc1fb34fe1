/**
 * The type `int`, for types that are built here. Separate from the builder, which knows no particular types.
 */

import type { BtfInt } from './types.ts';

/** `int` of C. */
export const INT: BtfInt = {
  kind: 'int',
  name: 'int',
  size: 4,
  bits: 32,
  bitOffset: 0,
  signed: true,
  char: false,
  bool: false,
};
