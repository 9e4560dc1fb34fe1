/**
 * What a machine for an object will consist of: programs, functions, maps and the layout of its memory.
 * Everything that cannot work is detected here, and reported together.
 */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { available, type Problem, quote, RootletError, usageError } from '../../diag/index.ts';
import {
  type BpfObject,
  type CodeMarks,
  type MapDefinition,
  parseMapDefinition,
  type SymbolIndex,
} from '../../object/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, mapTypeName } from '../../uapi/index.ts';
import { type CodeUnit, reachableUnits } from '../compile/analysis/index.ts';
import {
  COUNTER_SIZE,
  type MarkPlan,
  type Refusal,
  type UnitCounters,
  unitCounters,
} from '../compile/emit/index.ts';
import {
  addFixedRegions,
  definitionOfSection,
  type FixedLayout,
  type Globals,
  LayoutBuilder,
  type MapStorage,
  memorySize,
  type ProgramKind,
  placeGlobals,
} from '../state/index.ts';
import type { Scratch } from './machine-map.ts';
import { completeDefinition, definitionProblems, isSupportedMap } from './map-factory.ts';
import { placeStorages } from './place-maps.ts';
import { type RunnableProgram, reachedPrograms, runnablePrograms } from './programs.ts';

/** Bytes of a mark. */
const MARK_SIZE = 4;

export interface PlannedMap {
  readonly definition: MapDefinition;
  readonly storage: MapStorage;
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
  /** Bytes of data that the memory holds. */
  readonly memorySize: number;
  /** All programs have the same kind of context. */
  readonly oneKind: boolean;
  /** Counters of functions; undefined where nothing is counted. */
  readonly counters: ReadonlyMap<SymbolIndex, UnitCounters> | undefined;
  /** Where code stores its marks; undefined where it has none. */
  readonly marks: MarkPlan | undefined;
}

export interface PlanOptions {
  readonly program?: string | undefined;
  readonly kind?: ProgramKind | undefined;
  /** Bytes that data and shadow may take together. */
  readonly maxMemory: number;
  /** Map name → max_entries instead of the one in the object. */
  readonly maxEntries: ReadonlyMap<string, number>;
  /** Count which instructions run. */
  readonly coverage: boolean;
  readonly marks?: CodeMarks | undefined;
}

export function planMachine(object: BpfObject, options: PlanOptions): MachinePlan {
  requireMaps(object, options.maxEntries.keys());
  const chosen = runnablePrograms(object, options.program, options.kind);
  const units = reachableUnits(
    object,
    chosen.map(program => program.symbol),
  );
  const programs = withReached(object, chosen, units);
  const { definitions, refusals } = readDefinitions(object, options.maxEntries);
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
  const counters = options.coverage ? placeCounters(layout, units) : undefined;
  const marks = placeMark(layout, options.marks);
  const { storages, heap, largest } = placeStorages(
    layout,
    definitions.map(({ definition }) => definition),
  );
  const maps = definitions.map(({ symbol, definition }, id) => ({
    symbol,
    definition,
    hasLock: hasSpinLock(object.btf, definition.valueType),
    storage: elementAt(storages, id),
  }));
  return {
    programs,
    units,
    maps: [...maps, ...sectionMaps(globals)],
    refusals,
    globals,
    layout,
    fixed,
    scratch,
    memorySize: memorySize(object.name, { fixed: layout.end, heap, largest }, options.maxMemory),
    oneKind,
    counters,
    marks,
  };
}

/** Memory that no program may access. */
function placeMark(layout: LayoutBuilder, marks: CodeMarks | undefined): MarkPlan | undefined {
  return marks === undefined ? undefined : { address: layout.add('mark', MARK_SIZE), marks };
}

/** Memory that no program may access. */
function placeCounters(
  layout: LayoutBuilder,
  units: readonly CodeUnit[],
): ReadonlyMap<SymbolIndex, UnitCounters> {
  return new Map(
    units.map(({ symbol, code }) => {
      const address = layout.add('counters of coverage', COUNTER_SIZE * (1 + code.length));
      return [symbol, unitCounters(address, code.length)];
    }),
  );
}

function sectionMaps({ sections }: Globals): PlannedMap[] {
  return sections.map(({ name, size, readOnly, address }) => ({
    symbol: null,
    hasLock: false,
    definition: definitionOfSection(name, size, readOnly),
    storage: { kind: 'reserved', address },
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
function readDefinitions(object: BpfObject, maxEntries: PlanOptions['maxEntries']): Definitions {
  const problems: Problem[] = [];
  const definitions: { symbol: SymbolIndex; definition: MapDefinition }[] = [];
  const refusals = new Map<SymbolIndex, Refusal>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind !== 'map') return;
    try {
      const definition = completeDefinition(sized(parseMapDefinition(object, symbol), maxEntries));
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

function sized(definition: MapDefinition, maxEntries: PlanOptions['maxEntries']): MapDefinition {
  const given = maxEntries.get(definition.name);
  return given === undefined ? definition : { ...definition, maxEntries: given };
}

/** Throws `vm-unknown-map` for an option about a map that the object does not have. */
function requireMaps(object: BpfObject, names: Iterable<string>): void {
  const known = object.symbols.flatMap(symbol => (symbol.kind === 'map' ? [symbol.name] : []));
  for (const name of names) {
    if (known.includes(name)) continue;
    throw usageError('vm-unknown-map', `${object.name} has no map ${quote(name)}`, {
      hint: known.length === 0 ? 'it has no maps at all' : available('it has', known),
    });
  }
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
  return {
    key: layout.add('map key', key),
    value: layout.add('map value', value),
    zeros: layout.add('map value', value),
  };
}
