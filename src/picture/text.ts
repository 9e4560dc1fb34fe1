/**
 * Text of files inside of DOT and SVG. Names are hostile: what a terminal obeys or hides becomes visible first (the rules
 * of `printableName`), then what has a meaning in XML becomes an entity. All labels are HTML-like, in which
 * Graphviz knows no other escapes: no text of a file is in double quotes.
 */

import { valueAt } from '../bytes/index.ts';
import { printableName } from '../diag/index.ts';

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** Characters that no XML document may have, and that are visible as far as a terminal is concerned. */
const NOT_XML = /[\ufffe\uffff]/g;

/** One line of text in XML. */
export function xmlText(text: string): string {
  const visible = printableName(text).replace(NOT_XML, one => `\\u${one.charCodeAt(0).toString(16)}`);
  return visible.replace(/[&<>"']/g, one => valueAt(ENTITIES, one));
}

/** At most `most` characters; of longer text the start and the end, which differ most among names. */
export function shortened(text: string, most: number): string {
  const characters = charactersOf(text, most);
  if (characters.length <= most) return characters.join('');
  const end = Math.floor(most / 3);
  return `${characters.slice(0, most - end - 1).join('')}…${characters.slice(-end).join('')}`;
}

/** At most `most` characters from the start, as of a line of code. */
export function cut(text: string, most: number): string {
  const characters = charactersOf(text, most);
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}

/** Visible ones, as many as are needed: a name may have megabytes. */
function charactersOf(text: string, most: number): string[] {
  const [start, end] = [4 * most, -4 * most];
  const rough = text.length > 8 * most ? `${text.slice(0, start)}${text.slice(end)}` : text;
  return Array.from(printableName(rough));
}
