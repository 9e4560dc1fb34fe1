/** The legend of a picture: what the kinds that it has look like. */

import type { Picture } from './model.ts';
import { EDGE_STYLES, FADED, INK, MARK, NODE_STYLES } from './style.ts';
import { shortened, xmlText } from './text.ts';

const CELLS_IN_A_ROW = 6;
const STROKES = { solid: '──▶', dashed: '─ ─▶', dotted: '∙∙∙▶', bold: '━━▶' } as const;
/** Characters of what the mark means. */
const LONGEST_MARK = 120;

/** Cells that stand below each other; none for a picture in which nothing needs an explanation. */
export function legendOf({ nodes, edges, marked }: Picture): string[] {
  const cells = [...nodeCells(new Set(nodes.map(({ kind }) => kind))), ...edgeCells(edges)];
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += CELLS_IN_A_ROW)
    rows.push(`<tr>${cells.slice(at, at + CELLS_IN_A_ROW).join('')}</tr>`);
  const table = `<table border="0" cellborder="0" cellspacing="5" cellpadding="3">${rows.join('')}</table>`;
  return [...(rows.length === 0 ? [] : [`<td align="left">${table}</td>`]), ...markCell(marked)];
}

function nodeCells(kinds: ReadonlySet<string>): string[] {
  return Object.entries(NODE_STYLES).flatMap(([kind, { fill, line, style, meaning }]) => {
    if (!kinds.has(kind) || meaning === '') return [];
    const frame = style.includes('dashed') ? 'style="rounded,dashed"' : 'style="rounded"';
    const colours = `border="1" bgcolor="${fill.light}" color="${line.light}"`;
    return [`<td ${colours} ${frame}><font point-size="10" color="${INK.light}">${meaning}</font></td>`];
  });
}

function edgeCells(edges: Picture['edges']): string[] {
  const kinds = new Set<string>(edges.map(({ kind }) => kind));
  return Object.entries(EDGE_STYLES).flatMap(([kind, { line, style, meaning }]) => {
    if (!kinds.has(kind) || meaning === '') return [];
    const stroke = `<font color="${line.light}">${STROKES[style]}</font>`;
    return [`<td><font point-size="10" color="${FADED.light}">${stroke} ${meaning}</font></td>`];
  });
}

function markCell(marked: string | null): string[] {
  if (marked === null) return [];
  const text = xmlText(shortened(marked, LONGEST_MARK));
  return [`<td align="left"><font point-size="11" color="${MARK.light}">━━▶ ${text}</font></td>`];
}
