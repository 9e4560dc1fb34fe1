/**
 * Which maps an object needs: those that it defines, and one for each section of globals.
 *
 * Mirrors libbpf: defined maps first in their order, then sections of globals in theirs; the flags, sizes and
 * BTF types that it would use, so that maps pinned by one loader can be used by the other.
 */

import type { Btf, BtfId } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import {
  ARENA_SECTION,
  type BpfObject,
  globalsKind,
  kernelValueSize,
  type MapDefinition,
  type MapSymbol,
  type ObjectLayout,
  parseMapDefinition,
  type SymbolIndex,
  sectionAt,
  symbolOf,
  takesTypes,
  type VariableSymbol,
} from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { dataMapName, kernelName } from './names.ts';
import type { InitialEntry, MapPlan } from './plan.ts';

/** Maps of the object, and how instructions find them. */
export interface PlannedMaps {
  readonly maps: readonly MapPlan[];
  /** Map symbol → index in `maps`. */
  readonly ofSymbol: ReadonlyMap<SymbolIndex, number>;
  /** Section of globals → index in `maps`. */
  readonly ofSection: ReadonlyMap<number, number>;
  /** What the kernel's maps do not have of the definitions, one sentence each. */
  readonly notes: readonly string[];
}

export interface MapOptions {
  readonly objectName: string;
  /** Map name → max_entries instead of the one in the object. */
  readonly maxEntries?: ReadonlyMap<string, number>;
}

/** Plans all maps. `typesOf` gives the DATASEC of a section in the kernel's types. */
export function planMaps(
  object: BpfObject,
  layout: ObjectLayout,
  dataSections: ReadonlyMap<string, BtfId>,
  options: MapOptions,
): PlannedMaps {
  const maps: MapPlan[] = [];
  const ofSymbol = new Map<SymbolIndex, number>();
  const ofSection = new Map<number, number>();
  const notes: string[] = [];
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'map') ofSymbol.set(index, ofSymbol.size);
  });
  object.symbols.forEach(symbol => {
    if (symbol.kind !== 'map') return;
    const definition = parseMapDefinition(object, symbol);
    notes.push(...valueNotes(definition));
    maps.push(definedMap(definition, initialEntries(object, symbol, definition, ofSymbol), options));
  });
  for (const placed of layout.sections) {
    const section = object.sections[placed.section];
    if (section?.name === ARENA_SECTION && placed.size > 0) {
      ofSection.set(placed.section, placeInArena(object, layout, placed.section, maps));
      continue;
    }
    if (section === undefined || placed.size === 0 || globalsKind(section.name) === undefined) continue;
    ofSection.set(placed.section, maps.length);
    maps.push(globalsMap(object, layout, placed.section, dataSections.get(section.name) ?? 0, options));
  }
  return { maps, ofSymbol, ofSection, notes };
}

/** Sets the first bytes of the only arena, and returns its map. Throws `load-arena`. */
function placeInArena(object: BpfObject, layout: ObjectLayout, section: number, maps: MapPlan[]): number {
  const where = [object.name, `section ${quote(ARENA_SECTION)}`];
  const arenas = maps.flatMap((map, index) => (map.type === uapi.BPF_MAP_TYPE_ARENA ? [index] : []));
  const [index, other] = arenas;
  if (index === undefined) {
    throw inputError('load-arena', where, 'has variables, but the object has no arena', {
      hint: 'define a map of type BPF_MAP_TYPE_ARENA',
    });
  }
  if (other !== undefined) throw inputError('load-arena', where, 'has variables for one of several arenas');
  const arena = elementAt(maps, index);
  const size = elementAt(layout.sections, section).size;
  const contents = globalsContents(object, layout, section) ?? new Uint8Array(size);
  if (size > arena.maxEntries * SMALLEST_PAGE) {
    throw inputError('load-arena', where, `takes ${size} bytes, more than the arena has pages for`);
  }
  maps[index] = { ...arena, contents };
  return index;
}

/** Of all machines that have arenas. */
const SMALLEST_PAGE = 4096;

function definedMap(
  definition: MapDefinition,
  initial: readonly InitialEntry[],
  options: MapOptions,
): MapPlan {
  return {
    name: definition.name,
    kernelName: kernelName(definition.name),
    type: definition.type,
    keySize: definition.keySize,
    valueSize: kernelValueSize(definition),
    maxEntries: options.maxEntries?.get(definition.name) ?? definition.maxEntries,
    flags: definition.flags,
    mapExtra: definition.mapExtra,
    numaNode: definition.numaNode,
    keyType: definition.keyType,
    valueType: definition.valueType,
    typed: takesTypes(definition),
    contents: null,
    frozen: false,
    pinning: definition.pinning,
    inner: definition.inner === null ? null : definedMap(definition.inner, [], options),
    initial,
  };
}

/** Values of the definition that its type of map does not have. */
function valueNotes(definition: MapDefinition): string[] {
  const size = kernelValueSize(definition);
  if (size === definition.valueSize) return [];
  const taken = size === 0 ? 'no values' : `values of ${size} bytes`;
  const what = `its value type of ${definition.valueSize} bytes is for tools only`;
  return [`map ${quote(definition.name)}: ${uapi.mapTypeName(definition.type)} maps have ${taken}; ${what}`];
}

/** Pointers in the initialiser of a map definition: what the elements of its `values` start with. */
function initialEntries(
  object: BpfObject,
  symbol: MapSymbol,
  definition: MapDefinition,
  ofSymbol: ReadonlyMap<SymbolIndex, number>,
): InitialEntry[] {
  return symbol.references.map(reference => {
    const where = [object.name, `map ${quote(symbol.name)}`];
    const index = (reference.offset - definition.valuesOffset) / 8;
    const target = object.symbols[reference.symbol];
    if (!Number.isInteger(index) || index < 0 || target === undefined || reference.width !== 8) {
      throw inputError('load-map-initialiser', where, 'has an initializer outside of its values', {
        offset: reference.offset,
      });
    }
    const map = ofSymbol.get(reference.symbol);
    if (definition.inner !== null && map !== undefined) return { index, target: { kind: 'map', map } };
    if (definition.holdsPrograms && target.kind === 'function') {
      return { index, target: { kind: 'program', program: target.name } };
    }
    throw inputError('load-map-initialiser', where, `value ${index} cannot be ${quote(target.name)}`);
  });
}

function globalsMap(
  object: BpfObject,
  layout: ObjectLayout,
  index: number,
  dataSection: BtfId,
  options: MapOptions,
): MapPlan {
  const section = sectionAt(object, index);
  const placed = elementAt(layout.sections, index);
  const readOnly = globalsKind(section.name) === 'rodata';
  const mappable = sharesVariables(object, layout, index) ? uapi.BPF_F_MMAPABLE : 0;
  const contents = globalsContents(object, layout, index);
  return {
    name: section.name,
    kernelName: dataMapName(options.objectName, section.name),
    type: uapi.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: placed.size,
    maxEntries: 1,
    flags: mappable + (readOnly ? uapi.BPF_F_RDONLY_PROG : 0),
    mapExtra: 0n,
    numaNode: 0,
    keyType: 0,
    valueType: dataSection,
    typed: dataSection !== 0,
    contents: readOnly || contents?.some(byte => byte !== 0) ? contents : null,
    frozen: readOnly,
    pinning: 0,
    inner: null,
    initial: [],
  };
}

/** libbpf maps globals into memory when at least one of them is not static. */
function sharesVariables(object: BpfObject, layout: ObjectLayout, index: number): boolean {
  return elementAt(layout.sections, index).atoms.some(atom => {
    const symbol = symbolOf(object, atom.symbol);
    return symbol.kind === 'variable' && symbol.btfId !== 0 && isShared(object.btf, symbol.btfId);
  });
}

function isShared(btf: Btf | null, id: BtfId): boolean {
  const type = btf?.type(id);
  return type?.kind === 'var' && type.linkage !== 'static';
}

/**
 * The bytes of a section of globals, or null when all of it is zero because the file has no bytes for it.
 * Throws `load-data-pointer` for a pointer that nothing could fill in; the layout has refused what is larger than a
 * map's value can be.
 */
function globalsContents(object: BpfObject, layout: ObjectLayout, index: number): Uint8Array | null {
  const { size, atoms } = elementAt(layout.sections, index);
  const symbols = atoms.map(({ offset, symbol }) => ({ offset, symbol: symbolOf(object, symbol) }));
  if (symbols.every(({ symbol }) => symbol.kind !== 'variable' || symbol.bytes === null)) return null;
  const contents = new Uint8Array(size);
  for (const { offset, symbol } of symbols) {
    if (symbol.kind !== 'variable' || symbol.bytes === null) continue;
    refusePointers(object, symbol);
    contents.set(symbol.bytes, offset);
  }
  return contents;
}

function refusePointers(object: BpfObject, symbol: VariableSymbol): void {
  const [reference] = symbol.references;
  if (reference === undefined) return;
  const target = object.symbols[reference.symbol];
  const name = symbol.name === '' ? 'a constant' : `variable ${quote(symbol.name)}`;
  throw inputError(
    'load-data-pointer',
    [object.name, name],
    `contains the address of ${target?.name ? quote(target.name) : 'other data'}, which the kernel cannot fill in`,
    {
      offset: reference.offset,
      hint: 'BPF has no relocations in data: use a switch, an array of arrays, or a map instead of a table of pointers',
    },
  );
}
