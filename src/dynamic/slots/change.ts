/**
 * A change of a rootlet, worked out before anything is built: the next design, its settings, and who inherits
 * from whom.
 */

import type { Sys } from '../../kernel/index.ts';
import type { OptimizeSetting } from '../../load/index.ts';
import { globalEntries } from '../../load/index.ts';
import type { BpfObject, InputObject } from '../../object/index.ts';
import {
  FreshNames,
  NO_SETTINGS,
  type Settings,
  type SettingsByOwner,
  variableNames,
} from '../../state/index.ts';
import {
  type BuildContext,
  changeDesign,
  componentOf,
  type Design,
  type Generation,
  type GenerationOptions,
  openChange,
  programNameOf,
  type SlotChange,
  slotNames,
  unchangedFill,
} from '../generation/index.ts';
import { isSlotArray } from '../providers/index.ts';
import { adoptions } from './adopt.ts';
import {
  assignSettings,
  carrySettings,
  changedSettings,
  flattened,
  type SettingsTarget,
} from './settings.ts';

export interface ChangeRequest {
  readonly sys: Sys;
  readonly old: Generation | undefined;
  readonly design: Design;
  /** The rootlet's own program; undefined: its only one. */
  readonly main: string | undefined;
  readonly change: SlotChange;
  readonly given: Settings;
  /** All settings, by component, instead of those in force and `given`. */
  readonly exact?: SettingsByOwner;
  readonly fresh: readonly string[];
  /** Undefined: that of the running generation. */
  readonly optimize?: OptimizeSetting;
  readonly options: BuildContext['options'];
}

export interface PreparedChange {
  readonly design: Design;
  readonly context: BuildContext;
  /** Settings that no longer fit anything, one sentence each. */
  readonly dropped: readonly string[];
}

/** Throws what is wrong with the change; of the kernel, only types of running maps are read. */
export function prepareChange(request: ChangeRequest): PreparedChange {
  const { sys, old, options } = request;
  const change = openChange(request.change);
  const { object: rootlet } = change.rootlet ?? request.design.rootlet;
  const main = nextMain(request, rootlet);
  const before = withMain(request.design, request.main, main);
  const design = changeDesign(before, change, { slots: slotNames(rootlet), main });
  const targets = targetsOf(change, design, rootlet);
  const assigned = assignSettings(
    request.exact === undefined ? request.given : flattened(request.exact),
    targets,
  );
  const given =
    request.exact === undefined ? assigned : changedSettings(old?.settings ?? new Map(), assigned);
  const fresh = new FreshNames(request.fresh);
  fresh.require(freshNames(old, targets), freshVariables(targets));
  const optimize = request.optimize ?? old?.optimize;
  const situation = { sys, options, main, old, fresh, given, optimize };
  const adopted = adoptions(situation, design, rootlet);
  const carried =
    request.exact === undefined
      ? carrySettings(old?.settings ?? new Map(), given, targets, owner => settingsBefore(old, design, owner))
      : { settings: assigned, dropped: [] };
  return { design, context: { ...situation, settings: carried.settings, adopted }, dropped: carried.dropped };
}

/** Another version of the rootlet may have its program under another name. */
function nextMain({ main, change }: ChangeRequest, rootlet: BpfObject): string {
  if (change.rootlet === undefined) return programNameOf(rootlet, main);
  const { program } = change;
  if (program !== undefined) return programNameOf(rootlet, program);
  const stays = rootlet.symbols.some(({ kind, name }) => kind === 'function' && name === main);
  return programNameOf(rootlet, stays ? main : undefined);
}

/** What fills the program fills that of the new version. */
function withMain(design: Design, before: string | undefined, after: string): Design {
  if (before === undefined || before === after) return design;
  return {
    ...design,
    fills: design.fills.map(fill => (fill.slot === before ? { ...fill, slot: after } : fill)),
  };
}

/** The rootlet and each version of each component. */
function targetsOf(change: SlotChange<InputObject>, design: Design, rootlet: BpfObject): SettingsTarget[] {
  const named = new Set((change.fill ?? []).map(({ slot }) => slot));
  const files = new Set((change.order ?? []).map(({ file }) => file));
  const targets = new Map<string, SettingsTarget>();
  for (const fill of design.fills) {
    const owner = componentOf(fill);
    const known = targets.get(owner);
    const putIn = named.has(fill.slot) || files.has(fill.file) || known?.putIn === true;
    const object = known?.object ?? fill.file.object;
    targets.set(owner, { owner, object, putIn });
  }
  return [{ owner: '', object: rootlet, putIn: change.rootlet !== undefined }, ...targets.values()];
}

/**
 * Whose settings a part takes over: those of the same code, else those of the component's current version.
 */
function settingsBefore(old: Generation | undefined, design: Design, owner: string): string {
  const fill = design.fills.find(one => componentOf(one) === owner);
  if (fill === undefined) return owner;
  const same = unchangedFill(old, fill);
  return same === undefined ? fill.component : componentOf(same);
}

/** Components and maps that `--fresh` can name. */
function freshNames(old: Generation | undefined, targets: readonly SettingsTarget[]): Set<string> {
  const states = [...(old?.states ?? [])].filter(([, state]) => !isSlotArray(state));
  const keys = states.map(([key]) => key);
  const names = states.map(([, { name }]) => name);
  return new Set([...keys, ...names, ...targets.flatMap(({ owner }) => (owner === '' ? [] : [owner]))]);
}

function freshVariables(targets: readonly SettingsTarget[]): Set<string> {
  return new Set(
    targets.flatMap(({ owner, object }) =>
      [...variableNames(object)].flatMap(name => (owner === '' ? [name] : [name, `${owner}:${name}`])),
    ),
  );
}

/** Values and sizes of options. */
export function settingsOf({
  globals,
  maxEntries,
}: Pick<GenerationOptions, 'globals' | 'maxEntries'>): Settings {
  return {
    globals: globals === undefined ? NO_SETTINGS.globals : new Map(globalEntries(globals)),
    maxEntries: maxEntries ?? NO_SETTINGS.maxEntries,
  };
}
