/**
 * What the back ends of re-linking share: which map of the running generation each new one inherits from, and loading
 * with maps that are there already.
 */

import { quote, usageError } from '../diag/index.ts';
import type { BpfMap } from '../kernel/map.ts';
import type { Sys } from '../kernel/sys.ts';
import type { AttachTarget } from '../load/execute-programs.ts';
import {
  type Cleanup,
  executePlan,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  type MapPlan,
  prepareLoad,
} from '../load/index.ts';
import type { BpfObject, ProgramTypeInfo } from '../object/index.ts';
import { componentOf, type Design, isSame, type ObjectFile } from './relink-design.ts';
import { duplicateMap, Generation, type GenerationParts } from './relink-generation.ts';
import {
  type Inheritance,
  inheritState,
  type OldState,
  type Predecessor,
  SLOT_ARRAY,
  type StateRecord,
} from './relink-state.ts';

/** How the programs of a rootlet are loaded; the same for every generation. */
export type GenerationOptions = Pick<
  LoadOptions,
  'globals' | 'maxEntries' | 'kernelTypes' | 'kernelFacts' | 'logLevel' | 'pinRoot' | 'btfPath' | 'kconfig'
>;

export interface BuildContext {
  readonly sys: Sys;
  readonly options: GenerationOptions;
  /** The rootlet's program. */
  readonly main: string;
  /** The generation that runs; none for the first one. */
  readonly old: Generation | undefined;
  /** No state is inherited by these components (`componentOf`); the rootlet's is null. */
  readonly fresh: (owner: string | null) => boolean;
}

// --- state --------------------------------------------------------------------------------------------------------

/**
 * Where a map of the new generation comes from: the same component's, else that of the component whose slot its owner
 * takes over, if that one goes.
 */
export function predecessors(
  { old, fresh }: Pick<BuildContext, 'old' | 'fresh'>,
  design: Design,
): (record: StateRecord) => Predecessor | undefined {
  const before = old?.oldStates() ?? [];
  const stays = new Set(design.fills.map(componentOf));
  const replaced = new Map<string, string>();
  for (const fill of design.fills) {
    const was = old?.design.fills.find(({ slot }) => slot === fill.slot);
    const owner = componentOf(fill);
    if (was !== undefined && !stays.has(componentOf(was)) && !replaced.has(owner))
      replaced.set(owner, componentOf(was));
  }
  const known = new Set(before.map(({ record }) => record.owner));
  return ({ owner, original }) => {
    if (fresh(owner)) return undefined;
    const from = owner === null || known.has(owner) ? owner : replaced.get(owner);
    const found = before.find(({ record }) => record.owner === from && record.original === original);
    const unchanged = owner === from && unchangedOwner(old?.design, design, owner);
    return found === undefined ? undefined : { ...found, unchanged };
  };
}

/** Whether a component is the same file as in another design. */
export function unchangedOwner(before: Design | undefined, design: Design, owner: string | null): boolean {
  const [was, is] = [fileOf(before, owner), fileOf(design, owner)];
  return was !== undefined && is !== undefined && isSame(was, is);
}

function fileOf(design: Design | undefined, owner: string | null): ObjectFile | undefined {
  return owner === null ? design?.rootlet : design?.fills.find(fill => componentOf(fill) === owner)?.file;
}

// --- putting a generation together --------------------------------------------------------------------------------

/** One object of a generation in the kernel. */
export interface LoadedPart {
  readonly loaded: LoadedObject;
  /** State by its name in the object. */
  readonly states: readonly StateRecord[];
  readonly inherited: ReadonlyMap<string, Inheritance>;
  close(): void;
}

export interface PartRequest {
  readonly object: BpfObject;
  /** Names of the programs that are loaded. */
  readonly programs: readonly string[];
  readonly states: readonly StateRecord[];
  /** Type of these programs, where their sections do not say it. */
  readonly type?: ProgramTypeInfo;
  /** One of several objects of a generation: variables that are given a value may be in another one. */
  readonly partial?: boolean;
  /** Functions that they replace. */
  readonly targets?: ReadonlyMap<string, AttachTarget>;
}

export function loadPart(context: BuildContext, design: Design, request: PartRequest): LoadedPart {
  const { object, states, type, targets } = request;
  const options: LoadOptions = {
    ...(request.partial === true ? withGlobalsOf(object, context.options) : context.options),
    programs: name => request.programs.includes(name),
    ...(type === undefined ? {} : { typeOf: () => type }),
    ...(targets === undefined ? {} : { targets }),
  };
  const { plan } = prepareLoad(object, context.sys, options);
  const inherited = inheritState(plan, states, predecessors(context, design));
  const loaded = loadWith(context.sys, plan, inherited, options);
  const present = states.filter(({ map }) => loaded.maps.has(map));
  return { loaded, states: present, inherited, close: () => loaded.close() };
}

function withGlobalsOf(object: BpfObject, options: GenerationOptions): GenerationOptions {
  const { globals, ...others } = options;
  if (globals === undefined) return options;
  const known = globalNames(object);
  const mine = [...entriesOf(globals)].filter(([name]) => known.has(name));
  return mine.length === 0 ? others : { ...others, globals: new Map(mine) };
}

function entriesOf(globals: NonNullable<GenerationOptions['globals']>): Iterable<readonly [string, unknown]> {
  return globals instanceof Map ? globals : Object.entries(globals);
}

/** Names by which variables of an object are given values. */
function globalNames(object: BpfObject): Set<string> {
  const names = new Set<string>();
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'variable' || symbol.name === '') continue;
    names.add(symbol.name);
    names.add(`${object.sections[symbol.section]?.name ?? ''}:${symbol.name}`);
  }
  return names;
}

/** Throws `load-no-global` for a value whose variable is in none of the objects. */
export function requireGlobals({ options }: BuildContext, objects: readonly BpfObject[]): void {
  const known = objects.map(globalNames);
  for (const [name] of entriesOf(options.globals ?? {})) {
    if (known.some(names => names.has(name))) continue;
    throw usageError('load-no-global', `there is no variable ${quote(name)} in what is loaded`);
  }
}

export interface Assembly extends Pick<GenerationParts, 'via' | 'main' | 'programs'> {
  /** What has the main program, if it was loaded for this generation; its maps keep their names. */
  readonly host: readonly LoadedPart[];
  /** Components that were loaded by themselves: their maps are named `COMPONENT:NAME`. */
  readonly parts: readonly LoadedPart[];
  readonly links?: GenerationParts['links'];
}

/** A generation of what was loaded, and of state that nobody in it uses while its owner is still part of the design. */
export function assemble(
  context: BuildContext,
  design: Design,
  cleanup: Cleanup,
  assembly: Assembly,
): Generation {
  const { via, main, programs, host, parts, links = new Map() } = assembly;
  const [first] = host;
  const maps = new Map(first?.loaded.maps);
  const states = [...(first?.states ?? [])];
  const inherited = new Map(first?.inherited);
  for (const part of parts) {
    const nameOf = (name: string): string =>
      `${part.states.find(({ map }) => map === name)?.owner ?? 'component'}:${name}`;
    for (const [name, map] of part.loaded.maps) maps.set(nameOf(name), map);
    for (const record of part.states) states.push({ ...record, map: nameOf(record.map) });
    for (const [name, one] of part.inherited) inherited.set(nameOf(name), one);
  }
  for (const { record, map } of unusedStates(context, design, states)) {
    if (record.original === SLOT_ARRAY && via !== 'tail') continue;
    let name = record.map;
    while (maps.has(name)) name = `${name}_`;
    maps.set(name, cleanup.own(duplicateMap(map)));
    states.push({ ...record, map: name });
  }
  const loaded = parts.map(part => part.loaded);
  return new Generation({
    via,
    design,
    main,
    programs,
    maps,
    states,
    links,
    inherited,
    host: first?.loaded,
    loaded,
  });
}

/** State of the old generation whose owner stays, but that has no successor yet. */
function unusedStates(
  { old, fresh }: BuildContext,
  design: Design,
  used: readonly StateRecord[],
): OldState[] {
  const owners = new Set<string | null>([null, ...design.fills.map(componentOf)]);
  return (old?.oldStates() ?? []).filter(
    ({ record }) =>
      owners.has(record.owner) &&
      !fresh(record.owner) &&
      !used.some(({ owner, original }) => owner === record.owner && original === record.original),
  );
}

// --- into the kernel ----------------------------------------------------------------------------------------------

/** The plan of a map with what it begins with. */
function begun(
  plan: LoadPlan,
  map: MapPlan,
  one: Inheritance | undefined,
  options: GenerationOptions,
): MapPlan {
  switch (one?.kind) {
    case 'same':
      return { ...map, maxEntries: one.map.maxEntries, contents: null, initial: [] };
    case 'constants':
      return { ...map, contents: constantsOf(plan, map, one.map, options) };
    default:
      return map;
  }
}

/** Constants as they were, but for those that are given anew. */
function constantsOf(
  plan: LoadPlan,
  map: MapPlan,
  old: BpfMap,
  options: GenerationOptions,
): Uint8Array | null {
  const contents = old.lookup(new Uint8Array(4));
  if (contents === undefined) return map.contents;
  const given = new Set([...entriesOf(options.globals ?? {})].map(([name]) => name));
  for (const { name, section, offset, size } of plan.globals) {
    if (section !== map.name || !(given.has(name) || given.has(`${section}:${name}`))) continue;
    contents.set(map.contents?.subarray(offset, offset + size) ?? new Uint8Array(size), offset);
  }
  return contents;
}

/** As `loadObject`, with maps that are there already: what they hold is not touched. */
export function loadWith(
  sys: Sys,
  plan: LoadPlan,
  inherited: ReadonlyMap<string, Inheritance>,
  options: LoadOptions,
): LoadedObject {
  const same = new Map(
    [...inherited].flatMap(([name, one]) => (one.kind === 'same' ? [[name, one.map] as const] : [])),
  );
  const maps = plan.maps.map(map => begun(plan, map, inherited.get(map.name), options));
  const reuse = ({ name }: MapPlan) => {
    const map = same.get(name);
    return map === undefined ? undefined : duplicateMap(map);
  };
  return executePlan({ ...plan, maps }, sys, { ...options, reuse });
}
