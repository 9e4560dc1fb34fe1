/** Two texts line by line: which lines are only in one of them. */

import { elementAt } from '../../bytes/index.ts';

export interface DifferentLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Texts of more lines together are compared as wholes beyond their common ends. */
const MOST_CELLS = 4_000_000;

export function differentLines(before: string, after: string): DifferentLine[] {
  const [old, next] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start++;
  let end = 0;
  while (end < old.length - start && end < next.length - start && old.at(-1 - end) === next.at(-1 - end))
    end++;
  return [
    ...old.slice(0, start).map(text => ({ kind: 'same', text }) as const),
    ...middle(old.slice(start, old.length - end), next.slice(start, next.length - end)),
    ...old.slice(old.length - end).map(text => ({ kind: 'same', text }) as const),
  ];
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** By the longest common subsequence. */
function middle(old: readonly string[], next: readonly string[]): DifferentLine[] {
  const removed = (text: string): DifferentLine => ({ kind: 'removed', text });
  const added = (text: string): DifferentLine => ({ kind: 'added', text });
  if (old.length * next.length > MOST_CELLS) return [...old.map(removed), ...next.map(added)];
  const width = next.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const cell = (row: number, column: number): number => elementAt(common, row * width + column);
  for (let row = old.length - 1; row >= 0; row--)
    for (let column = next.length - 1; column >= 0; column--)
      common[row * width + column] =
        old[row] === next[column]
          ? cell(row + 1, column + 1) + 1
          : Math.max(cell(row + 1, column), cell(row, column + 1));
  const lines: DifferentLine[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < next.length) {
    const [a, b] = [old[row], next[column]];
    if (a !== undefined && a === b) {
      lines.push({ kind: 'same', text: a });
      row++;
      column++;
    } else if (a !== undefined && (b === undefined || cell(row + 1, column) >= cell(row, column + 1))) {
      lines.push(removed(a));
      row++;
    } else if (b !== undefined) {
      lines.push(added(b));
      column++;
    }
  }
  return lines;
}

/** Lines with what is around changes: `context` lines before and after; gaps are null. */
export function hunks(lines: readonly DifferentLine[], context: number): (DifferentLine | null)[] {
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(({ kind }) => kind !== 'same'),
  );
  const shown: (DifferentLine | null)[] = [];
  for (const [at, line] of lines.entries())
    if (near[at] === true) shown.push(line);
    else if (shown.at(-1) !== null && shown.length > 0) shown.push(null);
  if (shown.at(-1) === null) shown.pop();
  return shown;
}
