/** The call graph as a drawing. It takes a graph as data, and can be replaced by another drawing of the same. */

import type { GraphNode, GraphView } from '../messages.ts';
import { fill, h, svg } from './dom.ts';
import { type Place, placesOf } from './layout.ts';
import type { Origins } from './origins.ts';

const BOX = { width: 176, height: 44, across: 56, down: 14, margin: 8 } as const;
/** Characters of a name that fit into a box. */
const MOST_TEXT = 21;

export function graphView(graph: GraphView, origins: Origins): HTMLElement[] {
  const area = h('div', { class: 'scroll' });
  const show = (withData: boolean): void =>
    fill(area, drawingOf(withData ? graph : withoutData(graph), origins));
  const box = h('input', { type: 'checkbox', change: () => show(box.checked) });
  show(false);
  return [legend(), h('label', { class: 'check' }, box, 'also variables'), area];
}

/** Variables are many, and hide the calls. */
function withoutData({ nodes, edges }: GraphView): GraphView {
  const kept = [...nodes.keys()].filter(at => nodes[at]?.kind !== 'data');
  const place = new Map(kept.map((at, index) => [at, index]));
  return {
    nodes: nodes.filter(({ kind }) => kind !== 'data'),
    edges: edges.flatMap(({ from, to, kind }) => {
      const [start, end] = [place.get(from), place.get(to)];
      return start === undefined || end === undefined ? [] : [{ from: start, to: end, kind }];
    }),
  };
}

function drawingOf(graph: GraphView, origins: Origins): SVGElement {
  const places = placesOf(graph).map(pointOf);
  const width = Math.max(0, ...places.map(({ x }) => x)) + BOX.width + BOX.margin;
  const height = Math.max(0, ...places.map(({ y }) => y)) + BOX.height + BOX.margin;
  const size = { viewBox: `0 0 ${width} ${height}`, width: String(width), height: String(height) };
  return svg(
    'svg',
    { class: 'graph', ...size, role: 'img', 'aria-label': 'Call graph' },
    arrowHead(),
    ...graph.edges.map(edge => edgePath(edge, places)),
    ...graph.nodes.map((node, at) => nodeBox(node, places[at] ?? ORIGIN, origins)),
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const ORIGIN: Point = { x: 0, y: 0 };

function pointOf({ column, row }: Place): Point {
  return {
    x: BOX.margin + column * (BOX.width + BOX.across),
    y: BOX.margin + row * (BOX.height + BOX.down),
  };
}

function legend(): HTMLElement {
  const words = [
    ['program', 'program'],
    ['function', 'function'],
    ['map', 'map'],
    ['data', 'variable'],
    ['extern', 'extern'],
  ] as const;
  return h(
    'p',
    { class: 'legend' },
    ...words.map(([kind, text]) => h('span', { class: `kind kind-${kind}` }, text)),
    'solid: calls; dashed: uses. The stripe is the input that a symbol came from.',
  );
}

function arrowHead(): SVGElement {
  const marker = {
    id: 'arrow',
    viewBox: '0 0 8 8',
    refX: '7',
    refY: '4',
    markerWidth: '7',
    markerHeight: '7',
  };
  const head = svg('path', { d: 'M0 0 L8 4 L0 8 z', class: 'arrow' });
  return svg('defs', {}, svg('marker', { ...marker, orient: 'auto-start-reverse' }, head));
}

function edgePath({ from, to, kind }: GraphView['edges'][number], places: readonly Point[]): SVGElement {
  const [start, end] = [places[from] ?? ORIGIN, places[to] ?? ORIGIN];
  const [x1, y1] = [start.x + BOX.width, start.y + BOX.height / 2];
  const [x2, y2] = [end.x - 2, end.y + BOX.height / 2];
  const bend = Math.max(30, (x2 - x1) / 2);
  const d = `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return svg('path', { d, class: `edge edge-${kind}`, 'marker-end': 'url(#arrow)' });
}

function nodeBox({ name, kind, from, detail }: GraphNode, { x, y }: Point, origins: Origins): SVGElement {
  const [width, height] = [String(BOX.width), String(BOX.height)];
  const text = (content: string, line: number, name: string): SVGElement =>
    svg('text', { x: String(x + 14), y: String(y + line), class: name }, content);
  return svg(
    'g',
    { class: `node kind-${kind}` },
    svg('title', {}, [name, from, detail].filter(one => one !== '').join('\n')),
    svg('rect', { x: String(x), y: String(y), width, height, rx: '6', class: 'box' }),
    svg('rect', { x: String(x), y: String(y), width: '6', height, rx: '3', class: origins.classOf(from) }),
    text(short(name), 18, 'node-name'),
    text(
      short(detail === '' ? kind : detail.replace(' instructions', ' insns').replace(' of stack', '')),
      35,
      'detail',
    ),
  );
}

function short(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 1)}…`;
}
