/** Plain tables: columns padded to their widest cell, two spaces between. */

import { elementAt } from '../../src/bytes/index.ts';
import { printable } from '../../src/diag/index.ts';

/** Rows as lines, each after `indent`. `right` lists the columns that hold numbers. */
export function table(
  rows: readonly (readonly string[])[],
  indent = '',
  right: readonly number[] = [],
): string {
  const cells = rows.map(row => row.map(printable));
  const widths = widthsOf(cells);
  return cells.map(row => lineOf(row, widths, indent, right)).join('\n');
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return widths;
}

function lineOf(
  row: readonly string[],
  widths: readonly number[],
  indent: string,
  right: readonly number[],
): string {
  let line = indent;
  for (const [column, cell] of row.entries()) {
    if (column > 0) line += '  ';
    const width = elementAt(widths, column);
    line += right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
  }
  return line.trimEnd();
}
