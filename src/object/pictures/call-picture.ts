/**
 * The call graph of an object as a picture: functions with their stack, what they call, hand out, use and replace, and
 * the path that takes most stack. Calls, stack and depth are those of `callGraph`.
 */

import { counted, type Limits } from '../../diag/index.ts';
import { boundedPicture, type Picture, type PictureEdge, type PictureNode } from '../../picture/index.ts';
import { type CallPath, callGraph, isMetadata, MAX_CALL_FRAMES, MAX_STACK_BYTES } from '../analysis/index.ts';
import {
  type BpfObject,
  isDebugSection,
  programsOf,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../model/index.ts';
import { edgesOf, type NodeAt } from './call-edges.ts';
import { externNode, functionNode, mapNode, sectionNode, targetNodes, variableNode } from './symbol-nodes.ts';

/** How much of an object a picture has; each word leaves out more than the one before. */
type Extent = 'all' | 'sections' | 'maps' | 'functions';

const EXTENTS: readonly (readonly [Extent, string])[] = [
  ['all', ''],
  ['sections', 'single variables'],
  ['maps', 'variables and externs'],
  ['functions', 'variables, externs and maps'],
];

/**
 * The call graph of an object as a picture; with less in it where the limit `picture` asks for that. Throws
 * `picture-limit` where the functions alone are too many.
 */
export function callPicture(object: BpfObject, limits?: Limits): Picture {
  const drawings = EXTENTS.map(([extent, without]) => ({ without, draw: () => pictureOf(object, extent) }));
  const instead = 'draw one function (--function NAME)';
  return boundedPicture(drawings, { limits, where: [object.name], instead });
}

function pictureOf(object: BpfObject, extent: Extent): Picture {
  const nodeAt = placesOf(object, extent);
  const nodes = new Map<string, PictureNode>();
  object.symbols.forEach((_, index) => {
    const id = nodeAt(index);
    if (id !== undefined && !nodes.has(id)) nodes.set(id, nodeOf(object, index, extent));
  });
  const deepest = mostStack(object);
  const targets = targetNodes(object);
  return {
    title: object.name,
    details: detailsOf(object),
    direction: 'right',
    nodes: [...nodes.values(), ...targets.nodes],
    edges: [...marked(edgesOf(object, nodeAt), deepest), ...targets.edges],
    clusters: [],
    marked: deepest === undefined ? null : pathText(object, deepest),
    notes: [],
  };
}

function detailsOf(object: BpfObject): string[] {
  const functions = object.symbols.filter(({ kind }) => kind === 'function').length;
  const maps = object.symbols.filter(({ kind }) => kind === 'map').length;
  const programs = counted(programsOf(object).length, 'program');
  return [`call graph: ${programs}, ${counted(functions, 'function')}, ${counted(maps, 'map')}`];
}

function placesOf(object: BpfObject, extent: Extent): NodeAt {
  const ids = object.symbols.map((symbol, index): string | undefined => {
    if (symbol.kind === 'function') return `symbol ${index}`;
    if (symbol.kind === 'map') return extent === 'functions' ? undefined : `symbol ${index}`;
    if (extent === 'maps' || extent === 'functions' || symbol.name === '') return undefined;
    if (symbol.kind === 'extern') return `symbol ${index}`;
    const section = sectionNameOf(object, symbol);
    if (isMetadata(object, index) || isDebugSection(section)) return undefined;
    return extent === 'all' ? `symbol ${index}` : `section ${section}`;
  });
  return index => ids[index];
}

function nodeOf(object: BpfObject, index: SymbolIndex, extent: Extent): PictureNode {
  const symbol = symbolOf(object, index);
  const id = `symbol ${index}`;
  if (symbol.kind === 'function') return functionNode(object, id, symbol, index);
  if (symbol.kind === 'map') return mapNode(object, id, symbol);
  if (symbol.kind === 'extern') return externNode(object, id, symbol);
  return extent === 'all'
    ? variableNode(object, id, symbol)
    : sectionNode(object, sectionNameOf(object, symbol));
}

// --- the path with the most stack ---------------------------------------------------------------------------------

/** Of all programs, or of all functions where there are none; undefined where nothing calls anything. */
function mostStack(object: BpfObject): CallPath | undefined {
  const graph = callGraph(object);
  const programs = programsOf(object).map(({ index }) => index);
  const functions = object.symbols.flatMap(({ kind }, index) => (kind === 'function' ? [index] : []));
  const roots = programs.length === 0 ? functions : programs.flatMap(index => graph.stackRoots(index));
  let most: CallPath | undefined;
  for (const root of new Set(roots)) {
    const path = graph.mostStack(root);
    if (path.path.length > 1 && (most === undefined || path.total > most.total)) most = path;
  }
  return most;
}

function marked(edges: readonly PictureEdge[], path: CallPath | undefined): PictureEdge[] {
  const steps = new Set<string>();
  path?.path.slice(1).forEach((to, at) => {
    steps.add(`symbol ${path.path[at]} symbol ${to}`);
  });
  return edges.map(edge => ({ ...edge, marked: steps.has(`${edge.from} ${edge.to}`) }));
}

function pathText(object: BpfObject, { total, path }: CallPath): string {
  const names = path.map(index => symbolOf(object, index).name).join(' → ');
  if (total === Number.POSITIVE_INFINITY) return `calls in a cycle: ${names}`;
  return `most stack: ${total} of ${MAX_STACK_BYTES} bytes, ${path.length} of ${MAX_CALL_FRAMES} frames: ${names}`;
}
