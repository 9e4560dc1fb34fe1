/**
 * Map definitions that no kernel takes, for notes of a link. Only notes: a loader may change every member of a
 * definition before it creates the map. Members without a value are left out, since loaders often give one.
 */

import { RawBtf } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { quote, RootletError } from '../../diag/index.ts';
import { ATOM, type Image, TYPE, UNIT } from '../../image/index.ts';
import {
  type BpfObject,
  completeMap,
  type MapDefinition,
  type MapMachine,
  type MapRefusal,
  type MapSymbol,
  mapRefusals,
  parseMapDefinition,
  unitOf,
} from '../../object/index.ts';
import * as kernels from './map-notes.kernel.ts';

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
  if (areTaken(object)) return [];
  return object.symbols.flatMap(symbol => (symbol.kind === 'map' ? notesOf(object, symbol) : []));
}

/** Whether columns show that nothing is to be noted: the maps that stand for all are judged. */
function areTaken(object: BpfObject): boolean {
  const place = unitOf(object);
  if (place === undefined) return false;
  const { image, unit } = place;
  const list = image.run(kernels).distinctMaps(unit);
  const { words } = image;
  const count = elementAt(words, list);
  if (count === 0 || image.get(UNIT.typed, unit) === 0) return count === 0;
  const types = { ...NOTHING, btf: btfView(image, unit) };
  return Array.from(words.subarray(list + 1, list + 1 + count)).every(
    row => notesOf(types, { ...NO_MAP, btfId: image.get(ATOM.type, row) }).length === 0,
  );
}

/** An object of which only the types count. */
export const NOTHING = { name: '', byteOrder: 'little', flags: 0, sections: [], symbols: [] } as const;
/** A map of which only the type counts. */
export const NO_MAP = {
  kind: 'map',
  name: '',
  binding: 'global',
  visibility: 'default',
  section: 0,
  origin: { file: '', offset: 0 },
  size: 0,
  align: 1,
  bytes: new Uint8Array(0),
  references: [],
} as const;

/** The types of a unit where they are: valid until something is added to the image. */
function btfView(image: Image, unit: number): RawBtf {
  const { words, bytes } = image;
  const starts = elementAt(words, TYPE.start) + image.get(UNIT.types, unit);
  const end = starts + image.get(UNIT.typeCount, unit) + 2;
  const strings = image.get(UNIT.strings, unit);
  return new RawBtf(
    new Uint32Array(words.buffer),
    new Uint32Array(words.buffer, starts * 4, end - starts),
    bytes.subarray(strings, strings + image.get(UNIT.stringSize, unit)),
  );
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
