/** One object of a generation: planned on the maps of the running generation, then loaded. */

import { given } from '../../bytes/index.ts';
import type { BpfMap } from '../../kernel/index.ts';
import {
  type AttachTarget,
  dataMapName,
  executePlan,
  firstVariant,
  functionsIn,
  kernelName,
  type LoadedObject,
  type LoadPlan,
  loadVariants,
  noFunction,
  OPTIMIZED,
  type OptimizedVariant,
  type OptimizeSetting,
  objectBaseName,
  planOfVariant,
  prepareLoad,
  processedBy,
} from '../../load/index.ts';
import type { BpfObject, ProgramType } from '../../object/index.ts';
import { globalsKind } from '../../object/index.ts';
import {
  type MapDecision,
  type MapIdentity,
  type PlannedState,
  partKey,
  pinReused,
  pinRootOf,
  planState,
  planWithState,
  reuseOf,
  type StoredState,
  settingsFor,
  storedStates,
} from '../../state/index.ts';
import { type BuildContext, type Design, isFresh, isUnchanged, previousIn } from '../generation/index.ts';
import { KCONFIG, type Prepared } from './prepare.ts';
import { loaderSettings, settingsKey } from './settings.ts';

export interface PartRequest {
  readonly object: BpfObject;
  /** Programs that are loaded, besides those that arrays hold. */
  readonly programs: readonly string[];
  readonly states: readonly PlannedState[];
  /** What the object consists of, for the settings of each. */
  readonly members: readonly Prepared[];
  /** Components whose arrays keep the programs that they hold (`partKey`). */
  readonly keepsStages?: ReadonlySet<string>;
  /** Type of a program, where its section does not specify it, or specifies another one. */
  readonly typeOf?: (name: string, section: string) => ProgramType | undefined;
  /** Functions that programs replace; known when the part is loaded. */
  readonly targets?: ReadonlyMap<string, () => AttachTarget>;
  /** Name of a loaded program in the generation. */
  readonly keyOf: (program: string) => string;
  /** What was reported when the object was put together. */
  readonly notes?: readonly string[];
  /** Names in the object of functions that are called so in their own files. Default: the same. */
  readonly functionsNamed?: (name: string) => readonly string[];
  /** `OptimizeSetting.firstCalls`. */
  readonly firstCalls?: readonly string[];
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
  /** Takes the load back, as long as nothing uses it. */
  close(): void;
}

export function planPart(context: BuildContext, design: Design, request: PartRequest): PlannedPart {
  const { object, states, members } = request;
  const prepared = prepareLoad(object, context.sys, {
    ...context.options,
    ...optionsFor(context, members, states),
    kernelNames: kernelNames(members, states),
    programs: name => request.programs.includes(name),
    ...given({
      typeOf: request.typeOf,
      targets: request.targets === undefined ? undefined : placeholders(request.targets),
    }),
  });
  const { notes } = prepared.plan;
  const plan = {
    ...prepared.plan,
    notes: request.notes === undefined ? notes : [...request.notes, ...notes],
  };
  const decisions = planState({
    sys: context.sys,
    plan,
    states,
    previous: identity => previousIn(context, design, identity),
    unchanged: identity => isUnchanged(context, design, identity),
    keepsPrograms: ({ owner, version }) =>
      owner !== null && request.keepsStages?.has(partKey(owner, version)) === true,
    fresh: identity => isFresh(context, identity),
    freshVariable: ({ owner }, variable) => context.fresh.coversVariable(owner, variable),
    givenVariable: (identity, variable) => gives(context, identity, variable),
    pinRoot: pinRootOf(context.options),
  });
  return { request, plan, decisions };
}

/** Planning only asks which programs have a target. */
function placeholders(targets: NonNullable<PartRequest['targets']>): Map<string, AttachTarget> {
  return new Map([...targets.keys()].map(name => [name, { fd: -1, btfId: 0 }]));
}

function optionsFor(context: BuildContext, members: readonly Prepared[], states: readonly PlannedState[]) {
  const each = members.map(member =>
    loaderSettings(member, settingsFor(context.settings, settingsKey(member)), states),
  );
  return {
    globals: new Map(each.flatMap(({ globals }) => [...globals])),
    maxEntries: new Map(each.flatMap(({ maxEntries }) => [...maxEntries])),
  };
}

function gives({ given }: BuildContext, identity: MapIdentity, variable: string): boolean {
  const names = given.get(settingsKey(identity))?.globals.keys() ?? [];
  return [...names].some(name => name === variable || name.endsWith(`:${variable}`));
}

/**
 * Names in the kernel are those that the owner's own file gives, whatever the maps are called in a linked
 * object.
 */
function kernelNames(members: readonly Prepared[], states: readonly PlannedState[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { map, owner, name, version } of states) {
    const member = members.find(one => one.owner === owner && one.version === version);
    if (member === undefined || names.has(map)) continue;
    const isSection = globalsKind(name) !== undefined || name === KCONFIG;
    names.set(map, isSection ? dataMapName(objectBaseName(member.file.name), name) : kernelName(name));
  }
  return names;
}

/** `typesFor`: what needs the types of the loaded programs, such as slots that are replaced. */
export function loadPart(context: BuildContext, planned: PlannedPart, typesFor?: string): LoadedPart {
  const { request, plan, decisions } = planned;
  const targets = new Map([...(request.targets ?? [])].map(([name, target]) => [name, target()] as const));
  const loaded = executePlan(planWithState(plan, decisions), context.sys, {
    ...context.options,
    reuse: reuseOf(decisions),
    targets,
    ...given({ typesFor }),
  });
  const unpin = pinReused(loaded, decisions, pinRootOf(context.options));
  return {
    ...planned,
    loaded,
    states: storedStates(loaded, request.states, decisions),
    close: () => {
      unpin();
      loaded.discard();
    },
  };
}

// --- optimized ----------------------------------------------------------------------------------------------------

/** Plans the part that would be loaded first, and what is not optimized of it. */
export function planOptimized(context: BuildContext, design: Design, request: PartRequest): PlannedPart {
  const { setting, notes } = optimizationOf(context, request);
  const first = firstVariant(request.object, setting, name => isLoaded(request, name));
  const variant = { ...first, notes: [...notes, ...first.notes] };
  return planVariant(context, design, request, variant);
}

/** Plans and loads a part at the first step of the optimizer that the verifier accepts. */
export function loadOptimizedPart(context: BuildContext, design: Design, request: PartRequest): LoadedPart {
  const { setting, notes } = optimizationOf(context, request);
  return loadVariants<LoadedPart>(request.object, setting, {
    load: variant => {
      const noted = { ...variant, notes: [...notes, ...variant.notes] };
      return loadPart(context, planVariant(context, design, request, noted));
    },
    isLoaded: name => isLoaded(request, name),
    loadedOf: ({ loaded }) => loaded,
    discard: part => part.close(),
    processedBefore: () => {
      const { plan, decisions } = planPart(context, design, request);
      const options = { ...context.options, reuse: reuseOf(decisions) };
      return processedBy(planWithState(plan, decisions), context.sys, options);
    },
  });
}

function planVariant(
  context: BuildContext,
  design: Design,
  request: PartRequest,
  variant: OptimizedVariant,
): PlannedPart {
  const planned = planPart(context, design, { ...request, object: variant.object });
  return { ...planned, plan: planOfVariant(planned.plan, variant) };
}

/** As far as that is known before the plan: programs of the rootlet that only its own arrays hold are not. */
function isLoaded({ programs, keyOf }: PartRequest, name: string): boolean {
  return programs.includes(name) || keyOf(name) !== name;
}

/** The setting with the names that functions have in the object, and the names that none has. */
function optimizationOf({ optimize = OPTIMIZED }: BuildContext, request: PartRequest) {
  const { functionsNamed = (name: string) => [name], object, firstCalls } = request;
  const { noInline: wanted = [] } = optimize;
  const kept = wanted.map(name => functionsIn(object, functionsNamed(name)));
  const setting: OptimizeSetting = { ...optimize, noInline: kept.flat(), ...given({ firstCalls }) };
  const unknown = wanted.filter((_, at) => kept[at]?.length === 0);
  return { setting, notes: unknown.map(noFunction) };
}
