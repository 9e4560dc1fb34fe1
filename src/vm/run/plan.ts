/**
 * What a machine for an object will consist of: programs, functions, maps and the layout of its memory.
 * Everything that cannot work is detected here, and reported together.
 */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import { type Problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type MapDefinition,
  parseMapDefinition,
  type SymbolIndex,
} from '../../object/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, mapTypeName } from '../../uapi/index.ts';
import { type CodeUnit, reachableUnits } from '../compile/analysis/index.ts';
import type { Refusal } from '../compile/emit/index.ts';
import {
  addFixedRegions,
  definitionOfSection,
  type FixedLayout,
  type Globals,
  LayoutBuilder,
  type ProgramKind,
  placeGlobals,
  requireMemory,
} from '../state/index.ts';
import type { Scratch } from './machine-map.ts';
import {
  completeDefinition,
  definitionProblems,
  elementStride,
  isSupportedMap,
  storageSize,
} from './map-factory.ts';
import { type RunnableProgram, reachedPrograms, runnablePrograms } from './programs.ts';

export interface PlannedMap {
  readonly definition: MapDefinition;
  /** Address of its storage. */
  readonly storage: number;
  /** Its value has a spin lock. */
  readonly hasLock: boolean;
  /** Null for a section of global variables. */
  readonly symbol: SymbolIndex | null;
}

export interface MachinePlan {
  /** The ones requested first, then those that they tail-call. */
  readonly programs: readonly RunnableProgram[];
  readonly units: readonly CodeUnit[];
  readonly maps: readonly PlannedMap[];
  /** Why symbols of maps that the machine does not have cannot be used. */
  readonly refusals: ReadonlyMap<SymbolIndex, Refusal>;
  readonly globals: Globals;
  readonly layout: LayoutBuilder;
  readonly fixed: FixedLayout;
  readonly scratch: Scratch;
  /** All programs have the same kind of context. */
  readonly oneKind: boolean;
}

export interface PlanOptions {
  readonly program?: string | undefined;
  readonly kind?: ProgramKind | undefined;
  /** Bytes that data and shadow may take together. */
  readonly maxMemory: number;
}

export function planMachine(object: BpfObject, options: PlanOptions): MachinePlan {
  const chosen = runnablePrograms(object, options.program, options.kind);
  const units = reachableUnits(
    object,
    chosen.map(program => program.symbol),
  );
  const programs = withReached(object, chosen, units);
  const { definitions, refusals } = readDefinitions(object);
  const oneKind = new Set(programs.map(program => program.kind)).size === 1;
  const layout = new LayoutBuilder();
  const fixed = addFixedRegions(layout, {
    maps: definitions.length,
    functions: units.length,
    oneKind,
    tailCalls: definitions.some(({ definition }) => definition.type === BPF_MAP_TYPE_PROG_ARRAY),
  });
  const globals = placeGlobals(object, layout);
  const scratch = placeScratch(layout, definitions, globals);
  const maps = definitions.map(({ symbol, definition }) => ({
    symbol,
    definition,
    hasLock: hasSpinLock(object.btf, definition.valueType),
    storage: placeStorage(layout, definition),
  }));
  requireMemory(object.name, layout.end, options.maxMemory);
  return {
    programs,
    units,
    maps: [...maps, ...sectionMaps(globals)],
    refusals,
    globals,
    layout,
    fixed,
    scratch,
    oneKind,
  };
}

function sectionMaps({ sections }: Globals): PlannedMap[] {
  return sections.map(({ name, size, readOnly, address }) => ({
    symbol: null,
    hasLock: false,
    definition: definitionOfSection(name, size, readOnly),
    storage: address,
  }));
}

function withReached(
  object: BpfObject,
  chosen: readonly RunnableProgram[],
  units: readonly CodeUnit[],
): readonly RunnableProgram[] {
  const known = new Set(chosen.map(program => program.symbol));
  const reached = reachedPrograms(object, new Set(units.map(unit => unit.symbol)));
  return [...chosen, ...reached.filter(program => !known.has(program.symbol))];
}

interface Definitions {
  readonly definitions: readonly { readonly symbol: SymbolIndex; readonly definition: MapDefinition }[];
  readonly refusals: ReadonlyMap<SymbolIndex, Refusal>;
}

/** Definitions of all maps; of types that the machine lacks only the refusal remains. */
function readDefinitions(object: BpfObject): Definitions {
  const problems: Problem[] = [];
  const definitions: { symbol: SymbolIndex; definition: MapDefinition }[] = [];
  const refusals = new Map<SymbolIndex, Refusal>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind !== 'map') return;
    try {
      const definition = completeDefinition(parseMapDefinition(object, symbol));
      const refused = definitionProblems(object, definition);
      if (refused.length > 0) problems.push(...refused);
      else if (!isSupportedMap(definition)) refusals.set(index, unsupported(definition));
      else definitions.push({ symbol: index, definition });
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
    }
  });
  if (problems.length > 0) throw new RootletError(problems);
  return { definitions, refusals };
}

function unsupported(definition: MapDefinition): Refusal {
  const type = mapTypeName(definition.type);
  return {
    code: 'vm-map-type',
    message: `uses map ${quote(definition.name)} of type ${type}, which the machine does not have`,
  };
}

/** The kernel finds locks only in the struct itself, not in those inside of it. */
function hasSpinLock(btf: Btf | null, valueType: BtfId): boolean {
  if (btf === null || valueType === 0) return false;
  const type = btf.type(skipModifiers(btf, valueType));
  if (type.kind !== 'struct') return false;
  return type.members.some(member => btf.nameOf(skipModifiers(btf, member.type)) === 'bpf_spin_lock');
}

function placeStorage(layout: LayoutBuilder, definition: MapDefinition): number {
  const stride = elementStride(definition);
  return layout.add(`map ${quote(definition.name)}`, storageSize(definition), {
    stride: stride > 1 ? stride : definition.maxEntries,
    elementSize: stride > 1 ? definition.valueSize : definition.maxEntries,
  });
}

/** Room for the largest key and the largest value, which no program can access. */
function placeScratch(
  layout: LayoutBuilder,
  definitions: Definitions['definitions'],
  globals: Globals,
): Scratch {
  let [key, value] = [8, 8];
  for (const { definition } of definitions) {
    key = Math.max(key, definition.keySize);
    value = Math.max(value, definition.valueSize);
  }
  for (const section of globals.sections) value = Math.max(value, section.size);
  return { key: layout.add('map key', key), value: layout.add('map value', value) };
}
