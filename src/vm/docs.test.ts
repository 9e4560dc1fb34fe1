/** docs/machine.md has every helper and every map type, and says of them what the code says. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mapTypeName } from '../uapi/map-types.ts';
import { HELPERS } from './helpers/table.ts';
import { SUPPORTED_MAP_TYPES } from './run/map-factory.ts';

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/machine.md', import.meta.url)), 'utf8');

/** Rows of the table below a heading, without its head. */
function rowsBelow(heading: string): string[] {
  const section = DOCUMENT.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter(line => line.startsWith('| '))
    .slice(1);
}

test('helpers', () => {
  const rows = HELPERS.map(({ id, name, programs, note }) => {
    const allowed = programs === null ? 'all' : programs.join(', ');
    return `| ${id} | \`bpf_${name}\` | ${allowed} | ${note} |`.replaceAll('  ', ' ');
  });
  expect(rowsBelow('Helpers').map(row => row.replaceAll('  ', ' '))).toEqual(rows);
  expect(new Set(HELPERS.map(helper => helper.id)).size).toBe(HELPERS.length);
});

test('map types', () => {
  const documented = rowsBelow('Maps').map(row => row.split('`')[1]);
  expect(documented).toEqual(SUPPORTED_MAP_TYPES.map(mapTypeName));
});
