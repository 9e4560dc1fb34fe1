/** A link as a picture of its files: how much each gave, and how many externs of one had definitions in another. */

import { valueAt } from '../../bytes/index.ts';
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
  return [...files].map(file => {
    const details = [counted(given.of(file), 'symbol')];
    return node(`file ${file}`, 'file', file, [
      ...details,
      ...(lost.of(file) === 0 ? [] : [`${lost.of(file)} discarded`]),
    ]);
  });
}

/** One edge for all of a pair of files. */
function counts(
  pairs: readonly (readonly [from: string, to: string])[],
  kind: EdgeKind,
  unit: string,
): PictureEdge[] {
  const found = tally(pairs.map(pair => pair.join('\0')));
  const distinct = new Map(pairs.map(pair => [pair.join('\0'), pair]));
  return [...distinct].map(([key, [from, to]]) =>
    edge(`file ${from}`, `file ${to}`, kind, counted(found.of(key), unit)),
  );
}

interface Tally {
  keys(): Iterable<string>;
  /** How often a word was there. */
  of(word: string): number;
}

function tally(words: readonly string[]): Tally {
  const counts = new Map<string, number>();
  const of = (word: string): number => (counts.has(word) ? valueAt(counts, word) : 0);
  for (const word of words) counts.set(word, of(word) + 1);
  return { keys: () => counts.keys(), of };
}
