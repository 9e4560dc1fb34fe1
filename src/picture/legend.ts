/** The legend of a picture: what the kinds that it has look like. Lines of text, which take no more room than they need. */

import type { Picture } from './model.ts';
import { EDGE_STYLES, FADED, MARK, NODE_STYLES } from './style.ts';
import { shortened, xmlText } from './text.ts';

/** Characters of a line of the legend. */
const LINE = 104;
const STROKES = { solid: '──▶', dashed: '╌╌▶', dotted: '┈┈▶', bold: '━━▶' } as const;
/** Characters of what the mark means. */
const LONGEST_MARK = 120;
const GAP = '\u00a0\u00a0\u00a0';

interface Entry {
  readonly sign: string;
  /** Of the sign. */
  readonly colour: string;
  readonly meaning: string;
}

/** Cells that stand below each other; none for a picture in which nothing needs an explanation. */
export function legendOf({ nodes, edges, marked }: Picture): string[] {
  const kinds = new Set<string>([...nodes, ...edges].map(({ kind }) => kind));
  const entries = [...nodeEntries(), ...edgeEntries()].filter(([kind]) => kinds.has(kind));
  const lines = [[] as Entry[]];
  let length = 0;
  for (const [, entry] of entries) {
    length += entry.sign.length + entry.meaning.length + GAP.length + 1;
    if (length > LINE) {
      lines.push([]);
      length = 0;
    }
    lines.at(-1)?.push(entry);
  }
  const cells = lines.filter(line => line.length > 0).map(line => cellOf(line.map(entryText)));
  return [...cells, ...markCells(marked)];
}

function nodeEntries(): (readonly [kind: string, Entry])[] {
  return Object.entries(NODE_STYLES).flatMap(([kind, { line, style, meaning }]) =>
    meaning === ''
      ? []
      : [[kind, { sign: style.includes('dashed') ? '▢' : '■', colour: line.light, meaning }] as const],
  );
}

function edgeEntries(): (readonly [kind: string, Entry])[] {
  return Object.entries(EDGE_STYLES).flatMap(([kind, { line, style, meaning }]) =>
    meaning === '' ? [] : [[kind, { sign: STROKES[style], colour: line.light, meaning }] as const],
  );
}

function entryText({ sign, colour, meaning }: Entry): string {
  return `<font color="${colour}">${sign}</font> ${meaning}`;
}

function cellOf(texts: readonly string[]): string {
  return `<td align="left"><font point-size="11" color="${FADED.light}">${texts.join(GAP)}</font></td>`;
}

function markCells(marked: string | null): string[] {
  if (marked === null) return [];
  const text = xmlText(shortened(marked, LONGEST_MARK));
  return [`<td align="left"><font point-size="11" color="${MARK.light}">━━▶ ${text}</font></td>`];
}
