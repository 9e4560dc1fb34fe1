/** Places for the nodes of a graph: columns by distance from the roots, rows that keep callers near their callees. */

import type { GraphView } from '../messages.ts';

export interface Place {
  readonly column: number;
  readonly row: number;
}

/** In the order of the nodes. */
export function placesOf({ nodes, edges }: GraphView): readonly Place[] {
  const columns = columnsOf(nodes.length, edges);
  const rows = new Array<number>(nodes.length).fill(0);
  const last = Math.max(0, ...columns);
  for (let column = 0; column <= last; column++) {
    const inColumn = [...columns.keys()].filter(node => columns[node] === column);
    const weights = new Map(inColumn.map(node => [node, meanRow(node, edges, rows, columns)]));
    inColumn.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0) || a - b);
    inColumn.forEach((node, row) => {
      rows[node] = row;
    });
  }
  return columns.map((column, node) => ({ column, row: rows[node] ?? 0 }));
}

/** The longest path from a root; edges that close a cycle do not count, since each node moves a limited number of times. */
function columnsOf(count: number, edges: GraphView['edges']): number[] {
  const columns = new Array<number>(count).fill(0);
  for (let round = 0; round < count; round++) {
    let isChanged = false;
    for (const { from, to } of edges) {
      const next = (columns[from] ?? 0) + 1;
      if (from === to || next <= (columns[to] ?? 0) || next >= count) continue;
      columns[to] = next;
      isChanged = true;
    }
    if (!isChanged) break;
  }
  return dense(columns);
}

/** Without columns that no node is in. */
function dense(columns: readonly number[]): number[] {
  const used = [...new Set(columns)].sort((a, b) => a - b);
  return columns.map(column => used.indexOf(column));
}

function meanRow(
  node: number,
  edges: GraphView['edges'],
  rows: readonly number[],
  columns: readonly number[],
): number {
  const column = columns[node] ?? 0;
  const callers = edges.filter(({ from, to }) => to === node && (columns[from] ?? 0) < column);
  if (callers.length === 0) return node;
  return callers.reduce((sum, { from }) => sum + (rows[from] ?? 0), 0) / callers.length;
}
