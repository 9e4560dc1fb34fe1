/** References of an object as edges of its call graph: each pair of symbols once, by the strongest reason. */

import { type EdgeKind, edge, type PictureEdge } from '../../picture/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';
import { callGraph, implicitNeeds, mapTypeOf, referencesInOrder, tailCallers } from '../analysis/index.ts';
import { type BpfObject, type FunctionSymbol, type SymbolIndex, symbolOf } from '../model/index.ts';

/** Id of the node that shows a symbol; undefined for what is left out. */
export type NodeAt = (index: SymbolIndex) => string | undefined;

/** Edges between the symbols that have a node. */
export function edgesOf(object: BpfObject, nodeAt: NodeAt): PictureEdge[] {
  const found = new Map<string, PictureEdge>();
  const add = (from: SymbolIndex, to: SymbolIndex, [kind, label]: Reason): void => {
    const [start, end] = [nodeAt(from), nodeAt(to)];
    if (start === undefined || end === undefined) return;
    const key = `${start} ${end}`;
    if (!found.has(key) || kind === 'call') found.set(key, edge(start, end, kind, label));
  };
  object.symbols.forEach((symbol, from) => {
    if (symbol.kind === 'function') addCode(object, from, symbol, add);
    else if (symbol.kind !== 'extern')
      for (const { symbol: to } of symbol.references) add(from, to, contents(object, from, to));
  });
  return [...found.values()];
}

type Reason = readonly [kind: EdgeKind, label: string];
type Add = (from: SymbolIndex, to: SymbolIndex, reason: Reason) => void;

function addCode(object: BpfObject, from: SymbolIndex, symbol: FunctionSymbol, add: Add): void {
  for (const reference of referencesInOrder(symbol))
    add(from, reference.symbol, reasonOf(object, from, reference.symbol, reference.kind));
  for (const to of implicitNeeds(object)(from))
    if (symbolOf(object, to).kind === 'function') add(from, to, ['callback', 'exception']);
}

function reasonOf(object: BpfObject, from: SymbolIndex, to: SymbolIndex, how: 'call' | 'address'): Reason {
  const { kind } = symbolOf(object, to);
  if (how === 'call') return ['call', ''];
  if (kind === 'function') {
    const isLater = !callGraph(object).stackCallees(from).includes(to);
    return ['callback', isLater ? 'later, on its own stack' : ''];
  }
  const isArray = mapTypeOf(object, to) === BPF_MAP_TYPE_PROG_ARRAY;
  return [isArray && tailCallers(object).has(from) ? 'tail-call' : 'use', ''];
}

/** What data refers to: programs of an array, maps of a map, operations. */
function contents(object: BpfObject, from: SymbolIndex, to: SymbolIndex): Reason {
  const isArray = mapTypeOf(object, from) === BPF_MAP_TYPE_PROG_ARRAY;
  return [isArray && symbolOf(object, to).kind === 'function' ? 'tail-call' : 'hold', ''];
}
