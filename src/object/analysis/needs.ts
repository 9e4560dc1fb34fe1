/**
 * What atoms need without referring to it, and what is wanted by loaders and tools though no code refers to
 * it.
 *
 * One table of each; garbage collection, relinking and loading ask here. A need follows from a live symbol
 * (`NEEDS`); what is wanted stays in any case (`WANTED`). In an object that was linked from several files, a
 * need is met by symbols of the same file where there are any: each file was written for its own.
 */

import { RootletError } from '../../diag/index.ts';
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isDebugSection,
  isPinnedMap,
  isProgram,
  JUMP_TABLES,
  type MapSymbol,
  parseMapDefinition,
  programsOf,
  type SymbolIndex,
  sectionNameOf,
  sectionOf,
  type VariableSymbol,
} from '../model/index.ts';
import { programTypeOf } from '../programs/index.ts';
import { exceptionCallbacks } from './exception-callbacks.ts';

/** Variables of address space 1, which are in the object's arena. */
export const ARENA_SECTION = '.addr_space.1';
/** libxdp finds what `XDP_RUN_CONFIG(prog)` says by the name `_prog`, in a section of its own. */
export const RUN_CONFIG_SECTION = '.xdp_run_config';
/** bpftool prints constants of this prefix with the programs of an object. */
const METADATA_PREFIX = 'bpf_metadata_';

// --- needs -------------------------------------------------------------------------------------------------

/** What one symbol needs, besides what it refers to. */
export type Needs = (index: SymbolIndex) => readonly SymbolIndex[];

/** For passes that follow references alone. */
export const NO_NEEDS: Needs = () => [];

interface NeedRule {
  readonly kind: 'arena' | 'exception-callback' | 'run-configuration' | 'neighbour';
  /** Undefined when the object has nothing of the kind, so that it costs nothing. */
  readonly prepare: (object: BpfObject) => Needs | undefined;
}

/**
 * The table of implicit needs. Operations of a struct_ops variable and static values of a program array are
 * references, which every pass follows; loaders take them from `heldPrograms`, autoload or not.
 */
const NEEDS: readonly NeedRule[] = [
  { kind: 'arena', prepare: arenaNeeds },
  { kind: 'exception-callback', prepare: callbackNeeds },
  { kind: 'run-configuration', prepare: runConfigNeeds },
  { kind: 'neighbour', prepare: neighbourNeeds },
];

const KNOWN = new WeakMap<BpfObject, Needs>();

/** All implicit needs of an object. */
export function implicitNeeds(object: BpfObject): Needs {
  const known = KNOWN.get(object);
  if (known !== undefined) return known;
  const rules = NEEDS.flatMap(({ prepare }) => prepare(object) ?? []);
  const needs: Needs = rules.length === 0 ? NO_NEEDS : index => rules.flatMap(rule => rule(index));
  KNOWN.set(object, needs);
  return needs;
}

/** A variable in `.addr_space.1` needs the arena that gives it a place. */
function arenaNeeds(object: BpfObject): Needs | undefined {
  if (!object.sections.some(section => section.name === ARENA_SECTION)) return undefined;
  const arenas = mapsOfType(object, BPF_MAP_TYPE_ARENA);
  return index => {
    const symbol = object.symbols[index];
    const isIn = symbol?.kind === 'variable' && sectionOf(object, symbol)?.name === ARENA_SECTION;
    return isIn ? ofSameFile(object, symbol, arenas) : [];
  };
}

/** A function with a tag `exception_callback:NAME` needs the global function NAME. */
function callbackNeeds(object: BpfObject): Needs | undefined {
  const callbacks = exceptionCallbacks(object.btf);
  if (callbacks.size === 0) return undefined;
  const named = symbolsByName(object, symbol => symbol.kind === 'function' && symbol.binding !== 'local');
  return index => {
    const symbol = object.symbols[index];
    if (symbol?.kind !== 'function') return [];
    const names = callbacks.get(symbol.btfId) ?? [];
    return names.flatMap(name => ofSameFile(object, symbol, named.get(name) ?? []));
  };
}

/** A program needs its entry in `.xdp_run_config`; a program that became a function has no use for one. */
function runConfigNeeds(object: BpfObject): Needs | undefined {
  if (!object.sections.some(section => section.name === RUN_CONFIG_SECTION)) return undefined;
  const named = symbolsByName(object, symbol => sectionOf(object, symbol)?.name === RUN_CONFIG_SECTION);
  return index => {
    const symbol = object.symbols[index];
    if (symbol === undefined || !isProgram(object, symbol)) return [];
    return ofSameFile(object, symbol, named.get(`_${symbol.name}`) ?? []);
  };
}

/**
 * A variable of size 0 marks a place: what is meant is the variable after it in the section; after the last one, the
 * one before. Without it the section may be empty, which no loader takes.
 */
function neighbourNeeds(object: BpfObject): Needs | undefined {
  const marks = object.symbols.flatMap((symbol, index) => (isMark(symbol) ? [index] : []));
  if (marks.length === 0) return undefined;
  const needed = new Map<SymbolIndex, SymbolIndex>();
  const before = new Map<string, SymbolIndex>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind !== 'variable') return;
    const place = `${symbol.section} ${symbol.origin.file}`;
    const previous = before.get(place);
    if (previous !== undefined && isMark(object.symbols[previous])) needed.set(previous, index);
    if (previous !== undefined && isMark(symbol)) needed.set(index, previous); // until one follows
    before.set(place, index);
  });
  return index => {
    const neighbour = needed.get(index);
    return neighbour === undefined ? [] : [neighbour];
  };
}

function isMark(symbol: BpfSymbol | undefined): boolean {
  return symbol?.kind === 'variable' && symbol.size === 0 && symbol.aliasOf === undefined;
}

function symbolsByName(
  object: BpfObject,
  applies: (symbol: BpfSymbol) => boolean,
): ReadonlyMap<string, readonly SymbolIndex[]> {
  const named = new Map<string, SymbolIndex[]>();
  object.symbols.forEach((symbol, index) => {
    if (!applies(symbol)) return;
    const others = named.get(symbol.name);
    if (others === undefined) named.set(symbol.name, [index]);
    else others.push(index);
  });
  return named;
}

/** Those that came from the file of `symbol`; all when none did. */
function ofSameFile(
  object: BpfObject,
  symbol: BpfSymbol,
  candidates: readonly SymbolIndex[],
): readonly SymbolIndex[] {
  const file = fileOf(symbol);
  const own = candidates.filter(index => fileOf(object.symbols[index]) === file);
  return own.length > 0 ? own : candidates;
}

function fileOf(symbol: BpfSymbol | undefined): string | undefined {
  return symbol === undefined || symbol.kind === 'extern' ? undefined : symbol.origin.file;
}

// --- wanted ------------------------------------------------------------------------------------------------

interface WantedRule {
  readonly kind: 'license' | 'operations' | 'pin' | 'metadata';
  readonly applies: (object: BpfObject, symbol: BpfSymbol, section: string) => boolean;
}

/**
 * What loaders, tools and other processes look for, whatever refers to it, in components as in whole objects.
 */
const WANTED: readonly WantedRule[] = [
  { kind: 'license', applies: (_object, _symbol, section) => section === 'license' || section === 'version' },
  { kind: 'operations', applies: (_object, _symbol, section) => isOperationsSection(section) },
  { kind: 'pin', applies: (object, symbol) => isPinnedMap(object, symbol) },
  {
    kind: 'metadata',
    applies: (_object, { name }, section) =>
      name.startsWith(METADATA_PREFIX) && (section === '.rodata' || section.startsWith('.rodata.')),
  },
];

/** License and version, struct_ops variables, maps pinned by name, `bpf_metadata_*`. */
export function isNeededAnyway(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  if (symbol === undefined || symbol.kind === 'extern') return false;
  const section = sectionNameOf(object, symbol);
  return WANTED.some(({ applies }) => applies(object, symbol, section));
}

/** Sections whose variables are reached through references, if at all. */
const MAP_SECTIONS = ['.data', '.rodata', '.bss', '.maps', '.addr_space', JUMP_TABLES, '.kconfig'];

/** A variable that no program reads, kept in a section of its own for those who load the object. */
export function isMetadata(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  if (symbol?.kind !== 'variable' || symbol.name === '') return false;
  const section = sectionNameOf(object, symbol);
  return !MAP_SECTIONS.some(name => section.startsWith(name)) && !isDebugSection(section);
}

/** Whether variables of the section are struct_ops maps; with `?` they are not created by themselves. */
export function isOperationsSection(section: string): boolean {
  const name = section.startsWith('?') ? section.slice(1) : section;
  return name === '.struct_ops' || name === '.struct_ops.link';
}

// --- programs ----------------------------------------------------------------------------------------------

/**
 * Programs that the contents of an object name: static values of program arrays, and operations of struct_ops
 * variables that are created by themselves. They are loaded with the object, even in `SEC("?…")`: an array
 * without them lets every tail call fall through, and a struct_ops map without them lacks its operations.
 */
export function heldPrograms(object: BpfObject): ReadonlySet<SymbolIndex> {
  const held = new Set<SymbolIndex>();
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'map' && !isCreatedOperations(object, symbol)) continue;
    for (const { symbol: target } of symbol.references)
      if (object.symbols[target]?.kind === 'function') held.add(target);
  }
  return held;
}

function isCreatedOperations(object: BpfObject, symbol: BpfSymbol): symbol is VariableSymbol {
  const section = symbol.kind === 'variable' ? sectionNameOf(object, symbol) : '';
  return isOperationsSection(section) && !section.startsWith('?');
}

/** A program array that is filled from outside, and the programs that it may be filled with. */
export interface TailCallTargets {
  readonly array: SymbolIndex;
  readonly programs: readonly SymbolIndex[];
}

/**
 * What the code of `program` may tail-call through arrays without static values among `used`: any other
 * program of its kind. This need is not certain, because only those who fill the array know: it is reported,
 * and not followed. `used` and the arrays are symbols of `whole`: the object itself, or the result of a link,
 * where the code of a library may have the array.
 */
export function mayTailCall(
  object: BpfObject,
  program: SymbolIndex,
  used: readonly boolean[],
  whole: BpfObject = object,
): TailCallTargets[] {
  const kindOf = (index: SymbolIndex): number | undefined => {
    const symbol = object.symbols[index];
    return symbol === undefined ? undefined : programTypeOf(sectionNameOf(object, symbol))?.progType;
  };
  const kind = kindOf(program);
  const programs = programsOf(object)
    .map(({ index }) => index)
    .filter(index => index !== program && kindOf(index) === kind);
  if (programs.length === 0) return [];
  return mapsOfType(whole, BPF_MAP_TYPE_PROG_ARRAY)
    .filter(index => used[index] === true && !hasContents(whole, index))
    .map(array => ({ array, programs }));
}

function hasContents(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  return symbol?.kind === 'map' && symbol.references.length > 0;
}

// --- maps --------------------------------------------------------------------------------------------------

const KNOWN_TYPES = new WeakMap<BpfObject, Map<SymbolIndex, number | undefined>>();

/** Type of a map that is defined here; undefined for other symbols, and where the definition is not valid. */
export function mapTypeOf(object: BpfObject, index: SymbolIndex): number | undefined {
  const symbol = object.symbols[index];
  if (symbol?.kind !== 'map') return undefined;
  const known = KNOWN_TYPES.get(object) ?? new Map<SymbolIndex, number | undefined>();
  KNOWN_TYPES.set(object, known);
  if (!known.has(index)) known.set(index, definedType(object, symbol));
  return known.get(index);
}

function definedType(object: BpfObject, symbol: MapSymbol): number | undefined {
  try {
    return parseMapDefinition(object, symbol).type;
  } catch (error) {
    // what is wrong with a definition is reported where the map is made
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

/** Maps of one type that are defined here, in symbol order. */
export function mapsOfType(object: BpfObject, type: number): SymbolIndex[] {
  return object.symbols.flatMap((_, index) => (mapTypeOf(object, index) === type ? [index] : []));
}
