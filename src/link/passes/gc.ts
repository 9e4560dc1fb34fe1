/**
 * Garbage collection: which symbols a set of roots reaches through references.
 *
 * Iterative marking; for every live symbol it is remembered who kept it, so that "why is this here" has an answer.
 */

import {
  type BpfObject,
  isDebugSection,
  isPinnedMap,
  isProgram,
  type SymbolIndex,
  sectionOf,
} from '../../object/index.ts';
import { exceptionCallbacks } from './exception-callbacks.ts';

export interface Liveness {
  readonly live: readonly boolean[];
  /** Symbol that first kept this one; -1 for roots and dead symbols. */
  readonly keptBy: Int32Array;
}

export function markLive(object: BpfObject, roots: Iterable<SymbolIndex>): Liveness {
  const live = new Array<boolean>(object.symbols.length).fill(false);
  const keptBy = new Int32Array(object.symbols.length).fill(-1);
  const callbacks = exceptionCallbacks(object.btf);
  const work: SymbolIndex[] = [];
  const visit = (index: SymbolIndex, by: SymbolIndex): void => {
    if (live[index] !== false) return;
    live[index] = true;
    keptBy[index] = by;
    work.push(index);
  };
  for (const root of roots) visit(root, -1);
  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    const symbol = object.symbols[index];
    if (symbol === undefined || symbol.kind === 'extern') continue;
    for (const reference of symbol.references) visit(reference.symbol, index);
    for (const name of callbacks.get(symbol.btfId) ?? []) visit(functionNamed(object, name), index);
  }
  return { live, keptBy };
}

/** Index of a global function, -1 when there is none. */
function functionNamed(object: BpfObject, name: string): SymbolIndex {
  return object.symbols.findIndex(
    symbol => symbol.kind === 'function' && symbol.binding !== 'local' && symbol.name === name,
  );
}

/**
 * Symbols that are needed whatever refers to them: programs, licence and version, struct_ops, maps pinned by name, and
 * what loaders read by section name (`.xdp_run_config` and other sections that become no map).
 */
export function defaultRoots(object: BpfObject): SymbolIndex[] {
  return object.symbols.flatMap((symbol, index) =>
    isNeededAnyway(object, index) || isProgram(object, symbol) || isMetadata(object, index) ? [index] : [],
  );
}

/** Sections whose variables are reached through references, if at all. */
const MAP_SECTIONS = ['.data', '.rodata', '.bss', '.maps', '.addr_space', '.jumptables', '.kconfig'];

/** A variable that no program reads, kept in a section of its own for whoever loads the object. */
export function isMetadata(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  if (symbol?.kind !== 'variable' || symbol.name === '') return false;
  const section = sectionOf(object, symbol)?.name ?? '';
  return !MAP_SECTIONS.some(name => section.startsWith(name)) && !isDebugSection(section);
}

/** Licence and version, struct_ops, maps pinned by name. */
export function isNeededAnyway(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  if (symbol === undefined || symbol.kind === 'extern') return false;
  const section = sectionOf(object, symbol)?.name ?? '';
  if (section === 'license' || section === 'version') return true;
  if (section.startsWith('.struct_ops') || section.startsWith('?.struct_ops')) return true;
  return isPinnedMap(object, symbol);
}

/** From a root to `index`: the chain of symbols that keeps it; empty when it is dead. */
export function pathTo(liveness: Liveness, index: SymbolIndex): SymbolIndex[] {
  if (liveness.live[index] !== true) return [];
  const path: SymbolIndex[] = [];
  for (let current = index; current >= 0; current = liveness.keptBy[current] ?? -1) path.push(current);
  return path.reverse();
}
