/**
 * Which components a linked program consists of, and where in its code each of them begins. A linked object does not say
 * that by itself; the lines of the C source do, and the functions that a link reports.
 *
 * A component is what a slot calls: a function of another C file than the program's, with the context of the program
 * as its only argument. In a generated chain it is also the code of each C file that was inlined; there is no telling
 * components from libraries in what was inlined into another program. The verdict of a program is that of the component
 * that ran last.
 */

import { elementAt } from '../../bytes/index.ts';
import type { BpfObject, FunctionSymbol, SymbolIndex } from '../model/index.ts';
import { sectionNameOf } from '../model/index.ts';
import { contextParameter, programTypeOf, prototypeOf } from '../programs/index.ts';
import { callGraph } from './call-graph.ts';

/** File of the lines of generated chains. */
export const CHAIN_SOURCE = 'chain';

/** Numbers of instructions, by function and slot: the embedded machine keeps that of the last one that ran. */
export type CodeMarks = ReadonlyMap<SymbolIndex, ReadonlyMap<number, number>>;

/** Components by their numbers: the first one is 1. */
export interface ComponentMarks {
  readonly names: readonly string[];
  readonly marks: CodeMarks;
}

/** The components of a program, as its lines tell them; none where it has no lines. */
export function componentsOf(object: BpfObject, program: SymbolIndex): ComponentMarks {
  const symbol = object.symbols[program];
  const own = symbol?.kind === 'function' ? programSource(symbol) : undefined;
  if (symbol?.kind !== 'function' || own === undefined) return { names: [], marks: new Map() };
  const found = new Found();
  if (own === CHAIN_SOURCE) found.add(program, inlinedStarts(symbol));
  for (const [entry, file] of entriesOf(object, program, own)) found.add(entry, [[0, file]]);
  return found.finish();
}

/** The components of a program that are these functions, by the names that a caller gives them. */
export function namedComponents(
  object: BpfObject,
  components: readonly { readonly name: string; readonly function: string }[],
): ComponentMarks {
  const entries = components.map(({ function: name }, at) => {
    const symbol = object.symbols.findIndex(one => one.kind === 'function' && one.name === name);
    return [symbol, new Map([[0, at + 1]])] as const;
  });
  return {
    names: components.map(({ name }) => name),
    marks: new Map(entries.filter(([symbol]) => symbol >= 0)),
  };
}

/** Slots at which code of a file begins. */
type Starts = readonly (readonly [slot: number, file: string])[];

class Found {
  readonly #files: string[] = [];
  readonly #marks = new Map<SymbolIndex, ReadonlyMap<number, number>>();

  add(symbol: SymbolIndex, starts: Starts): void {
    this.#marks.set(symbol, new Map(starts.map(([slot, file]) => [slot, this.#numberOf(file)])));
  }

  #numberOf(file: string): number {
    const known = this.#files.indexOf(file);
    return known >= 0 ? known + 1 : this.#files.push(file);
  }

  finish(): ComponentMarks {
    return { names: shortNames(this.#files), marks: this.#marks };
  }
}

/** Names without directories, where they differ. */
function shortNames(files: readonly string[]): string[] {
  const short = files.map(file => file.slice(file.lastIndexOf('/') + 1));
  return new Set(short).size === short.length ? short : [...files];
}

// --- sources ------------------------------------------------------------------------------------------------------

function isHeader(file: string): boolean {
  return /\.(h|hh|hpp|inc)$/i.test(file);
}

function programSource(symbol: FunctionSymbol): string | undefined {
  const lines = [...symbol.lines];
  return lines.some(({ file }) => file === CHAIN_SOURCE) ? CHAIN_SOURCE : sourceOf(symbol);
}

/** The C file of a function; undefined where it has no lines. */
function sourceOf({ lines }: FunctionSymbol): string | undefined {
  return [...lines].find(({ file }) => !isHeader(file))?.file;
}

/** Functions that are components, with their files, in the order in which the program reaches them. */
function entriesOf(object: BpfObject, program: SymbolIndex, own: string): Map<SymbolIndex, string> {
  const entries = new Map<SymbolIndex, string>();
  const inside = new Set([program]);
  for (const at of inside) {
    for (const callee of callGraph(object).callees(at)) {
      const symbol = object.symbols[callee];
      const file = symbol?.kind === 'function' ? sourceOf(symbol) : undefined;
      if (symbol?.kind !== 'function' || file === undefined) continue;
      if (file === own) inside.add(callee);
      else if (takesContext(object, symbol, program)) entries.set(callee, file);
    }
  }
  return entries;
}

function takesContext(object: BpfObject, symbol: FunctionSymbol, program: SymbolIndex): boolean {
  const { btf } = object;
  if (btf === null || prototypeOf(btf, symbol.btfId)?.params.length !== 1) return false;
  const section = sectionNameOf(object, elementAt(object.symbols, program));
  return contextParameter(btf, symbol.btfId, 0, programTypeOf(section)?.progType) !== undefined;
}

/**
 * Where the code of another file begins in a chain, in the order of its instructions. Lines of a header belong to the code
 * before them; after lines of the chain itself, to the code after them.
 */
function inlinedStarts({ lines }: FunctionSymbol): Starts {
  const records = [...lines];
  const sources = nextSources(records.map(({ file }) => file));
  const starts: [slot: number, file: string][] = [];
  let current = CHAIN_SOURCE;
  records.forEach(({ insnIndex, file }, at) => {
    if (isHeader(file) && current !== CHAIN_SOURCE) return;
    const source = elementAt(sources, at);
    if (source !== current && source !== CHAIN_SOURCE) starts.push([insnIndex, source]);
    current = source;
  });
  return starts;
}

/** For each file itself, for a header the next file that is none. */
function nextSources(files: readonly string[]): string[] {
  let next = CHAIN_SOURCE;
  return files
    .toReversed()
    .map(file => {
      if (!isHeader(file)) next = file;
      return next;
    })
    .toReversed();
}
