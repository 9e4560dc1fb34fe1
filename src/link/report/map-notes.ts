/**
 * Map definitions that no kernel takes, for notes of a link. Only notes: a loader may change every member of a
 * definition before it creates the map. Members without a value are left out, since loaders often give one.
 */

import { quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  completeMap,
  type MapDefinition,
  type MapMachine,
  type MapRefusal,
  type MapSymbol,
  mapRefusals,
  parseMapDefinition,
} from '../../object/index.ts';

/** Limits grow with the page size, alignment becomes stricter: what both refuse, all refuse. */
const MACHINES: readonly MapMachine[] = [4096, 65536].map(pageSize => ({
  pageSize,
  cpus: 1,
  cpuLimit: 8192,
  stackDepth: 0xffffffff,
  nodes: [0],
}));

/** One sentence for each reason that holds on every machine. */
export function mapNotes(object: BpfObject): readonly string[] {
  return object.symbols.flatMap(symbol => (symbol.kind === 'map' ? notesOf(object, symbol) : []));
}

function notesOf(object: BpfObject, symbol: MapSymbol): readonly string[] {
  const definition = definitionOf(object, symbol);
  if (definition === undefined) return [];
  const [first = [], ...others] = MACHINES.map(machine => lasting(definition, machine));
  return first
    .filter(({ message }) => others.every(list => list.some(other => other.message === message)))
    .map(({ message, remedy }) => `no kernel takes map ${quote(symbol.name)}: it ${message} (${remedy})`);
}

/** NUMA nodes belong to a machine. */
function lasting(definition: MapDefinition, machine: MapMachine): readonly MapRefusal[] {
  const refusals = mapRefusals(completeMap(definition, machine), machine);
  return refusals.filter(({ missing, field }) => !missing && field !== 'numa_node');
}

/** Undefined where there is none, or it is invalid: loaders report that. */
function definitionOf(object: BpfObject, symbol: MapSymbol): MapDefinition | undefined {
  try {
    return parseMapDefinition(object, symbol);
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}
