/**
 * How kinds of nodes and edges look. Colours are pairs for light and dark surroundings: DOT has the light ones, and SVG
 * exchanges them by the style sheet that `darkRules` makes. All texts have at least the contrast 4.5:1 in both.
 */

import type { EdgeKind, NodeKind } from './model.ts';

/** `#rrggbb`, light and dark. */
export interface Colour {
  readonly light: string;
  readonly dark: string;
}

function colour(light: string, dark: string): Colour {
  return { light, dark };
}

export const PAPER = colour('#ffffff', '#0d1117');
export const INK = colour('#1b2430', '#e6edf3');
export const FADED = colour('#526072', '#9fb0c3');
export const FRAME = { fill: colour('#f6f8fa', '#151b23'), line: colour('#c3ccd6', '#3d4752') };
export const MARK = colour('#d9480f', '#ff9d5c');

export interface NodeStyle {
  readonly shape: 'box' | 'cylinder' | 'note' | 'component';
  /** Of Graphviz; `filled` is always there. */
  readonly style: '' | 'rounded' | 'dashed' | 'rounded,dashed' | 'bold' | 'rounded,bold';
  readonly fill: Colour;
  readonly line: Colour;
  /** In the legend; '': it explains itself. */
  readonly meaning: string;
  /** Lines of code, in a fixed pitch and left-aligned. */
  readonly isCode: boolean;
}

function style(
  shape: NodeStyle['shape'],
  of: NodeStyle['style'],
  fill: Colour,
  line: Colour,
  meaning: string,
): NodeStyle {
  return { shape, style: of, fill, line, meaning, isCode: false };
}

const BLUE = [colour('#dbeafe', '#16325c'), colour('#1d4ed8', '#7db3ff')] as const;
const INDIGO = [colour('#e8eaff', '#2a2b5e'), colour('#4f46e5', '#a9b4ff')] as const;
const GREY = [colour('#eef2f6', '#26303b'), colour('#5b6b7d', '#93a4b7')] as const;
const TEAL = [colour('#d5f7f0', '#0f3a37'), colour('#0f766e', '#5eead4')] as const;
const GREEN = [colour('#ddf7e4', '#14381f'), colour('#15803d', '#6ee7a0')] as const;
const AMBER = [colour('#fdf1cd', '#40300f'), colour('#a85c05', '#f7c948')] as const;
const ROSE = [colour('#ffeef0', '#431a24'), colour('#be123c', '#fda4b4')] as const;
const PURPLE = [colour('#f4e8ff', '#38214f'), colour('#8b2fd6', '#d8b4fe')] as const;
const PINK = [colour('#fde8f3', '#45193a'), colour('#a8206f', '#f9a8d4')] as const;
const STEEL = [colour('#e1e8f0', '#2b3645'), colour('#2f4157', '#b8c8da')] as const;
const WHITE = [colour('#fcfdff', '#12181f'), colour('#5f6f80', '#8b9bad')] as const;
const PALE = [colour('#fafbfc', '#181e26'), colour('#98a5b3', '#5d6b7a')] as const;

export const NODE_STYLES: Readonly<Record<NodeKind, NodeStyle>> = {
  hook: style('box', 'bold', ...PURPLE, 'hook'),
  chain: style('box', 'rounded,bold', ...PINK, 'chain or rootlet'),
  program: style('box', 'rounded,bold', ...BLUE, 'program'),
  function: style('box', 'rounded', ...INDIGO, 'global function'),
  subprogram: style('box', 'rounded', ...GREY, 'static function'),
  slot: style('box', 'rounded,dashed', ...TEAL, 'slot'),
  map: style('cylinder', '', ...GREEN, 'map'),
  variable: style('note', '', ...AMBER, 'variable'),
  extern: style('box', 'dashed', ...ROSE, 'extern'),
  target: style('component', 'dashed', ...PURPLE, 'function of another program'),
  discarded: style('box', 'rounded,dashed', ...PALE, 'not in the result'),
  object: style('box', 'bold', ...STEEL, 'loaded object'),
  file: style('note', '', ...GREY, 'file'),
  block: { ...style('box', '', ...WHITE, ''), isCode: true },
  entry: { ...style('box', 'bold', ...BLUE, 'entry'), isCode: true },
  exit: { ...style('box', 'bold', ...GREEN, 'exit'), isCode: true },
};

export interface EdgeStyle {
  readonly line: Colour;
  readonly style: 'solid' | 'dashed' | 'dotted' | 'bold';
  readonly meaning: string;
}

function arrow(line: Colour, of: EdgeStyle['style'], meaning: string): EdgeStyle {
  return { line, style: of, meaning };
}

const LINE = colour('#46535f', '#b4c0cc');
const THIN = colour('#8592a0', '#7d8b99');

export const EDGE_STYLES: Readonly<Record<EdgeKind, EdgeStyle>> = {
  call: arrow(LINE, 'solid', 'call'),
  callback: arrow(PURPLE[1], 'dashed', 'callback'),
  'tail-call': arrow(BLUE[1], 'dotted', 'tail call'),
  use: arrow(THIN, 'solid', 'use'),
  hold: arrow(GREEN[1], 'dashed', 'static value'),
  replace: arrow(PURPLE[1], 'bold', 'replaces'),
  bind: arrow(GREEN[1], 'bold', 'bound to'),
  override: arrow(THIN, 'dashed', 'gave way to'),
  run: arrow(LINE, 'solid', 'runs'),
  jump: arrow(LINE, 'solid', ''),
  taken: arrow(GREEN[1], 'solid', 'condition holds'),
  next: arrow(ROSE[1], 'solid', 'otherwise'),
  loop: arrow(AMBER[1], 'bold', 'back to an earlier block'),
};

/** Every pair once, in the order of first use. */
function allColours(): Colour[] {
  const styles = Object.values(NODE_STYLES).flatMap(({ fill, line }) => [fill, line]);
  const lines = Object.values(EDGE_STYLES).map(({ line }) => line);
  return [...new Set([PAPER, INK, FADED, FRAME.fill, FRAME.line, MARK, ...styles, ...lines])];
}

/** Rules that exchange the light colours of an SVG document for the dark ones. */
export function darkRules(): string {
  return allColours()
    .flatMap(({ light, dark }) => [`[fill="${light}"]{fill:${dark}}`, `[stroke="${light}"]{stroke:${dark}}`])
    .join('\n');
}
