/**
 * What a generation is built from: the running one, options, settings; and what of it is the same as before.
 */

import type { Sys } from '../../kernel/index.ts';
import type { LoadOptions, OptimizeSetting } from '../../load/index.ts';
import {
  type FreshNames,
  type MapIdentity,
  mapKey,
  partKey,
  type SettingsByOwner,
} from '../../state/index.ts';
import { isSlotArray } from '../providers/index.ts';
import { type Design, isSame, isSameFill, type SlotFill } from './design.ts';
import type { Generation } from './generation.ts';

/** How the programs of a rootlet are loaded; the same for every generation. */
export type GenerationOptions = Pick<
  LoadOptions,
  | 'globals'
  | 'maxEntries'
  | 'kernelTypes'
  | 'kernelFacts'
  | 'logLevel'
  | 'pinRoot'
  | 'btfPath'
  | 'kconfig'
  | 'limits'
>;

export interface BuildContext {
  readonly sys: Sys;
  /** Without values and sizes, which are in `settings`. */
  readonly options: Omit<GenerationOptions, 'globals' | 'maxEntries'>;
  /** The rootlet's program. */
  readonly main: string;
  /** The generation that runs; undefined for the first one. */
  readonly old: Generation | undefined;
  /** What begins with new contents on request. */
  readonly fresh: FreshNames;
  /** Values and sizes of the next generation, by component; '' for the rootlet. */
  readonly settings: SettingsByOwner;
  /** Those of them that this change gives. */
  readonly given: SettingsByOwner;
  /** How code is optimized, where that was given now or for an earlier generation. */
  readonly optimize?: OptimizeSetting | undefined;
  /** Component → component of another name whose slot and state it takes over. */
  readonly adopted: ReadonlyMap<string, string>;
}

// --- identities ---------------------------------------------------------------------------------------------------

/** The fill of the running generation that has the same code: same component, same file. */
export function unchangedFill(old: Generation | undefined, fill: SlotFill): SlotFill | undefined {
  return old?.design.fills.find(before => before.component === fill.component && isSameFill(before, fill));
}

/** Whether the file of a part, and what was set for it, are those of the running generation. */
export function isUnchanged(
  { old, given }: BuildContext,
  design: Design,
  { owner, version }: Pick<MapIdentity, 'owner' | 'version'>,
): boolean {
  if (old === undefined || given.has(owner === null ? '' : partKey(owner, version))) return false;
  if (owner === null) return isSame(old.design.rootlet, design.rootlet);
  const fill = design.fills.find(one => one.component === owner && one.version === version);
  return fill !== undefined && unchangedFill(old, fill) !== undefined;
}

/** Whether the change asks for new contents of a map. */
export function isFresh({ fresh }: BuildContext, identity: MapIdentity): boolean {
  return !isSlotArray(identity) && fresh.covers(identity);
}

/** The map of the running generation that one of the next generation inherits from. */
export function previousIn({ old, adopted }: BuildContext, design: Design, identity: MapIdentity) {
  if (old === undefined || isSlotArray(identity)) return undefined;
  const { owner, name, version } = identity;
  if (owner === null) return old.previous(mapKey(identity));
  const fill = design.fills.find(one => one.component === owner && one.version === version);
  const same = fill === undefined ? undefined : unchangedFill(old, fill);
  const before = adopted.get(owner) ?? owner;
  const keys = [
    ...(same?.version === undefined ? [] : [mapKey({ owner, name, version: same.version })]),
    mapKey({ owner: before, name }),
  ];
  return keys.map(key => old.previous(key)).find(found => found !== undefined);
}
