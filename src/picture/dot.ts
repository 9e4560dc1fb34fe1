/**
 * Pictures as text of DOT, the language of Graphviz. The one writer: the command, the library and pages in a browser
 * have it from here. The same picture gives the same bytes.
 */

import { valueAt } from '../bytes/index.ts';
import { legendOf } from './legend.ts';
import type { Picture, PictureCluster, PictureEdge, PictureNode } from './model.ts';
import { EDGE_STYLES, FADED, FRAME, INK, MARK, NODE_STYLES, PAPER } from './style.ts';
import { cut, shortened, xmlText } from './text.ts';

/** Characters of a line. */
const LONGEST_LABEL = 44;
const LONGEST_DETAIL = 60;
const LONGEST_CODE = 84;
/** Nodes beside each other that no edge orders. */
const WIDEST_ROW = 5;
/** Widths are computed from tables of these fonts; `svgOf` names others that look alike. */
export const FONT = 'Helvetica';
export const CODE_FONT = 'Courier';
const SMALL = 10;

/** A picture as a document of DOT. */
export function dotOf(picture: Picture): string {
  const names = new Map(picture.nodes.map(({ id }, at) => [id, `n${at}`]));
  const nameOf = (id: string): string => valueAt(names, id);
  const nodes = new Map(picture.nodes.map(one => [one.id, nodeLine(one, nameOf(one.id))]));
  const inClusters = new Set(picture.clusters.flatMap(cluster => cluster.nodes));
  const lines = [
    'digraph rootlet {',
    ...settings(picture),
    ...picture.clusters.flatMap((cluster, at) => clusterLines(cluster, at, nodes)),
    ...picture.nodes.flatMap(({ id }) => (inClusters.has(id) ? [] : [valueAt(nodes, id)])),
    ...picture.edges.map(one => edgeLine(one, nameOf)),
    ...looseRows(picture).map(row => `  ${row.map(nameOf).join(' -> ')} [style=invis];`),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function settings(picture: Picture): string[] {
  const direction = picture.direction === 'right' ? 'LR' : 'TB';
  const graph = [
    `rankdir=${direction}`,
    `bgcolor="${PAPER.light}"`,
    `fontname="${FONT}"`,
    `fontcolor="${INK.light}"`,
    'labelloc=t',
    'labeljust=l',
    'pad=0.3',
    'nodesep=0.22',
    `ranksep=${picture.direction === 'right' ? 0.7 : 0.4}`,
    'newrank=true',
    `label=${headOf(picture)}`,
  ];
  return [
    `  graph [${graph.join(', ')}];`,
    `  node [fontname="${FONT}", fontsize=12, fontcolor="${INK.light}", margin="0.14,0.07", height=0.35];`,
    `  edge [fontname="${FONT}", fontsize=${SMALL}, fontcolor="${FADED.light}", arrowsize=0.7];`,
  ];
}

/** Between the head and what is drawn. */
const SPACE = '<td height="10"></td>';

function headOf(picture: Picture): string {
  const { title, details, notes } = picture;
  const rows = [
    `<b><font point-size="18">${labelText(title, LONGEST_CODE)}</font></b>`,
    ...details.map(one => `<font color="${FADED.light}">${labelText(one, 2 * LONGEST_CODE)}</font>`),
    ...notes.map(one => `<font color="${MARK.light}">${labelText(one, 2 * LONGEST_CODE)}</font>`),
  ];
  const cells = [...rows.map(row => `<td align="left">${row}</td>`), ...legendOf(picture), SPACE];
  return `<<table border="0" cellborder="0" cellspacing="0" cellpadding="3">${cells.map(one => `<tr>${one}</tr>`).join('')}</table>>`;
}

function labelText(text: string, most: number): string {
  return xmlText(shortened(text, most));
}

function nodeLine({ kind, label, details }: PictureNode, name: string): string {
  const { shape, style, fill, line, isCode } = NODE_STYLES[kind];
  const attributes = [
    `class="${kind}"`,
    `shape=${shape}`,
    `style="${style === '' ? 'filled' : `filled,${style}`}"`,
    `fillcolor="${fill.light}"`,
    `color="${line.light}"`,
    ...(isCode ? [`fontname="${CODE_FONT}"`, 'fontsize=11'] : []),
    `label=${isCode ? codeLabel(label, details) : plainLabel(label, details)}`,
  ];
  return `  ${name} [${attributes.join(', ')}];`;
}

function plainLabel(label: string, details: readonly string[]): string {
  const lines = details.map(one => {
    const text = labelText(one, LONGEST_DETAIL);
    return `<br/><font point-size="${SMALL}" color="${FADED.light}">${text}</font>`;
  });
  return `<<b>${labelText(label === '' ? '?' : label, LONGEST_LABEL)}</b>${lines.join('')}>`;
}

function codeLabel(label: string, lines: readonly string[]): string {
  const head = `<font point-size="9" color="${FADED.light}">${labelText(label, LONGEST_CODE)}</font>`;
  const rest = lines.map(one => `${xmlText(cut(one, LONGEST_CODE))}<br align="left"/>`);
  return `<${head}<br align="left"/>${rest.join('')}>`;
}

function clusterLines(
  { label, details, nodes: ids }: PictureCluster,
  at: number,
  nodes: ReadonlyMap<string, string>,
): string[] {
  const small = details.map(one => {
    return `<font point-size="${SMALL}" color="${FADED.light}">${labelText(one, LONGEST_DETAIL)}</font><br align="left"/>`;
  });
  const head = `<<b>${labelText(label, LONGEST_LABEL)}</b><br align="left"/>${small.join('')}>`;
  return [
    `  subgraph cluster_${at} {`,
    `    graph [class="frame", style="filled,rounded", fillcolor="${FRAME.fill.light}", color="${FRAME.line.light}", margin=16, labeljust=l, label=${head}];`,
    ...ids.map(id => `  ${valueAt(nodes, id)}`),
    '  }',
  ];
}

function edgeLine({ from, to, kind, label, marked }: PictureEdge, nameOf: (id: string) => string): string {
  const { line, style } = EDGE_STYLES[kind];
  const attributes = [
    `class="${marked ? `${kind} marked` : kind}"`,
    `color="${marked ? MARK.light : line.light}"`,
    ...(style === 'solid' ? [] : [`style=${style}`]),
    ...(marked ? ['penwidth=2.4'] : style === 'dotted' ? ['penwidth=1.6'] : []),
    ...(label === '' ? [] : [`label=<&#160;&#160;${labelText(label, LONGEST_LABEL)}>`]),
  ];
  return `  ${nameOf(from)} -> ${nameOf(to)} [${attributes.join(', ')}];`;
}

/** What has no edge would be one long column: it is in rows, which invisible edges keep together. */
function looseRows({ clusters, nodes, edges }: Picture): string[][] {
  const tied = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const placed = new Set(clusters.flatMap(cluster => cluster.nodes));
  const rest = nodes.flatMap(({ id }) => (placed.has(id) ? [] : [id]));
  return [...clusters.map(cluster => cluster.nodes), rest].flatMap(ids =>
    rowsOf(ids.filter(id => !tied.has(id))),
  );
}

function rowsOf(loose: readonly string[]): string[][] {
  const width = Math.min(WIDEST_ROW, Math.ceil(Math.sqrt(loose.length)));
  const rows: string[][] = [];
  for (let at = 0; at < loose.length; at += width) rows.push(loose.slice(at, at + width));
  return rows.filter(row => row.length > 1);
}
