/** Entries of the store as lines of text and as data. */

import { joinBlocks, type Lines, line, problemLines } from '../../src/diag/index.ts';
import { describePin, entryOptimization, entrySettings } from '../../src/dynamic/index.ts';
import { type BrokenEntry, describeEntry, type StoreEntry } from '../../src/store/index.ts';
import { progTypeName } from '../../src/uapi/index.ts';
import { table } from './table.ts';

export function entryJson(entry: StoreEntry | BrokenEntry): Record<string, unknown> {
  if (entry.kind === 'broken') {
    const { entryKind, name, path, problems } = entry;
    return { kind: entryKind, name, path, broken: true, problems };
  }
  const { kind, name, generation, path, record } = entry;
  return {
    kind,
    name,
    generation,
    path,
    source: record.source,
    time: record.time,
    programs: record.programs.map(({ type, ...program }) => ({ ...program, type: progTypeName(type) })),
    maps: record.maps,
    attachments: record.links,
    settings: entrySettings(entry),
    optimized: entryOptimization(entry)?.step ?? 'none',
    data: record.data,
  };
}

/** What an entry holds, one line each. */
export function entryRows(entry: StoreEntry): string[][] {
  const { programs, maps, links } = entry.record;
  return [
    ...programs.map(({ name, id, type, tag }) => [
      'program',
      describePin(name),
      `id ${id}`,
      `${progTypeName(type)}, ${programDetail(entry, name, tag)}`,
    ]),
    ...maps.map(({ name, id }) => ['map', describePin(name), `id ${id}`, '']),
    ...links.map(({ name, id, place }) => ['attachment', name, `id ${id}`, place]),
  ];
}

/** `tag 5d0ad…, optimized (single)`. */
export function programDetail(entry: StoreEntry, program: string, tag: string): string {
  const optimized = entryOptimization(entry);
  const step = optimized?.programs.includes(program) === true ? `, optimized (${optimized.step})` : '';
  return `tag ${tag}${step}`;
}

export function formatEntry(head: string, entry: StoreEntry): Lines {
  return joinBlocks([line(head), table(entryRows(entry), '  ')].filter(text => text !== ''));
}

export function formatBroken(entry: BrokenEntry): Lines {
  const problems = entry.problems.map(problem => problemLines(problem, '  '));
  return joinBlocks([line(`rootlet: ${describeEntry(entry)} cannot be read:`), ...problems]);
}
