/** Sizes of maps that depend on the machine. */

import { pageSize, possibleCpus } from '../../kernel/index.ts';
import { kernelEntries } from '../../object/index.ts';
import type { MapPlan } from './plan.ts';

/** max_entries for the kernel: where it is left to the machine, one for each CPU; rings in whole pages. */
export function maxEntriesOf(plan: MapPlan): number {
  return kernelEntries(plan, { pageSize: pageSize(), cpus: possibleCpus() });
}
