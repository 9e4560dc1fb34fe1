/** Equal strings of mergeable sections (`.rodata.str1.1`) become one. */

import type { LinkColumns } from '../resolve/index.ts';
import * as kernels from './strings.kernel.ts';

/**
 * Makes the first of equal strings of the same alignment and section of the result the target of the others. Only
 * anonymous pieces of sections that allow merging are considered, and only those that are kept.
 */
export function markDuplicateStrings({ image, request }: LinkColumns): void {
  image.run(kernels).markDuplicates(request);
}
