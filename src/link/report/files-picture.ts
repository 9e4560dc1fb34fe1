/** A link as a picture of its files: how much each gave, and how many externs of one had definitions in another. */

import { counted } from '../../diag/index.ts';
import {
  type EdgeKind,
  edge,
  node,
  type Picture,
  type PictureEdge,
  type PictureNode,
} from '../../picture/index.ts';
import type { LinkReport } from './report.ts';

export function filesPicture(name: string, report: LinkReport): Picture {
  const overridden = report.discarded.flatMap(({ file, winner }) =>
    winner === null || winner === file ? [] : [[file, winner] as const],
  );
  return {
    title: name,
    details: [headOf(report)],
    direction: 'right',
    nodes: fileNodes(report),
    edges: [
      ...counts(
        report.bound.map(({ file, winner }) => [file, winner]),
        'bind',
        'extern',
      ),
      ...counts(overridden, 'override', 'definition'),
    ],
    clusters: [],
    marked: null,
    notes: [],
  };
}

/** `link of 2 files: 8 symbols, 1 discarded, 2 externs bound, license GPL` */
export function headOf({ inputs, symbols, discarded, bound, unresolved, license }: LinkReport): string {
  const parts = [
    counted(symbols.filter(({ kind }) => kind !== 'extern').length, 'symbol'),
    `${discarded.length} discarded`,
    `${counted(bound.length, 'extern')} bound`,
    ...(unresolved.length === 0 ? [] : [`${unresolved.length} left open`]),
    `license ${license ?? 'not stated'}`,
  ];
  return `link of ${counted(inputs.length, 'file')}: ${parts.join(', ')}`;
}

function fileNodes({ inputs, symbols, discarded }: LinkReport): PictureNode[] {
  const given = tally(symbols.filter(({ kind }) => kind !== 'extern').map(({ file }) => file));
  const lost = tally(discarded.map(({ file }) => file));
  const files = new Set([...inputs.map(input => input.name), ...given.keys(), ...lost.keys()]);
  return [...files].map(file =>
    node(`file ${file}`, 'file', file, [
      counted(given.get(file) ?? 0, 'symbol'),
      ...(lost.has(file) ? [`${lost.get(file)} discarded`] : []),
    ]),
  );
}

function counts(
  pairs: readonly (readonly [from: string, to: string])[],
  kind: EdgeKind,
  unit: string,
): PictureEdge[] {
  const found = tally(pairs.map(pair => pair.join('\0')));
  return [...found].map(([pair, count]) => {
    const [from = '', to = ''] = pair.split('\0');
    return edge(`file ${from}`, `file ${to}`, kind, counted(count, unit));
  });
}

function tally(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
