/**
 * What the back ends of re-linking share: planning and loading the objects of a generation on the maps of the one that
 * runs, and putting a generation together.
 */

import type { BpfMap } from '../kernel/map.ts';
import type { BpfProgram } from '../kernel/program.ts';
import type { Sys } from '../kernel/sys.ts';
import type { AttachTarget } from '../load/execute-programs.ts';
import {
  type Cleanup,
  DEFAULT_PIN_ROOT,
  dataMapName,
  executePlan,
  kernelName,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  prepareLoad,
} from '../load/index.ts';
import { globalsKind } from '../load/plan-maps.ts';
import type { BpfObject, ProgramTypeInfo } from '../object/index.ts';
import { componentName } from '../state/heirs.ts';
import {
  type DroppedMap,
  duplicateMap,
  type FreshNames,
  type MapDecision,
  type MapIdentity,
  mapKey,
  NO_SETTINGS,
  type PlannedState,
  partKey,
  pinReused,
  planState,
  planWithState,
  previousOf,
  reuseOf,
  type SettingsByOwner,
  StateTransfer,
  type StoredState,
  storedStates,
} from '../state/index.ts';
import { type Design, isSame, type SlotFill } from './relink-design.ts';
import { duplicateProgram, Generation, type GenerationParts } from './relink-generation.ts';
import { KCONFIG, type Prepared } from './relink-prepare.ts';
import { loaderSettings, qualifiedName } from './relink-settings.ts';
import { SLOT_ARRAY } from './tail-slots.ts';

/** How the programs of a rootlet are loaded; the same for every generation. */
export type GenerationOptions = Pick<
  LoadOptions,
  'globals' | 'maxEntries' | 'kernelTypes' | 'kernelFacts' | 'logLevel' | 'pinRoot' | 'btfPath' | 'kconfig'
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
  /** Component → component of another name whose slot and state it takes over. */
  readonly adopted: ReadonlyMap<string, string>;
}

// --- identities ---------------------------------------------------------------------------------------------------

/** The fill of the running generation that has the same code: same component, same file. */
export function unchangedFill(old: Generation | undefined, fill: SlotFill): SlotFill | undefined {
  return old?.design.fills.find(
    before => before.component === fill.component && isSame(before.file, fill.file),
  );
}

/** Whether the file of a part, and what was set for it, are those of the running generation. */
export function isUnchanged(
  { old, given }: BuildContext,
  design: Design,
  { owner, version }: Pick<MapIdentity, 'owner' | 'version'>,
): boolean {
  if (old === undefined || given.has(owner ?? '')) return false;
  if (owner === null) return isSame(old.design.rootlet, design.rootlet);
  const fill = design.fills.find(one => one.component === owner && one.version === version);
  return fill !== undefined && unchangedFill(old, fill) !== undefined;
}

/** The map of the running generation that one of the next generation inherits from. */
export function previousIn({ old, adopted }: BuildContext, design: Design, identity: MapIdentity) {
  if (old === undefined || identity.name === SLOT_ARRAY) return undefined;
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

// --- one object ---------------------------------------------------------------------------------------------------

export interface PartRequest {
  readonly object: BpfObject;
  /** Programs that are loaded, besides those that arrays hold. */
  readonly programs: readonly string[];
  readonly states: readonly PlannedState[];
  /** What the object consists of, for the settings of each. */
  readonly members: readonly Prepared[];
  /** Components whose arrays keep the programs that they hold (`partKey`). */
  readonly keepsStages?: ReadonlySet<string>;
  /** Type of a program, where its section does not say it, or says another one. */
  readonly typeOf?: (name: string, section: string) => ProgramTypeInfo | undefined;
  /** Functions that programs replace; known when the part is loaded. */
  readonly targets?: ReadonlyMap<string, () => AttachTarget>;
  /** Name of a loaded program in the generation. */
  readonly keyOf: (program: string) => string;
}

/** What will be loaded, and on which maps. Nothing is created yet. */
export interface PlannedPart {
  readonly request: PartRequest;
  readonly plan: LoadPlan;
  readonly decisions: ReadonlyMap<string, MapDecision>;
}

/** One object of a generation in the kernel. */
export interface LoadedPart extends PlannedPart {
  readonly loaded: LoadedObject;
  /** By `mapKey`. */
  readonly states: ReadonlyMap<string, { readonly state: StoredState; readonly map: BpfMap }>;
  close(): void;
}

export function planPart(context: BuildContext, design: Design, request: PartRequest): PlannedPart {
  const { object, states, members } = request;
  const { plan } = prepareLoad(object, context.sys, {
    ...context.options,
    ...settingsFor(context, members, states),
    kernelNames: kernelNames(members, states),
    programs: name => request.programs.includes(name),
    ...(request.typeOf === undefined ? {} : { typeOf: request.typeOf }),
    ...(request.targets === undefined ? {} : { targets: placeholders(request.targets) }),
  });
  const decisions = planState({
    sys: context.sys,
    plan,
    states,
    previous: identity => previousIn(context, design, identity),
    unchanged: identity => isUnchanged(context, design, identity),
    keepsPrograms: ({ owner, version }) =>
      owner !== null && request.keepsStages?.has(partKey(owner, version)) === true,
    fresh: context.fresh.covers,
    freshVariable: ({ owner }, variable) => context.fresh.coversVariable(owner, variable),
    givenVariable: ({ owner }, variable) => gives(context, owner, variable),
    pinRoot: pinRootOf(context),
  });
  return { request, plan, decisions };
}

/** Planning only asks which programs have a target. */
function placeholders(targets: NonNullable<PartRequest['targets']>): Map<string, AttachTarget> {
  return new Map([...targets.keys()].map(name => [name, { fd: -1, btfId: 0 }]));
}

function pinRootOf({ options }: BuildContext): string | null {
  return options.pinRoot === undefined ? DEFAULT_PIN_ROOT : options.pinRoot;
}

function settingsFor(context: BuildContext, members: readonly Prepared[], states: readonly PlannedState[]) {
  const each = members.map(member =>
    loaderSettings(member, context.settings.get(member.owner ?? '') ?? NO_SETTINGS, states),
  );
  return {
    globals: new Map(each.flatMap(({ globals }) => [...globals])),
    maxEntries: new Map(each.flatMap(({ maxEntries }) => [...maxEntries])),
  };
}

function gives({ given }: BuildContext, owner: string | null, variable: string): boolean {
  const names = given.get(owner ?? '')?.globals.keys() ?? [];
  return [...names].some(name => name === variable || name.endsWith(`:${variable}`));
}

/** Names in the kernel are those that the owner's own file gives, whatever the maps are called in a linked object. */
function kernelNames(members: readonly Prepared[], states: readonly PlannedState[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { map, owner, name, version } of states) {
    const member = members.find(one => one.owner === owner && one.version === version);
    if (member === undefined || names.has(map)) continue;
    const isSection = globalsKind(name) !== undefined || name === KCONFIG;
    names.set(map, isSection ? dataMapName(componentName(member.file.name), name) : kernelName(name));
  }
  return names;
}

export function loadPart(context: BuildContext, planned: PlannedPart): LoadedPart {
  const { request, plan, decisions } = planned;
  const targets = new Map([...(request.targets ?? [])].map(([name, target]) => [name, target()] as const));
  const loaded = executePlan(planWithState(plan, decisions), context.sys, {
    ...context.options,
    reuse: reuseOf(decisions),
    targets,
  });
  const unpin = pinReused(loaded, decisions, pinRootOf(context));
  return {
    ...planned,
    loaded,
    states: storedStates(loaded, request.states, decisions),
    close: () => {
      unpin();
      loaded.close();
    },
  };
}

// --- a generation -------------------------------------------------------------------------------------------------

/** Parts of a generation before anything is loaded. */
export interface PlannedGeneration {
  readonly parts: readonly PlannedPart[];
  /** Programs of the running generation that go over, and what they are called in the next one. */
  readonly taken: ReadonlyMap<string, BpfProgram>;
}

export interface Assembly extends Pick<GenerationParts, 'via' | 'main'> {
  readonly parts: readonly LoadedPart[];
  /** Has the main program; undefined where the running program stays. */
  readonly host?: LoadedPart | undefined;
  readonly taken: ReadonlyMap<string, BpfProgram>;
  readonly links?: GenerationParts['links'];
}

/** A generation of what was loaded, and of what goes over from the running one. */
export function assemble(
  context: BuildContext,
  design: Design,
  cleanup: Cleanup,
  assembly: Assembly,
): Generation {
  const { via, main, parts, host, links = new Map() } = assembly;
  const all = host === undefined ? parts : [host, ...parts];
  const programs = new Map<string, BpfProgram>();
  for (const { loaded, request } of all)
    for (const [name, program] of loaded.programs) programs.set(request.keyOf(name), program);
  for (const [key, program] of assembly.taken) programs.set(key, cleanup.own(duplicateProgram(program)));
  const kept = [...keptStates(context, design, all, via)].map(([key, { state, map }]) => {
    return [key, { state, map: cleanup.own(duplicateMap(map)) }] as const;
  });
  const { maps, states } = collectStates([...all.flatMap(part => [...part.states]), ...kept]);
  const used = new Set(maps.values());
  for (const [, { map }] of kept) if (!used.has(map)) map.close();
  return new Generation({
    via,
    design,
    entry: context.main,
    main,
    programs,
    maps,
    states,
    settings: context.settings,
    links,
    decisions: all.flatMap(({ decisions }) => [...decisions.values()]),
    dropped: droppedMaps(context, design, all, via),
    transfer: transferOf(context, all, programs, maps),
    setGiven: () => setGivenVariables(context, all),
    host: host?.loaded,
    loaded: parts.map(({ loaded }) => loaded),
  });
}

type StateEntry = readonly [key: string, one: { readonly state: StoredState; readonly map: BpfMap }];

/** Current versions first: an outgoing version that shares a map with them has no entry of its own. */
function collectStates(entries: readonly StateEntry[]) {
  const maps = new Map<string, BpfMap>();
  const states = new Map<string, StoredState>();
  const isOutgoing = ([, { state }]: StateEntry): boolean => state.version !== undefined;
  for (const [key, { state, map }] of [
    ...entries.filter(one => !isOutgoing(one)),
    ...entries.filter(isOutgoing),
  ]) {
    const current = maps.get(mapKey({ owner: state.owner, name: state.name }));
    if (state.version !== undefined && current?.info().id === map.info().id) continue;
    maps.set(key, map);
    states.set(key, state);
  }
  return { maps, states };
}

/** State of parts that were not loaded again, since their code is the same as before. */
export function keptStates(
  context: BuildContext,
  design: Design,
  loaded: readonly PlannedPart[],
  via: Generation['via'],
): Map<string, { readonly state: StoredState; readonly map: BpfMap }> {
  const { old, fresh } = context;
  const kept = new Map<string, { readonly state: StoredState; readonly map: BpfMap }>();
  if (old === undefined) return kept;
  const taken = new Set(loaded.flatMap(({ request }) => request.states.map(mapKey)));
  for (const [key, state] of old.states) {
    const map = old.maps.get(key);
    const next = nextIdentity(context, design, state);
    if (map === undefined || next === undefined || taken.has(mapKey(next)) || fresh.covers(next)) continue;
    if (state.name === SLOT_ARRAY && (via !== 'tail' || old.via !== 'tail')) continue;
    kept.set(mapKey(next), { state: { ...state, ...versionOf(next) }, map });
  }
  return kept;
}

/** Maps of the running generation that the next one does not have, with the reason. */
export function droppedMaps(
  context: BuildContext,
  design: Design,
  parts: readonly PlannedPart[],
  via: Generation['via'],
): DroppedMap[] {
  const decisions = parts.flatMap(part => [...part.decisions.values()]);
  const used = new Set(decisions.flatMap(({ decision }) => previousOf(decision)?.state ?? []));
  const planned = new Set(parts.flatMap(({ request }) => request.states.map(mapKey)));
  const kept = new Set([...keptStates(context, design, parts, via).values()].map(({ map }) => map));
  return [...(context.old?.states ?? [])].flatMap(([key, state]): DroppedMap[] => {
    const map = context.old?.maps.get(key);
    const isCode =
      globalsKind(state.name) === 'rodata' || state.name === KCONFIG || state.name === SLOT_ARRAY;
    if (map === undefined || isCode || used.has(state) || kept.has(map)) return [];
    return hasPlan(parts, planned, key) ? [] : [{ identity: state, reason: whyDropped(design, state) }];
  });
}

/** Whether the next generation has a map of this identity, whatever it begins with. */
function hasPlan(parts: readonly PlannedPart[], planned: ReadonlySet<string>, key: string): boolean {
  if (!planned.has(key)) return false;
  return parts.some(({ request, plan }) =>
    request.states.some(state => mapKey(state) === key && plan.maps.some(({ name }) => name === state.map)),
  );
}

function whyDropped({ fills }: Design, { owner, version }: MapIdentity): string {
  if (owner === null || fills.some(fill => fill.component === owner && fill.version === version))
    return 'the new version has no such map';
  const stays = fills.some(({ component }) => component === owner);
  return stays
    ? `version ${version ?? ''} of ${owner} fills no slot any more`
    : `${owner} fills no slot any more`;
}

function versionOf({ version }: Pick<MapIdentity, 'version'>): Pick<MapIdentity, 'version'> {
  return version === undefined ? {} : { version };
}

/** What a map of the running generation is called in the next one, if its owner's code is still part of it. */
function nextIdentity({ old }: BuildContext, design: Design, state: StoredState): MapIdentity | undefined {
  const { owner, name, version } = state;
  if (owner === null) {
    const stays = old !== undefined && isSame(old.design.rootlet, design.rootlet);
    return stays ? { owner, name } : undefined;
  }
  const before = old?.design.fills.find(fill => fill.component === owner && fill.version === version);
  const after = design.fills.find(
    fill => before !== undefined && fill.component === owner && isSame(fill.file, before.file),
  );
  return after === undefined ? undefined : { owner, name, ...versionOf(after) };
}

/** Copies values, and gives arrays of this generation what was put into those of the running one at run time. */
function transferOf(
  context: BuildContext,
  parts: readonly LoadedPart[],
  programs: ReadonlyMap<string, BpfProgram>,
  maps: ReadonlyMap<string, BpfMap>,
): StateTransfer {
  const transfer = new StateTransfer();
  const { old, adopted } = context;
  if (old === undefined) return transfer;
  const heirs = new Map([...adopted].map(([heir, before]) => [before, heir]));
  const nextKey = (key: string): string => {
    const colon = key.indexOf(':');
    const owner = key.slice(0, Math.max(colon, 0)).replace(/@\d+$/, '');
    return colon < 0 ? key : `${heirs.get(owner) ?? owner}${key.slice(colon)}`;
  };
  const own = new Map<number, number | null>();
  for (const [key, program] of old.programs)
    own.set(program.info().id, (programs.get(key) ?? programs.get(nextKey(key)))?.fd.number ?? null);
  for (const [key, map] of old.maps)
    own.set(map.info().id, (maps.get(key) ?? maps.get(nextKey(key)))?.fd.number ?? null);
  for (const { loaded, decisions } of parts) transfer.add(loaded, decisions, { of: id => own.get(id) });
  return transfer;
}

/** Writes values that the change gives into maps that are reused. Only after the switch: the running generation uses them. */
function setGivenVariables(context: BuildContext, parts: readonly LoadedPart[]): void {
  for (const { loaded, request, decisions } of parts) {
    for (const member of request.members) {
      for (const [name, value] of context.given.get(member.owner ?? '')?.globals ?? []) {
        const qualified = qualifiedName(member, name);
        const section = qualified?.slice(0, qualified.lastIndexOf(':'));
        const plan = loaded.plan.globals.find(global => `${global.section}:${global.name}` === qualified);
        const reused = decisions.get(section ?? '')?.decision.kind === 'reuse';
        if (qualified !== undefined && reused && plan?.constant === false)
          loaded.variables.set(qualified, value);
      }
    }
  }
}
