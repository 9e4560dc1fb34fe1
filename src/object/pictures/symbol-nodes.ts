/** Symbols as nodes: what a picture says of functions, maps, variables and externs. */

import { counted, RootletError } from '../../diag/index.ts';
import { edge, type NodeKind, node, type PictureEdge, type PictureNode } from '../../picture/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, BPF_PROG_TYPE_EXT, INSN_SIZE, mapTypeName } from '../../uapi/index.ts';
import { callGraph, declaredKind } from '../analysis/index.ts';
import {
  type BpfObject,
  type ExternSymbol,
  type FunctionSymbol,
  isProgram,
  type MapSymbol,
  parseMapDefinition,
  programsOf,
  type SymbolIndex,
  sectionNameOf,
  type VariableSymbol,
} from '../model/index.ts';
import { programTypeOf } from '../programs/index.ts';

export function functionNode(
  object: BpfObject,
  id: string,
  symbol: FunctionSymbol,
  index: SymbolIndex,
): PictureNode {
  const graph = callGraph(object);
  const isRoot = isProgram(object, symbol);
  const size = counted(symbol.code.length / INSN_SIZE, 'instruction');
  const own = `${size}, ${graph.frameBytes(index)} bytes of stack`;
  return node(id, functionKind(object, symbol), symbol.name, [
    ...(isRoot ? [sectionNameOf(object, symbol)] : []),
    own,
    ...(isRoot ? [depthText(object, index)] : []),
  ]);
}

function functionKind(object: BpfObject, symbol: FunctionSymbol): NodeKind {
  const isLocal = symbol.binding === 'local';
  if (isProgram(object, symbol)) return 'program';
  return isLocal ? 'subprogram' : 'function';
}

function depthText(object: BpfObject, index: SymbolIndex): string {
  const graph = callGraph(object);
  const [frames, stack] = [graph.deepest(index).total, graph.mostStack(index).total];
  if (stack === Number.POSITIVE_INFINITY) return 'calls itself in a cycle';
  return `with calls: ${counted(frames, 'frame')}, ${stack} bytes`;
}

export function mapNode(object: BpfObject, id: string, symbol: MapSymbol): PictureNode {
  return node(id, 'map', symbol.name, mapDetails(object, symbol));
}

/** What is wrong with a definition is reported where the map is made. */
function mapDetails(object: BpfObject, symbol: MapSymbol): string[] {
  try {
    const { type, keySize, valueSize, maxEntries, pinning } = parseMapDefinition(object, symbol);
    const isFilledLater = type === BPF_MAP_TYPE_PROG_ARRAY && symbol.references.length === 0;
    return [
      mapTypeName(type),
      ...(maxEntries === 0 ? [] : [counted(maxEntries, 'entry')]),
      ...(keySize + valueSize === 0 ? [] : [`key ${keySize}, value ${valueSize} bytes`]),
      ...(pinning === 0 ? [] : ['pinned']),
      ...(isFilledLater ? ['filled at run time'] : []),
    ];
  } catch (error) {
    if (error instanceof RootletError) return ['definition that cannot be read'];
    throw error;
  }
}

export function variableNode(object: BpfObject, id: string, symbol: VariableSymbol): PictureNode {
  return node(id, 'variable', symbol.name, [
    `${sectionNameOf(object, symbol)}, ${counted(symbol.size, 'byte')}`,
  ]);
}

/** All variables of a section as one node. */
export function sectionNode(object: BpfObject, section: string): PictureNode {
  const variables = object.symbols.filter(
    symbol => symbol.kind === 'variable' && symbol.name !== '' && sectionNameOf(object, symbol) === section,
  );
  return node(`section ${section}`, 'variable', section, [counted(variables.length, 'variable')]);
}

export function externNode(object: BpfObject, id: string, symbol: ExternSymbol): PictureNode {
  const kind = declaredKind(object, symbol) ?? 'symbol';
  const weak = symbol.binding === 'weak' ? 'weak ' : '';
  const section = symbol.section === null ? '' : ` (${symbol.section})`;
  return node(id, 'extern', symbol.name, [`${weak}${kind}${section}`]);
}

/** Functions of other programs that programs of the object replace. */
export function targetNodes(object: BpfObject): { nodes: PictureNode[]; edges: PictureEdge[] } {
  const nodes = new Map<string, PictureNode>();
  const edges = programsOf(object).flatMap(({ index, program }) => {
    const type = programTypeOf(sectionNameOf(object, program));
    if (type?.progType !== BPF_PROG_TYPE_EXT || type.extra === '') return [];
    const id = `target ${type.extra}`;
    nodes.set(id, node(id, 'target', type.extra));
    return [edge(`symbol ${index}`, id, 'replace')];
  });
  return { nodes: [...nodes.values()], edges };
}
