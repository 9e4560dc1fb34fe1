/** The link map: inputs, origin of symbols, discarded symbols with the reason, number of types. */

import { joinBlocks, joinLines, type Lines, line, quote } from '../../src/diag/index.ts';
import {
  type BoundExtern,
  type Discarded,
  discardText,
  type Explanation,
  type LinkReport,
  type LivePath,
  type PulledMember,
  type ReportedMerge,
  type ReportedRename,
} from '../../src/link/index.ts';
import { formatOptimization } from './optimization.ts';
import { table } from './table.ts';

export function formatLinkMap(report: LinkReport): Lines {
  const parts = [
    section(
      'inputs',
      report.inputs.map(input => [input.name, `${input.symbols} symbols`, `${input.types} types`]),
    ),
    section(
      'symbols',
      report.symbols.map(symbol => [
        symbol.section,
        String(symbol.size),
        symbol.binding,
        symbol.name,
        symbol.file,
        symbol.declaration,
      ]),
    ),
    section(
      'discarded',
      report.discarded.map(entry => [entry.name, `${entry.size} bytes`, entry.file, discardText(entry)]),
    ),
    section(
      'renamed',
      report.renames.map(rename => [
        rename.kind,
        rename.file,
        rename.from,
        '->',
        rename.to,
        namesakeOf(rename),
      ]),
    ),
    section(
      'merged',
      report.merged.map(({ name, files }) => [name, files.join(', '), 'pinned']),
    ),
    section(
      'bound',
      report.bound.map(entry => [entry.name, entry.file, '->', entry.winner, howOf(entry)]),
    ),
    section(
      'left open',
      report.unresolved.map(name => [name]),
    ),
    ...(report.optimization === null ? [] : [formatOptimization(report.optimization)]),
    line(`types: ${report.types.before} in the inputs, ${report.types.after} in the result`),
    line(`license: ${report.license ?? 'not stated'}`),
    ...report.notes.map(note => line(`note: ${note}`)),
  ];
  return joinBlocks([...parts.filter(part => part !== ''), line('')]);
}

function section(title: string, rows: readonly (readonly string[])[]): Lines {
  return rows.length === 0 ? line('') : joinBlocks([line(`${title}:`), table(rows, '  ')]);
}

function howOf({ name, definition, by }: BoundExtern): string {
  const other = name === definition ? '' : definition;
  return by === 'name' ? other : `${other === '' ? '' : `${other}, `}as requested`;
}

function namesakeOf({ kind, reason, namesake }: ReportedRename): string {
  const verb = reason === 'pinned' ? 'pins' : 'has';
  const what = namesake.kind === kind && reason === 'clash' ? 'one' : `a ${namesake.kind}`;
  return `${namesake.file} ${verb} ${what} of that name`;
}

/** A line for every name that changed and for every pinned map that several inputs define. */
export function formatNames({
  renames,
  merged,
}: {
  readonly renames: readonly ReportedRename[];
  readonly merged: readonly ReportedMerge[];
}): string[] {
  return [
    ...renames.map(
      rename =>
        `renamed: ${rename.kind} ${quote(rename.from)} of ${rename.file} to ${quote(rename.to)}: ${namesakeOf(rename)}`,
    ),
    ...merged.map(({ name, files }) => {
      const of = [...new Set(files)].join(' and ');
      return `merged: map ${quote(name)} of ${of}: one pin, equal definitions`;
    }),
  ];
}

/** What is not in the result: kind, name, file, size, reason. */
export function formatDiscarded(discarded: readonly Discarded[]): Lines {
  if (discarded.length === 0) return line('nothing was discarded');
  return table(
    discarded.map(entry => [entry.kind, entry.name, entry.file, `${entry.size} bytes`, discardText(entry)]),
    '',
    [3],
  );
}

/** One line of `--trace`: an archive member, and the symbol that pulled it in. */
export function formatPulled({ archive, member, symbol, neededBy }: PulledMember): Lines {
  const why =
    symbol === null || neededBy === null
      ? 'the whole archive is linked'
      : `defines ${symbol}, which ${neededBy} needs`;
  return line(`${archive}(${member}): ${why}`);
}

/** One line of `--why-live`. */
export function formatLivePath({ name, path }: LivePath): Lines {
  const why = path.length === 0 ? 'was not needed' : `is kept by ${path.join(' -> ')}`;
  return line(`${name} ${why}`);
}

export function formatExplanation(explanation: Explanation): Lines {
  const lines = [
    `${explanation.name}:`,
    explanation.winner === null
      ? `  not defined: ${explanation.unresolved ?? ''}`
      : `  defined by  ${explanation.winner}`,
    ...explanation.losers.map(loser => `  lost        ${loser.definition} (${loser.reason})`),
    ...explanation.declarations.map(declaration => `  declared by ${declaration}`),
    ...explanation.references.map(
      site =>
        `  used by     ${site.file}: ${site.symbol}, at ${site.position}${site.source === null ? '' : `, ${site.source}`}`,
    ),
    ...(explanation.hidden ? ['  hidden: one of its declarations is; loaders make it static'] : []),
  ];
  return joinLines(lines);
}
