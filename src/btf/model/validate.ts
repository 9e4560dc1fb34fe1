/**
 * The rules of types, for types that are built here or come from objects: they are checked in an image of their
 * own. `check.kernel.ts` says what the rules are.
 */

import { FAULT, Image } from '../../image/index.ts';
import * as checks from './check-types.kernel.ts';
import { importTypes, refusalSince } from './columns.ts';
import { typeRuleError } from './explain.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';

/** Checks all rules. Throws for the type with the lowest id that breaks one; types in cycles come last. */
export function validateTypes(btf: RawBtf): void {
  validateFrom(btf, 1);
}

/** Checks the types from `first` on alone. They must not be part of others: data sections are not. */
export function validateFrom(btf: RawBtf, first: BtfId): void {
  const image = new Image();
  try {
    const unit = image.addUnit('');
    importTypes(image, unit, btf);
    const known = image.count(FAULT);
    image.run(checks).checkTypes(unit, first);
    const refusal = refusalSince(image, known);
    if (refusal !== undefined) throw typeRuleError(image, btf, refusal);
  } finally {
    image.release();
  }
}
