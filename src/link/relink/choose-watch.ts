/**
 * Whether a chain is watched: what its programs are, how many maps the kernel takes, and what their licenses
 * allow.
 */

import { counted, quote } from '../../diag/index.ts';
import { type BpfObject, programsOf, programTypeOf } from '../../object/index.ts';
import { MAX_MAPS, measureLimits } from '../passes/index.ts';
import { canTrace, canWatch } from '../watch/index.ts';
import type { ChainWatch } from './chain-options.ts';

interface Choice {
  readonly watch: ChainWatch | undefined;
  /** Why not; one sentence each. */
  readonly notes: readonly string[];
}

export const NOT_WATCHED: Choice = { watch: undefined, notes: [] };

interface Part {
  readonly object: BpfObject;
  readonly program?: string;
}

/** For the programs of `parts` in a chain of this section. */
export function chooseWatch(section: string, parts: readonly Part[]): Choice {
  const type = programTypeOf(section);
  if (type === undefined || !canWatch(type.progType))
    return {
      watch: undefined,
      notes: [`members are not counted: programs of section ${quote(section)} have no counters`],
    };
  const trace = parts.every(({ object }) => canTrace(object));
  const own = parts.reduce((total, part) => total + mapsOf(part), 0);
  const maps = own + parts.length + (trace ? 2 : 1);
  if (maps <= MAX_MAPS) return { watch: { trace }, notes: [] };
  const all = `members are not counted: the chain would use ${counted(maps, 'map')}`;
  return { watch: undefined, notes: [`${all}, and the kernel allows ${MAX_MAPS}`] };
}

/** Maps of the program, sections of variables among them. */
function mapsOf({ object, program }: Part): number {
  const name = program ?? programsOf(object)[0]?.program.name;
  const own = measureLimits(object).find(limits => limits.program === name);
  return own === undefined ? 0 : own.maps.used;
}
