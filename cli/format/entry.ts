/** Entries of the store as lines of text and as data. */

import { formatProblem } from '../../src/diag/index.ts';
import { describePin, entrySettings } from '../../src/dynamic/index.ts';
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
      `${progTypeName(type)}, tag ${tag}`,
    ]),
    ...maps.map(({ name, id }) => ['map', describePin(name), `id ${id}`, '']),
    ...links.map(({ name, id, place }) => ['attachment', name, `id ${id}`, place]),
  ];
}

export function formatEntry(head: string, entry: StoreEntry): string {
  return [head, table(entryRows(entry), '  ')].filter(text => text !== '').join('\n');
}

export function formatBroken(entry: BrokenEntry): string {
  return `${describeEntry(entry)} cannot be read:\n${entry.problems.map(problem => `  ${formatProblem(problem)}`).join('\n')}`;
}
