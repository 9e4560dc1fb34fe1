/** Plain tables: columns padded to their widest cell, two spaces between. */

import { noElement } from '../../src/bytes/index.ts';
import { asLines, type Lines, printable, printableName } from '../../src/diag/index.ts';

type Rows = readonly (readonly string[])[];

/** Rows that become one text at a time: the lines of a long table need not all be kept as texts of their own. */
const CHUNK = 256;

/** Rows as lines, each after `indent`. `right` lists the columns that hold numbers. */
export function table(rows: Rows, indent = '', right: readonly number[] = []): Lines {
  const format = { indent, right };
  const plain = textOf(rows, format);
  if (plain.isPrintable) return asLines(plain.text);
  // Rare, and found much faster in a long text than cell by cell.
  const escaped = rows.map(row => row.map(printableName));
  return asLines(textOf(escaped, format).text);
}

interface Format {
  readonly indent: string;
  readonly right: readonly number[];
}

/** `isPrintable`: nothing has to be escaped, which changes widths. */
function textOf(rows: Rows, format: Format): { readonly text: string; readonly isPrintable: boolean } {
  const widths = widthsOf(rows);
  const chunks: string[] = [];
  let isPrintable = true;
  for (let first = 0; first < rows.length; first += CHUNK) {
    const chunk = rows.slice(first, first + CHUNK);
    let text = '';
    for (const row of chunk) text += `${lineOf(row, widths, format)}\n`;
    isPrintable &&= printable(text) === text && hasLines(text, chunk.length);
    chunks.push(text);
  }
  return { text: chunks.join('').slice(0, -1), isPrintable };
}

/** No cell makes a line of its own, or moves the ones after it. */
function hasLines(text: string, lines: number): boolean {
  return text.split('\n').length === lines + 1 && !text.includes('\t');
}

function widthsOf(rows: Rows): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (let column = 0; column < row.length; column++) {
      const { length } = row[column] ?? noElement(row, column);
      const widest = widths[column];
      if (widest === undefined || length > widest) widths[column] = length;
    }
  }
  return widths;
}

function lineOf(row: readonly string[], widths: readonly number[], { indent, right }: Format): string {
  let line = indent;
  const last = row.length - 1;
  for (let column = 0; column <= last; column++) {
    const cell = row[column] ?? noElement(row, column);
    const width = widths[column] ?? noElement(widths, column);
    if (column > 0) line += '  ';
    if (right.includes(column)) line += cell.padStart(width);
    else line += column === last ? cell : cell.padEnd(width);
  }
  return mayEndInSpace(row[last]) ? trimmed(line) : line;
}

function mayEndInSpace(cell: string | undefined): boolean {
  if (cell === undefined || cell === '') return true;
  const code = cell.charCodeAt(cell.length - 1);
  return code <= 0x20 || code >= 0x7f;
}

/** What has to be escaped is not space. */
function trimmed(line: string): string {
  return printable(line) === line ? line.trimEnd() : line;
}
