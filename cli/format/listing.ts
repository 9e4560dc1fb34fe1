/** The listing of an object: blocks with a title each, of symbols straight from columns. */

import { counted, formatProblem, type Problem } from '../../src/diag/index.ts';
import type { ObjectListing, SymbolTable } from '../../src/link/index.ts';
import type { BpfObject } from '../../src/object/index.ts';
import { table } from './table.ts';

const INDENT = 2;

/** Pieces of text that end with a line, one after the other: a listing can be long. */
export function* formatListing(
  object: BpfObject,
  { overview, programs, functions, variables, externs }: ObjectListing,
  problems: readonly Problem[],
): Iterable<string> {
  const { name, byteOrder, license, maps, sections, notes } = overview;
  const types = object.btf === null ? 'no BTF' : `${object.btf.count} BTF types`;
  yield `${name}: ${byteOrder}-endian BPF object, license ${license ?? 'not stated'}, ${types}`;
  yield* symbolBlock('programs', programs);
  yield* symbolBlock('functions', functions);
  yield* block('maps', maps.map(mapRow));
  yield* symbolBlock('variables', variables);
  yield* symbolBlock('externs', externs);
  yield* block(
    'sections',
    sections.map(entry => [entry.name, `${entry.size} bytes`, `align ${entry.align}`]),
  );
  yield* block(
    'notes',
    notes.map(note => [note]),
  );
  yield* block(
    'problems',
    problems.map(problem => [formatProblem(problem)]),
  );
}

function mapRow(map: ObjectListing['overview']['maps'][number]): readonly string[] {
  const entries = map.maxEntries === null ? '? entries' : counted(map.maxEntries, 'entry');
  return [map.name, map.type ?? '?', `key ${map.keySize ?? '?'}`, `value ${map.valueSize ?? '?'}`, entries];
}

function* symbolBlock(title: string, symbols: SymbolTable): Iterable<string> {
  if (symbols.count === 0) return;
  const lines = symbols.lines(INDENT);
  if (lines === null) {
    yield* block(title, symbols.cells());
    return;
  }
  yield `${title}:`;
  yield* lines;
}

function* block(title: string, rows: readonly (readonly string[])[]): Iterable<string> {
  if (rows.length > 0) yield `${title}:\n${table(rows, ' '.repeat(INDENT))}`;
}
