/**
 * What Graphviz draws, as a document of its own: fonts that systems have, colours for light and dark surroundings, names
 * of things where a pointer shows them. Graphviz has escaped all text; nothing here puts other text in.
 */

import { elementAt } from '../bytes/index.ts';
import { bugError } from '../diag/index.ts';
import { CODE_FONT, FONT } from './dot.ts';
import type { Picture } from './model.ts';
import { darkRules } from './style.ts';
import { shortened, xmlText } from './text.ts';

const FAMILIES: readonly (readonly [string, string])[] = [
  [FONT, "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif"],
  [CODE_FONT, "'Courier New', 'Liberation Mono', 'DejaVu Sans Mono', Menlo, monospace"],
];
/** Characters of a name that a pointer shows. */
const LONGEST_TITLE = 400;

/** `drawn`: what Graphviz made of `dotOf(picture)`. */
export function svgOf(picture: Picture, drawn: string): string {
  const start = drawn.indexOf('<svg');
  if (start < 0) throw bugError([], 'Graphviz made no SVG document');
  const body = drawn.slice(start).replace(/<!--[^>]*-->\n?/g, '');
  const styled = body.replace(/^(<svg[^>]*>)/, (_, head: string) => `${headOf(head)}\n${styleOf()}`);
  return withTitles(picture, withFonts(styled));
}

/** As wide as its surroundings allow, and never larger than it was drawn. */
function headOf(head: string): string {
  return head
    .replace(/ xmlns:xlink="[^"]*"/, '')
    .replace('<svg ', '<svg role="img" style="max-width:100%;height:auto" ');
}

function styleOf(): string {
  return `<style>\n:root{color-scheme:light dark}\n@media (prefers-color-scheme:dark){\n${darkRules()}\n}\n</style>`;
}

function withFonts(text: string): string {
  return text.replace(/ font-family="(\w+)[^"]*"/g, (whole, family: string) => {
    const found = FAMILIES.find(([name]) => name === family);
    return found === undefined ? whole : ` font-family="${found[1]}"`;
  });
}

/** Titles are numbers of nodes, edges and clusters: they get the names that these have. */
function withTitles(picture: Picture, text: string): string {
  const nodeName = (at: string): string =>
    xmlText(shortened(elementAt(picture.nodes, Number(at)).label, LONGEST_TITLE));
  return text
    .replace(/<title>n(\d+)<\/title>/g, (_, at: string) => `<title>${nodeName(at)}</title>`)
    .replace(
      /<title>n(\d+)&#45;&gt;n(\d+)<\/title>/g,
      (_, from: string, to: string) => `<title>${nodeName(from)} → ${nodeName(to)}</title>`,
    )
    .replace(/<title>cluster_(\d+)<\/title>/g, (_, at: string) => {
      const label = elementAt(picture.clusters, Number(at)).label;
      return `<title>${xmlText(shortened(label, LONGEST_TITLE))}</title>`;
    })
    .replace('<title>rootlet</title>', `<title>${xmlText(shortened(picture.title, LONGEST_TITLE))}</title>`);
}
