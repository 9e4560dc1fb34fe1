/** Plain tables: columns padded to their widest cell, two spaces between. */

import { noElement } from '../../src/bytes/index.ts';
import { printable } from '../../src/diag/index.ts';

type Rows = readonly (readonly string[])[];

/** Rows as lines, each after `indent`. `right` lists the columns that hold numbers. */
export function table(rows: Rows, indent = '', right: readonly number[] = []): string {
  const lines = linesOf(rows, indent, right);
  // What has to be escaped is rare, and found much faster in all of the text than cell by cell.
  const text = lines.join('\n');
  const shown =
    printable(text) === text
      ? lines
      : linesOf(
          rows.map(row => row.map(printable)),
          indent,
          right,
        );
  return shown.map(line => line.trimEnd()).join('\n');
}

function linesOf(rows: Rows, indent: string, right: readonly number[]): readonly string[] {
  const widths = widthsOf(rows);
  return rows.map(row => lineOf(row, widths, indent, right));
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

function lineOf(
  row: readonly string[],
  widths: readonly number[],
  indent: string,
  right: readonly number[],
): string {
  let line = indent;
  for (let column = 0; column < row.length; column++) {
    const cell = row[column] ?? noElement(row, column);
    const width = widths[column] ?? noElement(widths, column);
    const isLast = column === row.length - 1;
    if (column > 0) line += '  ';
    if (right.includes(column)) line += cell.padStart(width);
    else line += isLast ? cell : cell.padEnd(width);
  }
  return line;
}
