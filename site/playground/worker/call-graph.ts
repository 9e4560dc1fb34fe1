/**
 * The call graph of an object as data for a drawing: functions, and with them the maps, variables and externs that they
 * refer to. The page draws what it gets, wherever it comes from.
 */

import { printableName } from '../../../src/diag/index.ts';
import { type BpfObject, type BpfSymbol, callGraph, programsOf } from '../../../src/object/index.ts';
import { INSN_SIZE } from '../../../src/uapi/index.ts';
import type { GraphNode, GraphView } from '../messages.ts';

/** Input that a symbol came from, by its index. */
export type OriginOf = (index: number) => string;

/** A drawing with more is not readable. */
const MOST_NODES = 120;

export function graphOf(object: BpfObject, originOf: OriginOf): GraphView {
  const programs = new Set(programsOf(object).map(({ index }) => index));
  const shown = object.symbols
    .flatMap((symbol, index) => (isShown(symbol) ? [index] : []))
    .slice(0, MOST_NODES);
  const place = new Map(shown.map((index, at) => [index, at]));
  const nodes = shown.flatMap(index => {
    const symbol = object.symbols[index];
    return symbol === undefined ? [] : [nodeOf(object, symbol, index, programs.has(index), originOf(index))];
  });
  return { nodes, edges: shown.flatMap(index => edgesOf(object, index, place)) };
}

function isShown(symbol: BpfSymbol): boolean {
  return symbol.name !== '' && !(symbol.kind === 'variable' && symbol.name === '_license');
}

function nodeOf(
  object: BpfObject,
  symbol: BpfSymbol,
  index: number,
  isProgram: boolean,
  from: string,
): GraphNode {
  return {
    name: printableName(symbol.name),
    kind: kindOf(symbol, isProgram),
    from,
    detail: symbol.kind === 'function' ? detailOf(object, symbol.code.length, index) : '',
  };
}

function kindOf({ kind }: BpfSymbol, isProgram: boolean): GraphNode['kind'] {
  if (kind === 'variable') return 'data';
  return isProgram ? 'program' : kind;
}

function detailOf(object: BpfObject, bytes: number, index: number): string {
  return `${bytes / INSN_SIZE} instructions, ${callGraph(object).frameBytes(index)} bytes of stack`;
}

function edgesOf(object: BpfObject, index: number, place: ReadonlyMap<number, number>): GraphView['edges'] {
  const symbol = object.symbols[index];
  const from = place.get(index);
  if (symbol === undefined || symbol.kind === 'extern' || from === undefined) return [];
  const targets = new Set(symbol.references.map(reference => reference.symbol));
  return [...targets].flatMap(target => {
    const to = place.get(target);
    if (to === undefined) return [];
    return [{ from, to, kind: object.symbols[target]?.kind === 'function' ? 'call' : 'use' } as const];
  });
}
