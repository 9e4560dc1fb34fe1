/** Leftovers of killed processes in an entry, and what a new generation replaces. */

import { dirname } from 'node:path';
import type { Sys } from '../kernel/index.ts';
import type { Directory } from './directory.ts';
import { type EntryLayout, linkComponents, NEXT, removeGeneration } from './layout.ts';
import { COMPONENTS } from './names.ts';

/** Paths of generations that this process makes: none of them counts yet, and none is left over. */
const building = new Set<string>();

/** Runs `body` while the generation at `path` is being made. */
export function whileBuilding<T>(path: string, body: () => T): T {
  building.add(path);
  try {
    return body();
  } finally {
    building.delete(path);
  }
}

/** Generations that do not count. */
export function surplusOf(entry: Directory, { current, generations }: EntryLayout): readonly number[] {
  return generations.filter(
    generation => generation !== current && !building.has(`${entry.path}/${generation}`),
  );
}

/** Whether there is anything to remove. An entry whose links lead elsewhere is left as it is. */
export function isLeftOver(entry: Directory, layout: EntryLayout): boolean {
  if (layout.untrusted.length > 0) return false;
  if (surplusOf(entry, layout).length > 0) return true;
  if (isBuilding(entry)) return false;
  const empty = layout.current === 0 && layout.unknown.length === 0;
  return empty || layout.links.has(NEXT) || layout.links.has(COMPONENTS) !== layout.hasComponents;
}

/** Removes all but the generation that counts, and the links that do not belong to it. */
export function removeRest(sys: Sys, entry: Directory, layout: EntryLayout): void {
  for (const generation of surplusOf(entry, layout)) removeGeneration(sys, entry, generation);
  if (isBuilding(entry)) return;
  entry.removeLink(NEXT);
  if (layout.hasComponents) linkComponents(entry);
  else entry.removeLink(COMPONENTS);
}

function isBuilding(entry: Directory): boolean {
  return [...building].some(path => dirname(path) === entry.path);
}
