/** Optimization of whole programs. */

import type { BpfObject } from '../../object/index.ts';
import type { Optimized, OptimizeOptions } from './options.ts';

/** Optimizes the programs of an object. */
export function optimize(object: BpfObject, options: OptimizeOptions = {}): Optimized {
  return { object, report: { inline: options.inline ?? 'single', programs: [], removed: [] } };
}
