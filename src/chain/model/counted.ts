/**
 * The object of a member that is loaded as a program of its own, with its counters. Separate because back ends that
 * do not link share it; records keep the file as it was given.
 */

import { quote } from '../../diag/index.ts';
import { withCounters } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { DesignMember } from './design.ts';

/** What is loaded of a member. */
export interface LoadedMember {
  readonly object: BpfObject;
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** A member that cannot be counted runs without counters, with a note. `wanted`: whether the chain has counters. */
export function countedMember(
  object: BpfObject,
  { name, program }: Pick<DesignMember, 'name' | 'program'>,
  wanted: boolean,
): LoadedMember {
  if (!wanted) return { object, notes: [] };
  const counted = withCounters(object, program);
  if (counted.ok) return { object: counted.value, notes: [] };
  const { message } = counted.problem;
  return { object, notes: [`member ${quote(name)} runs without counters: ${message}`] };
}
