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
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return cells
    .map(row =>
      `${indent}${row.map((cell, column) => pad(cell, elementAt(widths, column), right.includes(column))).join('  ')}`.trimEnd(),
    )
    .join('\n');
}

function pad(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}
