/** Whether two designs are the same chain: nothing would change. */

import { isSameValue } from '../../dynamic/index.ts';
import { isSameOptimizeSetting, OPTIMIZED, type OptimizeSetting } from '../../load/index.ts';
import { type Settings, sameBytes } from '../../state/index.ts';
import type { ChainDesign, DesignMember } from './design.ts';

/** How the programs of a chain are optimized. */
export function optimizationOf({ optimize = OPTIMIZED }: ChainDesign): OptimizeSetting {
  return optimize;
}

/** Whether members are built with counters. */
export function hasCounters({ counters }: ChainDesign): boolean {
  return counters !== false;
}

export function isSameDesign(a: ChainDesign, b: ChainDesign): boolean {
  if (a.failClosed !== b.failClosed || hasCounters(a) !== hasCounters(b)) return false;
  if (!isSameOptimizeSetting(optimizationOf(a), optimizationOf(b))) return false;
  if (a.members.length !== b.members.length) return false;
  return a.members.every((member, at) => {
    const other = b.members[at];
    return other !== undefined && isSameMember(member, other);
  });
}

/** The same code under the same name with the same rules and settings. */
export function isSameMember(a: DesignMember, b: DesignMember): boolean {
  return (
    a.name === b.name &&
    a.program === b.program &&
    a.priority === b.priority &&
    a.given.priority === b.given.priority &&
    a.given.continueOn === b.given.continueOn &&
    isSameValue(a.continueOn, b.continueOn) &&
    isSameCode(a, b) &&
    isSameSettings(a.settings, b.settings)
  );
}

/** Two readings of one file, or programs that another tool loaded. */
export function isSameCode(a: DesignMember, b: DesignMember): boolean {
  if (a.file === null || b.file === null) return a.file === b.file && a.loaded === b.loaded;
  return sameBytes(a.file.bytes, b.file.bytes);
}

export function isSameSettings(a: Settings, b: Settings): boolean {
  return isSameMap(a.globals, b.globals) && isSameMap(a.maxEntries, b.maxEntries);
}

function isSameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.has(name) && isSameValue(value, b.get(name)));
}
