/**
 * What a kernel allows only once in a program: one cgroup storage of each type, one arena, one exception
 * callback.
 *
 * The one table of these. The linker asks before it writes a program that was put together from several
 * files, the loader before it asks the kernel. Separate from needs, which say what has to be there; this says
 * what must not be there twice.
 *
 * Source: Linux kernel/bpf/verifier.c (add_used_map, check_btf_func) and kernel/bpf/local_storage.c
 * (bpf_cgroup_storage_assign).
 */

import type { BtfId } from '../../btf/index.ts';
import {
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
} from '../../uapi/index.ts';
import { type BpfObject, type SymbolIndex, symbolOf } from '../model/index.ts';
import { callGraph } from './call-graph.ts';
import { exceptionCallbacks } from './exception-callbacks.ts';
import { ARENA_SECTION, implicitNeeds, mapsOfType, mapTypeOf } from './needs.ts';

export interface OnceResource {
  readonly kind: 'cgroup-storage' | 'percpu-cgroup-storage' | 'arena' | 'exception-callback';
  /** In messages, after "one". */
  readonly name: string;
  /** Type of the maps that it is; null for a function. */
  readonly mapType: number | null;
}

export const ONCE_PER_PROGRAM: readonly OnceResource[] = [
  { kind: 'cgroup-storage', name: 'map of type cgroup_storage', mapType: BPF_MAP_TYPE_CGROUP_STORAGE },
  {
    kind: 'percpu-cgroup-storage',
    name: 'map of type percpu_cgroup_storage',
    mapType: BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  },
  { kind: 'arena', name: 'arena', mapType: BPF_MAP_TYPE_ARENA },
  { kind: 'exception-callback', name: 'exception callback', mapType: null },
];

/** A resource of which a program has more than one. */
export interface OnceConflict {
  readonly resource: OnceResource;
  /** The maps or functions, by name, in symbol order. */
  readonly names: readonly string[];
}

/**
 * Functions of a program as it is loaded: what it reaches, then its exception callbacks and what they reach.
 */
export function programFunctions(object: BpfObject, program: SymbolIndex): SymbolIndex[] {
  const needed = implicitNeeds(object)(program);
  return callGraph(object).reach([
    program,
    ...needed.filter(index => object.symbols[index]?.kind === 'function'),
  ]);
}

/** What `program` has more than once and a kernel would therefore refuse, in the order of the table. */
export function onceConflicts(object: BpfObject, program: SymbolIndex): OnceConflict[] {
  const candidates = onceMaps(object);
  const maps = candidates.size < 2 ? [] : usedMaps(object, candidates, programFunctions(object, program));
  return ONCE_PER_PROGRAM.flatMap((resource): OnceConflict[] => {
    const names =
      resource.mapType === null
        ? callbacksOf(object, program)
        : namesOf(
            object,
            maps.filter(map => candidates.get(map) === resource.mapType),
          );
    return names.length > 1 ? [{ resource, names }] : [];
  });
}

const KNOWN_MAPS = new WeakMap<BpfObject, ReadonlyMap<SymbolIndex, number>>();

/** Maps of the types in the table, with their types; most objects have none. */
function onceMaps(object: BpfObject): ReadonlyMap<SymbolIndex, number> {
  const known = KNOWN_MAPS.get(object);
  if (known !== undefined) return known;
  const maps = new Map<SymbolIndex, number>();
  object.symbols.forEach((_, index) => {
    const type = mapTypeOf(object, index);
    if (type !== undefined && ONCE_PER_PROGRAM.some(({ mapType }) => mapType === type)) maps.set(index, type);
  });
  KNOWN_MAPS.set(object, maps);
  return maps;
}

/**
 * Those of `maps` that the functions refer to, or that variables need to which they refer, in symbol order.
 */
function usedMaps(
  object: BpfObject,
  maps: ReadonlyMap<SymbolIndex, number>,
  functions: readonly SymbolIndex[],
): SymbolIndex[] {
  const needs = implicitNeeds(object);
  const used = new Set<SymbolIndex>();
  for (const at of functions) {
    const symbol = object.symbols[at];
    for (const { symbol: target } of symbol?.kind === 'function' ? symbol.references : []) {
      used.add(target);
      for (const needed of needs(target)) used.add(needed);
    }
  }
  return [...maps.keys()].filter(index => used.has(index));
}

function callbacksOf(object: BpfObject, program: SymbolIndex): readonly string[] {
  return tagsOf(object).get(symbolOf(object, program).btfId) ?? [];
}

function namesOf(object: BpfObject, indexes: readonly SymbolIndex[]): string[] {
  return indexes.map(index => symbolOf(object, index).name);
}

const KNOWN = new WeakMap<BpfObject, ReadonlyMap<BtfId, readonly string[]>>();

function tagsOf(object: BpfObject): ReadonlyMap<BtfId, readonly string[]> {
  const known = KNOWN.get(object);
  if (known !== undefined) return known;
  const tags = exceptionCallbacks(object.btf);
  KNOWN.set(object, tags);
  return tags;
}

/** A called function with an exception callback, which a kernel calls for programs only. */
export interface LostCallback {
  readonly function: string;
  readonly callback: string;
}

/**
 * Exception callbacks that functions of `program` name but that are never called, because they are not
 * programs.
 */
export function lostCallbacks(object: BpfObject, program: SymbolIndex): LostCallback[] {
  if (tagsOf(object).size === 0) return [];
  return callGraph(object)
    .reach([program])
    .filter(at => at !== program)
    .flatMap(at => {
      const name = symbolOf(object, at).name;
      return callbacksOf(object, at).map(callback => ({ function: name, callback }));
    });
}

/** Arenas, where variables in `.addr_space.1` need the only one and there are several; by name. */
export function ambiguousArenas(object: BpfObject): readonly string[] {
  const hasVariables = object.symbols.some(
    symbol => symbol.kind === 'variable' && object.sections[symbol.section]?.name === ARENA_SECTION,
  );
  if (!hasVariables) return [];
  const arenas = mapsOfType(object, BPF_MAP_TYPE_ARENA);
  return arenas.length > 1 ? namesOf(object, arenas) : [];
}
