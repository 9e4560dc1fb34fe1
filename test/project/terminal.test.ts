/**
 * What keeps names from files away from terminals: all output goes through `cli/io/`, as `Lines`, which only
 * `src/diag/lines.ts` makes. `cli/terminal.test.ts` shows that it works.
 */

import { expect, test } from 'vitest';
import { shippedFiles } from '../support/shipped-files.ts';

const files = shippedFiles();

function usersOf(pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

test('only cli/io writes to the streams', () => {
  const writers = usersOf(/\b(stdout|stderr|STDOUT|STDERR)\??\.write\(|\bwriteSync\(|\bwriteAll\(/);
  expect(writers.filter(path => !path.startsWith('cli/io/'))).toEqual(['cli/main.ts']); // text of the parser
});

test('only one file makes lines', () => {
  expect(usersOf(/\bas Lines\b/)).toEqual(['src/diag/lines.ts']);
});

test('text whose line feeds are trusted is that of few makers', () => {
  expect(usersOf(/\basLines\(/)).toEqual([
    'cli/commands/apply.ts', // a unit of systemd, whose names have no control characters
    'cli/commands/chain/status.ts', // lines with a line feed after each
    'cli/commands/export.ts', // YAML, which escapes
    'cli/commands/inspect.ts', // C, of valid identifiers
    'cli/commands/metrics.ts', // Prometheus text, which escapes
    'cli/commands/run.ts', // contents of maps, from joinLines
    'cli/commands/show.ts', // the same
    'cli/commands/types.ts', // TypeScript of printable ASCII: names are identifiers, literals or cleaned comments
    'cli/format/listing.ts', // rows from columns, of printable ASCII only
    'cli/format/table.ts', // rows that were counted
    'src/diag/lines.ts',
  ]);
});

test('only one file writes JSON for output', () => {
  const own = usersOf(/\bJSON\.stringify\(/).filter(path => path.startsWith('cli/'));
  expect(own).toEqual([
    'cli/format/inventory.ts',
    'cli/io/context.ts',
    'cli/run/collected-coverage.ts', // code for another process, whose file is read here
  ]);
});

test('terminals are addressed in few files', () => {
  expect(usersOf(/\\u001b|\\x1b/i).filter(path => !path.startsWith('src/vm/'))).toEqual([
    'cli/io/context.ts',
    'cli/io/watch.ts',
    'src/diag/lines.ts',
  ]);
});
