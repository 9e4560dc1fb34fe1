/**
 * The back end `static`: rootlet and components are linked anew into one program, which then takes the place of the
 * running one on the hook. Works on every kernel that can update the hook, and carries every signature.
 */

import { compareTypes, formatFunc } from '../btf/index.ts';
import { inputError, quote, RootletError } from '../diag/index.ts';
import type { BpfMap } from '../kernel/map.ts';
import { liftMemlock } from '../kernel/memlock.ts';
import type { Sys } from '../kernel/sys.ts';
import { relink, slotsOf } from '../link/index.ts';
import {
  Cleanup,
  executeLoad,
  findLacks,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  limitPlan,
  type MapPlan,
  prepareLoad,
} from '../load/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  programsOf,
  programTypeOf,
  readObject,
  sectionOf,
} from '../object/index.ts';
import { componentOf, type Design, isSame, type ObjectFile } from './relink-design.ts';
import { duplicateMap, Generation } from './relink-generation.ts';
import {
  type Prepared,
  type PreparedComponent,
  prepareComponents,
  prepareRootlet,
} from './relink-prepare.ts';
import { type Inheritance, inheritState, type Predecessor, type StateRecord } from './relink-state.ts';

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

/** Everything that can be filled: the slots in their order, then the program itself. */
export function slotNames(rootlet: BpfObject, main: string): string[] {
  return [...slotsOf(rootlet).map(({ name }) => name), main];
}

/** The rootlet's program that goes on the hook. Throws `relink-which-program` when there are several, `relink-no-program`. */
export function chooseMain(rootlet: BpfObject, name: string | undefined): string {
  const names = programsOf(rootlet).map(({ program }) => program.name);
  const listed = names.map(quote).join(', ');
  if (name !== undefined && !names.includes(name)) {
    throw inputError('relink-no-program', [rootlet.name], `has no program ${quote(name)}`, {
      hint: `there ${names.length === 0 ? 'is none' : `are: ${listed}`}`,
    });
  }
  const [first, second] = names;
  const chosen = name ?? first;
  if (chosen === undefined) throw inputError('relink-no-program', [rootlet.name], 'has no program');
  if (name === undefined && second !== undefined)
    throw inputError('relink-which-program', [rootlet.name], `has several programs: ${listed}`);
  return chosen;
}

interface Linked {
  readonly object: BpfObject;
  /** Program on the hook. */
  readonly main: string;
  readonly states: readonly StateRecord[];
}

/** Builds a generation; what is running is left alone. Throws what is wrong with the design, or the kernel's refusal. */
export function buildStatic(context: BuildContext, design: Design): Generation {
  const linked = linkDesign(design, context.main);
  const { sys, options } = context;
  const { plan } = prepareLoad(linked.object, sys, { ...options, programs: name => name === linked.main });
  const inherited = inheritState(plan, linked.states, predecessors(context, design));
  const loaded = loadWith(sys, plan, inherited, options);
  const cleanup = new Cleanup();
  cleanup.own(loaded);
  return cleanup.guard(() => {
    const used = linked.states.filter(({ map }) => loaded.maps.has(map));
    const parked = parkStates(context, design, used, loaded.maps);
    for (const { map } of parked) cleanup.own(map);
    return new Generation({
      design,
      main: linked.main,
      programs: loaded.programs,
      maps: new Map([...loaded.maps, ...parked.map(({ record, map }) => [record.map, map] as const)]),
      states: [...used, ...parked.map(({ record }) => record)],
      links: new Map(),
      inherited,
      loaded,
    });
  });
}

// --- one object ---------------------------------------------------------------------------------------------------

function linkDesign(design: Design, main: string): Linked {
  const rootlet = readObject(design.rootlet.bytes, design.rootlet.name);
  const components = prepareComponents(design, rootlet);
  const instead = components.find(({ fills }) => fills.some(({ slot }) => slot === main));
  return instead === undefined ? linkSlots(rootlet, main, components) : linkInstead(rootlet, main, instead);
}

function linkSlots(rootlet: BpfObject, main: string, components: readonly PreparedComponent[]): Linked {
  const assignments = components.flatMap(({ object, fills }) =>
    fills.map(({ slot, program, instance }) => ({
      slot,
      component: object,
      ...(program === undefined ? {} : { program }),
      ...(instance === undefined ? {} : { instance }),
    })),
  );
  const result = relink(rootlet, assignments, { gcSections: false, name: rootlet.name });
  if (!result.ok) throw new RootletError(result.problems);
  const { object, report } = result;
  const maps = report.maps.map(({ name, owner, originalName }): StateRecord => {
    return { map: name, owner, original: originalName };
  });
  const parts: readonly Prepared[] = [prepareRootlet(rootlet), ...components];
  return { object, main, states: [...maps, ...parts.flatMap(sectionStates)] };
}

/** The component's program takes the place of the rootlet's own: what it does not call is not there. */
function linkInstead(rootlet: BpfObject, main: string, component: PreparedComponent): Linked {
  const { object, fills } = component;
  const wanted = fills.find(({ slot }) => slot === main)?.program;
  const program = chooseMain(object, wanted);
  requireSamePrototype(rootlet, main, object, program);
  const maps = object.symbols.flatMap((symbol): StateRecord[] =>
    symbol.kind === 'map' ? [{ map: symbol.name, owner: component.owner, original: symbol.name }] : [],
  );
  return { object, main: program, states: [...maps, ...sectionStates(component)] };
}

function sectionStates({ owner, sections }: Prepared): StateRecord[] {
  return [...sections].map(([map, original]) => ({ map, owner, original }));
}

function requireSamePrototype(rootlet: BpfObject, main: string, object: BpfObject, program: string): void {
  const [slot, entry] = [functionNamed(rootlet, main), functionNamed(object, program)];
  if (slot === undefined || entry === undefined) return;
  const problem = entryProblem(rootlet, slot, object, entry);
  if (problem !== undefined) throw problem;
}

function functionNamed(object: BpfObject, name: string): FunctionSymbol | undefined {
  return programsOf(object).find(({ program }) => program.name === name)?.program;
}

function entryProblem(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  object: BpfObject,
  entry: FunctionSymbol,
): RootletError | undefined {
  const sections = [sectionOf(rootlet, slot)?.name ?? '', sectionOf(object, entry)?.name ?? ''] as const;
  const [here, there] = sections.map(section => programTypeOf(section));
  if (here?.progType !== there?.progType || here?.expectedAttachType !== there?.expectedAttachType) {
    return inputError(
      'relink-program-type',
      [object.name],
      `program ${quote(entry.name)} in section ${quote(sections[1])} cannot take the place of ${quote(slot.name)} in section ${quote(sections[0])}`,
    );
  }
  if (rootlet.btf === null || object.btf === null || slot.btfId === 0 || entry.btfId === 0) return undefined;
  const [left, right] = [rootlet.btf.type(slot.btfId), object.btf.type(entry.btfId)];
  if (left.kind !== 'func' || right.kind !== 'func') return undefined;
  const mismatch = compareTypes(rootlet.btf, left.type, object.btf, right.type);
  if (mismatch === null) return undefined;
  return inputError(
    'relink-prototype',
    [object.name],
    `program ${quote(entry.name)} cannot take the place of ${quote(slot.name)}${mismatch.path === '' ? '' : `: ${mismatch.path}`}`,
    {
      details: [
        `rootlet: ${formatFunc(rootlet.btf, slot.btfId)}  (${rootlet.name})`,
        `program: ${formatFunc(object.btf, entry.btfId)}  (${object.name})`,
      ],
    },
  );
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
    const [was, is] = [fileOf(old?.design, owner), fileOf(design, owner)];
    const unchanged = owner === from && was !== undefined && is !== undefined && isSame(was, is);
    return found === undefined ? undefined : { ...found, unchanged };
  };
}

function fileOf(design: Design | undefined, owner: string | null): ObjectFile | undefined {
  return owner === null ? design?.rootlet : design?.fills.find(fill => componentOf(fill) === owner)?.file;
}

interface ParkedState {
  readonly record: StateRecord;
  readonly map: BpfMap;
}

/** State that the new program does not use while its owner is still part of the design: kept for the next generation. */
function parkStates(
  { old, fresh }: BuildContext,
  design: Design,
  used: readonly StateRecord[],
  taken: ReadonlyMap<string, BpfMap>,
): ParkedState[] {
  const owners = new Set<string | null>([null, ...design.fills.map(componentOf)]);
  const names = new Set(taken.keys());
  const states = (old?.oldStates() ?? []).filter(
    ({ record }) =>
      owners.has(record.owner) &&
      !fresh(record.owner) &&
      !used.some(({ owner, original }) => owner === record.owner && original === record.original),
  );
  return states.map(({ record, map }) => {
    let name = record.map;
    while (names.has(name)) name = `${name}_`;
    names.add(name);
    return { record: { ...record, map: name }, map: duplicateMap(map) };
  });
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
  const { globals = new Map<string, unknown>() } = options;
  const given = new Set(globals instanceof Map ? globals.keys() : Object.keys(globals));
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
  options: GenerationOptions,
): LoadedObject {
  const same = new Map(
    [...inherited].flatMap(([name, one]) => (one.kind === 'same' ? [[name, one.map] as const] : [])),
  );
  const maps = plan.maps.map(map => begun(plan, map, inherited.get(map.name), options));
  const prepared = { ...plan, maps };
  const execute = (chosen: LoadPlan, notes: readonly string[]): LoadedObject =>
    executeLoad(chosen, sys, {
      ...options,
      notes,
      reuse: ({ name }) => {
        const map = same.get(name);
        return map === undefined ? undefined : duplicateMap(map);
      },
    });
  liftMemlock(sys);
  try {
    return execute(prepared, []);
  } catch (error) {
    const lacks = error instanceof RootletError ? findLacks(sys) : new Set();
    if (lacks.size === 0) throw error;
    const limited = limitPlan(prepared, findLacks(sys));
    return execute(limited.plan, limited.notes);
  }
}
